"""A sale of the company of a cap table: claims, payouts and returns of its holders.

Stock counts in full, vested or not, because the buyer takes it over as it is. Options count if they
are vested on the day of the sale, including accelerated vesting; the others lapse with the free
pool. A warrant on preferred stock counts as a warrant on the common stock into which that converts,
because its exercise price is the preference that it would get. Amounts are in the table's currency.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from finance.capital.events import Repayment, Transfer
from finance.capital.history import Capital, Step
from finance.capital.instruments import Note, OptionGrant, Safe, Warrant
from finance.capital.table import CapTable, Holding, StockClass
from finance.exits.claims import NOTHING, Claim, Common, Debt, Option, Preferred, Rank, Stack
from finance.exits.convertibles import CapCounts, Unconverted, claims_of
from finance.exits.returns import Flow, InvestorReturn, investor_return
from finance.exits.waterfall import Payouts
from finance.numbers import checks

NOTE_SENIORITY = 100
"""Seniority of notes, which are unsecured: loans have lower numbers and are paid first."""


@dataclass(frozen=True, slots=True)
class Sale:
    """All claims on a sale on one day. ``holders`` gives the holder of each claim by its id."""

    date: datetime.date
    stack: Stack
    holders: Mapping[str, str]

    def by_holder(self, paid: Payouts) -> dict[str, Fraction]:
        """Return the payouts of all claims of each holder."""
        totals: defaultdict[str, Fraction] = defaultdict(Fraction)
        for claim_id, usd in paid.usd.items():
            totals[self.holders[claim_id]] += usd
        return dict(totals)


def sale(table: CapTable, date: datetime.date, debts: Sequence[Debt] = ()) -> Sale:
    """Return the claims on a sale on ``date``.

    Parameters
    ----------
    debts
        Loans with the amounts owed on the day; notes are part of the table.

    Raises
    ------
    InputError
        If the day is before that of the table, or if there is no stock.
    """
    checks.in_order("date", table.date, date)
    claims: list[tuple[str, Claim]] = [(debt.id, debt) for debt in debts]
    claims += [
        (holding.holder, _stock(holding, table.stock_class(holding.stock_class)))
        for holding in table.holdings
    ]
    claims += [(grant.holder, _options(grant, date)) for grant in table.grants]
    claims += [
        (warrant.holder, _warrant(warrant, table.ratios[warrant.stock_class]))
        for warrant in table.warrants
        if warrant.expires is None or warrant.expires >= date
    ]
    unconverted: list[Safe | Note] = [*table.safes, *table.notes]
    if unconverted:
        terms = [_unconverted(table, security, date) for security in unconverted]
        found = claims_of(terms, table.outstanding)
        claims += [
            (security.holder, claim) for security, claim in zip(unconverted, found, strict=True)
        ]
    return Sale(
        date,
        Stack(tuple(claim for _, claim in claims)),
        {claim.id: holder for holder, claim in claims},
    )


def _stock(held: Holding, stock_class: StockClass) -> Claim:
    shares = held.shares * stock_class.common_per_share
    if not stock_class.preferred:
        return Common(id=held.name, shares=shares)
    cap = stock_class.participation_cap
    return Preferred(
        id=held.name,
        shares=shares,
        invested_usd=held.shares * (stock_class.issue_price or NOTHING),
        multiple=Fraction(stock_class.liquidation_multiple),
        participating=stock_class.participating,
        cap_multiple=None if cap is None else Fraction(cap),
        seniority=-stock_class.seniority,  # the table pays the highest first, the stack the lowest
    )


def _options(grant: OptionGrant, date: datetime.date) -> Option:
    shares = grant.shares
    if grant.vesting is not None:
        all_granted = grant.shares + grant.exercised
        vested = grant.vesting.vested_at_exit(all_granted, date)
        shares = max(NOTHING, vested - grant.exercised)
    return Option(id=grant.name, shares=shares, strike_usd=grant.exercise_price)


def _warrant(warrant: Warrant, common_per_share: Fraction) -> Option:
    return Option(
        id=warrant.name,
        shares=warrant.shares * common_per_share,
        strike_usd=warrant.exercise_price / common_per_share,
    )


def _unconverted(table: CapTable, security: Safe | Note, date: datetime.date) -> Unconverted:
    is_note = isinstance(security, Note)
    owed = security.claim(date) if isinstance(security, Note) else Fraction(security.amount)
    cash = security.exit_claim(date) if isinstance(security, Note) else owed
    return Unconverted(
        id=security.name,
        amount_usd=table.in_currency(owed, security.currency),
        cap_usd=None
        if security.cap is None
        else table.in_currency(security.cap, security.currency),
        cap_counts=CapCounts.POST_MONEY if security.counted.converting else CapCounts.PRE_MONEY,
        cap_shares=security.cap_shares if isinstance(security, Note) else None,
        discount=Fraction(security.discount),
        cash_usd=table.in_currency(cash, security.currency),
        rank=Rank.DEBT if is_note else Rank.PREFERRED,
        seniority=NOTE_SENIORITY if is_note else 0,
    )


def returns(
    capital: Capital, steps: Sequence[Step], sold: Sale, paid: Payouts
) -> dict[str, InvestorReturn]:
    """Return the result of every holder, from its first payment to the sale.

    Holders who paid nothing, such as employees with options, have no multiple and no rate.
    """
    flows = payments(capital, [step for step in steps if step.event.date <= sold.date])
    for holder, usd in sold.by_holder(paid).items():
        flows[holder].append((sold.date, float(usd)))
    return {holder: investor_return(flows[holder]) for holder in sold.by_holder(paid)}


def payments(capital: Capital, steps: Sequence[Step]) -> defaultdict[str, list[Flow]]:
    """Return each holder's payments for stock, SAFEs and notes (negative), and its receipts."""
    flows: defaultdict[str, list[Flow]] = defaultdict(list)
    seen: set[str] = set()
    for table in (capital.opening, *(step.after for step in steps)):
        for bought in _bought(table):
            if bought.name not in seen:  # stock from a conversion has the name of its SAFE or note
                seen.add(bought.name)
                usd = bought.paid if isinstance(bought, Holding) else _purchase(table, bought)
                flows[bought.holder].append((bought.date, -float(usd)))
    for step in steps:
        if isinstance(step.event, Transfer):
            seller = next(h for h in step.before.holdings if h.name == step.event.of)
            usd = step.event.shares * step.event.price
            flows[seller.holder].append((step.event.date, float(usd)))
        if isinstance(step.event, Repayment):
            note = next(n for n in step.before.notes if n.name == step.event.of)
            back = step.before.in_currency(note.claim(step.event.date), note.currency)
            flows[note.holder].append((step.event.date, float(back)))
    return flows


def _bought(table: CapTable) -> Iterable[Holding | Safe | Note]:
    return (*table.holdings, *table.safes, *table.notes)


def _purchase(table: CapTable, security: Safe | Note) -> Fraction:
    return table.in_currency(security.amount, security.currency)

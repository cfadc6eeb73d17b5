"""The company of a cap table is sold: its claims, who gets what, and what that returned.

Stock counts in full, vested or not: a buyer takes it over as it is. Options count as far as they
are vested on the day, acceleration included; the rest lapses with the free pool. A warrant on
preferred stock is taken as one on the common stock that it converts into: what it pays is the
preference that it would get. Amounts are in the table's currency.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from finance.capital.events import Repayment, Transfer
from finance.capital.history import Capital, Step
from finance.capital.instruments import Note, OptionGrant, Safe
from finance.capital.table import CapTable, Holding, StockClass
from finance.exits.claims import NOTHING, Claim, Common, Debt, Option, Preferred, Rank, Stack
from finance.exits.convertibles import CapCounts, Unconverted, claims_of
from finance.exits.returns import Flow, InvestorReturn, investor_return
from finance.exits.waterfall import Payouts
from finance.numbers import checks

NOTE_SENIORITY = 100
"""Notes are unsecured: they come after loans, whose seniority is lower."""


@dataclass(frozen=True, slots=True)
class Sale:
    """All claims on a sale on one day. ``holders`` names who holds which."""

    date: datetime.date
    stack: Stack
    holders: Mapping[str, str]

    def by_holder(self, paid: Payouts) -> dict[str, Fraction]:
        """Payouts of each holder's claims together."""
        totals: defaultdict[str, Fraction] = defaultdict(Fraction)
        for claim_id, usd in paid.usd.items():
            totals[self.holders[claim_id]] += usd
        return dict(totals)


def sale(table: CapTable, date: datetime.date, debts: Sequence[Debt] = ()) -> Sale:
    """The claims on a sale on ``date``.

    Parameters
    ----------
    debts
        Loans, each with what it is owed on the day; notes stand in the table.

    Raises
    ------
    InputError
        If the day is before the table's, or nobody holds stock.
    """
    checks.in_order("date", table.date, date)
    claims: list[tuple[str, Claim]] = [(one.id, one) for one in debts]
    claims += [
        (one.holder, _stock(one, table.stock_class(one.stock_class))) for one in table.holdings
    ]
    claims += [(one.holder, _options(one, date)) for one in table.grants]
    claims += [
        (one.holder, _warrant(one.name, one.shares, one.exercise_price, ratio))
        for one in table.warrants
        if one.expires is None or one.expires >= date
        for ratio in [table.ratios[one.stock_class]]
    ]
    unconverted: list[Safe | Note] = [*table.safes, *table.notes]
    if unconverted:
        terms = [_unconverted(table, one, date) for one in unconverted]
        found = claims_of(terms, table.outstanding)
        claims += [(one.holder, claim) for one, claim in zip(unconverted, found, strict=True)]
    return Sale(
        date,
        Stack(tuple(claim for _, claim in claims)),
        {claim.id: holder for holder, claim in claims},
    )


def _stock(held: Holding, of: StockClass) -> Claim:
    shares = held.shares * of.common_per_share
    if not of.preferred:
        return Common(id=held.name, shares=shares)
    cap = of.participation_cap
    return Preferred(
        id=held.name,
        shares=shares,
        invested_usd=held.shares * (of.issue_price or NOTHING),
        multiple=Fraction(of.liquidation_multiple),
        participating=of.participating,
        cap_multiple=None if cap is None else Fraction(cap),
        seniority=-of.seniority,  # in the table the highest is paid first
    )


def _options(grant: OptionGrant, date: datetime.date) -> Option:
    shares = grant.shares
    if grant.vesting is not None:
        all_granted = grant.shares + grant.exercised
        vested = grant.vesting.vested_at_exit(all_granted, date)
        shares = max(NOTHING, vested - grant.exercised)
    return Option(id=grant.name, shares=shares, strike_usd=grant.exercise_price)


def _warrant(name: str, shares: Fraction, price: Fraction, common_per_share: Fraction) -> Option:
    return Option(id=name, shares=shares * common_per_share, strike_usd=price / common_per_share)


def _unconverted(table: CapTable, one: Safe | Note, date: datetime.date) -> Unconverted:
    is_note = isinstance(one, Note)
    owed = one.claim(date) if isinstance(one, Note) else Fraction(one.amount)
    cash = one.exit_claim(date) if isinstance(one, Note) else owed
    return Unconverted(
        id=one.name,
        amount_usd=table.in_currency(owed, one.currency),
        cap_usd=None if one.cap is None else table.in_currency(one.cap, one.currency),
        cap_counts=CapCounts.POST_MONEY if one.counted.converting else CapCounts.PRE_MONEY,
        cap_shares=one.cap_shares if isinstance(one, Note) else None,
        discount=Fraction(one.discount),
        cash_usd=table.in_currency(cash, one.currency),
        rank=Rank.DEBT if is_note else Rank.PREFERRED,
        seniority=NOTE_SENIORITY if is_note else 0,
    )


def returns(
    capital: Capital, steps: Sequence[Step], sold: Sale, paid: Payouts
) -> dict[str, InvestorReturn]:
    """What every holder made, from the first payment to the sale.

    Holders who paid nothing, such as employees with options, have no multiple and no rate.
    """
    flows = payments(capital, [step for step in steps if step.event.date <= sold.date])
    for holder, usd in sold.by_holder(paid).items():
        flows[holder].append((sold.date, float(usd)))
    return {holder: investor_return(flows[holder]) for holder in sold.by_holder(paid)}


def payments(capital: Capital, steps: Sequence[Step]) -> defaultdict[str, list[Flow]]:
    """What each holder paid for stock, SAFEs and notes (negative), and got back for them."""
    flows: defaultdict[str, list[Flow]] = defaultdict(list)
    seen: set[str] = set()
    for table in (capital.opening, *(step.after for step in steps)):
        for one in _paid_for(table):
            if one.name not in seen:  # what a SAFE converted into has its name
                seen.add(one.name)
                usd = one.paid if isinstance(one, Holding) else _in(table, one)
                flows[one.holder].append((one.date, -float(usd)))
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


def _paid_for(table: CapTable) -> Iterable[Holding | Safe | Note]:
    return (*table.holdings, *table.safes, *table.notes)


def _in(table: CapTable, one: Safe | Note) -> Fraction:
    return table.in_currency(one.amount, one.currency)

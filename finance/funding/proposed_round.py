"""A round that is proposed for a company's cap table, and the ownership after it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.documents import InputError
from finance.books.months import date_of_month
from finance.capital.events import PricedRound, Purchase, Tranche
from finance.capital.exact import cents_of
from finance.capital.history import Capital, Step, apply_step, history
from finance.capital.instruments import Note, Safe
from finance.capital.round_terms import Convention
from finance.capital.table import CapTable
from finance.company.company import Company
from finance.funding.ownership import (
    Names,
    capital_of,
    dilution,
    founders,
    is_done,
    share_of,
    usual_series,
)

FIRST_PRE_MONEY_USD = Decimal("10000000.00")
"""Pre-money valuation of a company without any round: a round number to begin with."""
_MONEY_FROM_INVESTORS = (Safe, Note, PricedRound, Tranche)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOutcome:
    """Ownership before and after a proposed round, as exact shares of the company."""

    sold: Fraction
    """Share of the company that the new money buys."""
    dilution: Fraction
    """Part of its stake that each earlier holder gives up: new money, conversions and pool."""
    founders_before: Fraction
    founders_after: Fraction
    refused: InputError | None = None
    """Reason why the cap table allows no such round; ``sold`` is then amount ÷ post-money and the
    other shares are 0."""


def outcome_of_round(
    company: Company, amount_usd: Decimal, pre_money_usd: Decimal, month: int
) -> RoundOutcome:
    """Return the ownership after a round of new money in ``month``.

    The round has the terms of the next planned round, or no pool and no special terms. Other money
    that is only planned is left out of the cap table; planned grants and pools are included.
    """
    capital = capital_of(company, Names())
    deal = proposed_round(company, capital, amount_usd, pre_money_usd, month)
    try:
        table, steps = _table_before(company, capital, deal.date)
        step = apply_step(table, deal)
    except InputError as error:
        sold = Fraction(amount_usd) / Fraction(amount_usd + pre_money_usd)
        return RoundOutcome(
            sold=sold,
            dilution=sold,
            founders_before=Fraction(0),
            founders_after=Fraction(0),
            refused=error,
        )
    found = dilution(step)
    assert found is not None  # a priced round has one
    holders = founders(capital, [*steps, step])
    return RoundOutcome(
        sold=found.new_money,
        dilution=found.total,
        founders_before=share_of(table, holders),
        founders_after=share_of(step.after, holders),
    )


def default_pre_money(company: Company) -> Decimal:
    """Return the pre-money valuation, in USD, of a raise that states none.

    It is that of the next planned round, or else the post-money valuation of the last round, or
    else :data:`FIRST_PRE_MONEY_USD`.
    """
    if company.next_round is not None:
        return company.next_round.pre_money_usd
    for step in reversed(company.capital_steps):
        deal = step.event
        if isinstance(deal, PricedRound):
            rate = Fraction(repr(company.usd_per_unit(step.before.currency)))
            post_money = step.before.in_currency(deal.pre_money + deal.new_money, deal.currency)
            return cents_of(post_money * rate)
    return FIRST_PRE_MONEY_USD


def next_planned_round(company: Company, capital: Capital) -> int | None:
    """Return the index of the first planned round from month 1 on, or None."""
    for number, event in enumerate(capital.events):
        if isinstance(event, PricedRound) and not is_done(company.first_month, event):
            return number
    return None


def proposed_round(
    company: Company,
    capital: Capital,
    amount_usd: Decimal,
    pre_money_usd: Decimal,
    month: int,
    *,
    names: Names = Names(),
) -> PricedRound:
    """Return a planned round of new money in ``month``, in the cap table's currency.

    It is the next planned round with other amounts and another day, if there is one, and otherwise
    a round with the usual name for its size, or the next free one, led by new investors. Further
    investors of the planned round buy the same part of the new money as before.
    """
    rate = Fraction(repr(company.usd_per_unit(capital.opening.currency)))
    new_money, pre_money = (cents_of(Fraction(usd) / rate) for usd in (amount_usd, pre_money_usd))
    day = max(date_of_month(company.first_month, month), capital.opening.date)
    place = next_planned_round(company, capital)
    changes: dict[str, Any] = {
        "date": day,
        "planned": True,
        "pre_money": pre_money,
        "new_money": new_money,
        "currency": capital.opening.currency,
    }
    if place is None:
        return PricedRound.parse(
            {
                "series": next_series(capital, amount_usd, names),
                "lead": names.investors,
                "convention": Convention.PERCENTAGE_OWNERSHIP,
                **changes,
            }
        )
    planned = capital.events[place]
    assert isinstance(planned, PricedRound)
    others = _scaled(planned, new_money) if planned.currency == changes["currency"] else ()
    return PricedRound.parse({**dict(planned), **changes, "others": others})


def _scaled(planned: PricedRound, new_money: Decimal) -> tuple[Purchase, ...]:
    """Return the purchases of further investors, with the same parts of other new money."""
    part = Fraction(new_money) / Fraction(planned.new_money)
    amounts = (
        (purchase.holder, cents_of(Fraction(int(Fraction(purchase.amount) * part * 100), 100)))
        for purchase in planned.others
    )
    return tuple(Purchase(holder=holder, amount=amount) for holder, amount in amounts if amount)


def next_series(capital: Capital, amount_usd: Decimal, names: Names) -> str:
    """Return a name for a round that is not in use; that of a first round follows its size."""
    rounds = [event.series for event in capital.events if isinstance(event, PricedRound)]
    used = {*rounds, *(stock_class.name for stock_class in capital.opening.classes)}
    is_first = not rounds and not any(known.preferred for known in capital.opening.classes)
    if is_first and (usual := usual_series(amount_usd, names)) not in used:
        return usual
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    candidates = (names.series.format(letter=letter) for letter in letters)
    return next((name for name in candidates if name not in used), names.investors)


def _table_before(
    company: Company, capital: Capital, day: datetime.date
) -> tuple[CapTable, Sequence[Step]]:
    """Return the table on a day without planned money from investors, and the steps to it."""
    until = [event for event in capital.events if event.date <= day]
    done = [event for event in until if is_done(company.first_month, event)]
    kept = [
        event
        for event in until
        if is_done(company.first_month, event) or not isinstance(event, _MONEY_FROM_INVESTORS)
    ]
    try:
        steps = history(Capital(opening=capital.opening, events=tuple(kept)))
    except InputError:  # a planned event needs planned money, such as the repayment of a note
        steps = history(Capital(opening=capital.opening, events=tuple(done)))
    return (steps[-1].after if steps else capital.opening), steps

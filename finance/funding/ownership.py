"""Who owns the company before and after each event, and what its rounds cost those before them."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from finance.books.months import date_of_month
from finance.capital.events import Event, PricedRound, StockIssue
from finance.capital.history import Capital, Step
from finance.capital.round_terms import Convention
from finance.capital.table import CapTable, Decided, Term
from finance.company.company import Company

POOL = ""
"""Stands for the holder of options that nobody was granted."""
FOUNDERS_SHARES = Fraction(10_000_000)
"""Of a company whose cap table is not known; only the parts of it mean something."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What one holder has of the company, fully diluted."""

    holder: str
    shares: Fraction
    share: Fraction
    """Of the company, 0 to 1."""
    terms: tuple[Term, ...]
    """What decided how many shares, one for each time the holder got some; then what lowered the
    conversion price of a class that is held."""


def stakes(table: CapTable) -> list[Stake]:
    """All holders in the order in which they came, then the free pool; the shares sum to 1.

    SAFEs and notes are no shares before they convert.
    """
    total = table.fully_diluted
    found = [
        Stake(holder, shares, shares / total, _terms(table, holder))
        for holder, shares in table.shares_by_holder().items()
    ]
    if table.pool:
        found.append(Stake(POOL, table.pool, table.pool / total, ()))
    return found


def _terms(table: CapTable, holder: str) -> tuple[Term, ...]:
    held = [one for one in table.holdings if one.holder == holder]
    classes = dict.fromkeys(one.stock_class for one in held)
    lowered = [table.stock_class(name).conversion_term for name in classes]
    return (*(one.term for one in held), *(term for term in lowered if term is not None))


@dataclass(frozen=True, slots=True)
class Change:
    """One holder before and after an event; None where there is nothing."""

    holder: str
    before: Stake | None
    after: Stake | None


def changes(step: Step) -> list[Change]:
    """Everybody who holds something before or after an event, the free pool last."""
    before, after = ({one.holder: one for one in stakes(it)} for it in (step.before, step.after))
    holders = [one for one in dict.fromkeys([*before, *after]) if one != POOL]
    if POOL in before or POOL in after:
        holders.append(POOL)
    return [Change(one, before.get(one), after.get(one)) for one in holders]


def owners(capital: Capital, steps: Sequence[Step]) -> list[str]:
    """Everybody who ever holds something, in the order in which they came, the free pool last."""
    tables = (capital.opening, *(step.after for step in steps))
    names = [one.holder for table in tables for one in stakes(table)]
    holders = list(dict.fromkeys(name for name in names if name != POOL))
    return [*holders, POOL] if POOL in names else holders


def founders(capital: Capital, steps: Sequence[Step]) -> frozenset[str]:
    """Those who were issued common stock on the first day on which any was."""
    tables = (capital.opening, *(step.after for step in steps))
    issued = [
        one
        for table in tables
        for one in table.holdings
        if one.term.decided is Decided.ISSUED and not table.stock_class(one.stock_class).preferred
    ]
    first = min((one.date for one in issued), default=None)
    return frozenset(one.holder for one in issued if one.date == first)


def share_of(table: CapTable, holders: Collection[str]) -> Fraction:
    """What some holders have of the company together."""
    return sum((one.share for one in stakes(table) if one.holder in holders), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dilution:
    """What a round gives away, as shares of the company after it."""

    new_money: Fraction
    converted: Fraction
    """To SAFEs and notes."""
    pool: Fraction
    """What the pool grew by."""
    adjustments: Fraction
    """To earlier series, against dilution."""

    @property
    def total(self) -> Fraction:
        """What everybody before the round gives up of what they had."""
        return self.new_money + self.converted + self.pool + self.adjustments


def dilution(step: Step) -> Dilution | None:
    """Of a priced round; None for any other event."""
    if step.priced is None:
        return None
    priced, total = step.priced, step.after.fully_diluted
    return Dilution(
        new_money=priced.new_shares / total,
        converted=sum((one.shares for one in priced.conversions), Fraction(0)) / total,
        pool=priced.pool_increase / total,
        adjustments=priced.adjustment_shares / total,
    )


def capital_of(company: Company, founders: str, investors: str) -> Capital:
    """The company's cap table; where it has none, the simplest that its round is one of.

    Then the founders hold all shares before the round, in one certificate, and new investors buy
    ordinary preferred stock. The names are those of the two holders.
    """
    if company.capital is not None:
        return company.capital
    assert company.equity_round is not None  # a company has one or the other
    issue = StockIssue(
        date=company.first_month,
        name="CS-1",
        holder=founders,
        shares=FOUNDERS_SHARES,
        price=Fraction(0),
    )
    deal = company.equity_round
    events: tuple[Event, ...] = (issue,)
    if deal.amount_usd:
        coming = PricedRound(
            date=date_of_month(company.first_month, deal.month),
            planned=True,
            series="Series A",
            pre_money=deal.pre_money_usd,
            new_money=deal.amount_usd,
            lead=investors,
            convention=Convention.PERCENTAGE_OWNERSHIP,
        )
        events = (issue, coming)
    return Capital(opening=CapTable(date=company.first_month), events=events)


def last_day(capital: Capital) -> datetime.date:
    """That of the last event, or of the opening where there is none."""
    return capital.events[-1].date if capital.events else capital.opening.date

"""Ownership before and after each event, and the dilution by each round."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from engine.text import Catalog
from finance.books.months import date_of_month, month_of_date
from finance.capital.events import Event, PricedRound, StockIssue
from finance.capital.history import Capital, Step
from finance.capital.roles import HolderRole
from finance.capital.round_terms import Convention
from finance.capital.table import CapTable, Decided, Term
from finance.company.company import Company

POOL = ""
"""Holder of the options that are not granted."""
SMALLEST_SEED_USD, LARGEST_SEED_USD = Decimal(2_000_000), Decimal(7_000_000)
"""Amounts at which the usual name of a first round changes. Carta counts rounds of 0.5 to 1.9
million USD as pre-seed; the second is between its medians of seed and Series A rounds
(https://community.carta.com/discussion/startup-fundraising-cheatsheet, 2025-01)."""
FOUNDERS_SHARES = Fraction(10_000_000)
"""Founders' shares of a company without a cap table; only ratios to it have a meaning."""


@dataclass(frozen=True, slots=True)
class Stake:
    """Fully diluted stake of one holder in the company."""

    holder: str
    shares: Fraction
    share: Fraction
    """Share of the company, 0 to 1."""
    terms: tuple[Term, ...]
    """Deciding terms: first that of each holding, then the terms that lowered the conversion
    prices of the classes held."""


def stakes(table: CapTable) -> list[Stake]:
    """Return all holders in the order of their first holding, then the free pool.

    Their shares sum to 1. SAFEs and notes count only once converted.
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
    held = [holding for holding in table.holdings if holding.holder == holder]
    classes = dict.fromkeys(holding.stock_class for holding in held)
    lowered = [table.stock_class(name).conversion_term for name in classes]
    return (*(holding.term for holding in held), *(term for term in lowered if term is not None))


@dataclass(frozen=True, slots=True)
class Change:
    """Stakes of one holder before and after an event; None for no stake."""

    holder: str
    before: Stake | None
    after: Stake | None


def changes(step: Step) -> list[Change]:
    """Return the stakes of all holders before and after an event, the free pool last."""
    before, after = (
        {stake.holder: stake for stake in stakes(table)} for table in (step.before, step.after)
    )
    holders = [holder for holder in dict.fromkeys([*before, *after]) if holder != POOL]
    if POOL in before or POOL in after:
        holders.append(POOL)
    return [Change(holder, before.get(holder), after.get(holder)) for holder in holders]


def owners(capital: Capital, steps: Sequence[Step]) -> list[str]:
    """Return all holders of all tables in the order of their first holding, the free pool last."""
    tables = (capital.opening, *(step.after for step in steps))
    names = [stake.holder for table in tables for stake in stakes(table)]
    holders = list(dict.fromkeys(name for name in names if name != POOL))
    return [*holders, POOL] if POOL in names else holders


def roles(capital: Capital, steps: Sequence[Step]) -> dict[str, HolderRole]:
    """Return the role of every holder of all tables, in the order of their first security.

    A holder with a role in the document has that role. Otherwise the holders of the common stock
    that was issued on the first day of such an issue are founders, other holders of options are
    employees, and all others are investors.
    """
    tables = (capital.opening, *(step.after for step in steps))
    marked = capital.opening.roles
    first_holders = _first_common_holders(tables)
    granted = {grant.holder for table in tables for grant in table.grants}
    holders = (security.holder for table in tables for security in table.securities)

    def derived(holder: str) -> HolderRole:
        if holder in first_holders:
            return HolderRole.FOUNDER
        return HolderRole.EMPLOYEE if holder in granted else HolderRole.INVESTOR

    return {holder: marked.get(holder) or derived(holder) for holder in dict.fromkeys(holders)}


def _first_common_holders(tables: Iterable[CapTable]) -> frozenset[str]:
    """Return the holders of the common stock issued on the first day of such an issue."""
    issued = [
        holding
        for table in tables
        for holding in table.holdings
        if holding.term.decided is Decided.ISSUED
        and not table.stock_class(holding.stock_class).preferred
    ]
    first = min((holding.date for holding in issued), default=None)
    return frozenset(holding.holder for holding in issued if holding.date == first)


def founders(capital: Capital, steps: Sequence[Step]) -> frozenset[str]:
    """Return the holders whose role is founder."""
    held = roles(capital, steps).items()
    return frozenset(holder for holder, role in held if role is HolderRole.FOUNDER)


def share_of(table: CapTable, holders: Collection[str]) -> Fraction:
    """Return the share of the company that some holders have together."""
    return sum((stake.share for stake in stakes(table) if stake.holder in holders), Fraction(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dilution:
    """Dilution by a round, as shares of the company after it."""

    new_money: Fraction
    """Share sold for new money."""
    converted: Fraction
    """Share into which SAFEs and notes convert."""
    pool: Fraction
    """Share added to the pool."""
    adjustments: Fraction
    """Share that earlier series gain from anti-dilution."""

    @property
    def total(self) -> Fraction:
        """Part of its stake that each holder before the round gives up."""
        return self.new_money + self.converted + self.pool + self.adjustments


def dilution(step: Step) -> Dilution | None:
    """Return the dilution by a priced round; None for any other event."""
    if step.priced is None:
        return None
    priced, total = step.priced, step.after.fully_diluted
    return Dilution(
        new_money=priced.new_shares / total,
        converted=sum((conversion.shares for conversion in priced.conversions), Fraction(0))
        / total,
        pool=priced.pool_increase / total,
        adjustments=priced.adjustment_shares / total,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names in the cap table of a company that states none."""

    founders: str = "Founders"
    investors: str = "New investors"
    first_rounds: tuple[str, str, str] = ("Pre-seed", "Seed", "Series A")
    """Usual names of a first round, by its size."""
    series: str = "Series {letter}"


def names_in(text: Catalog) -> Names:
    """Return the names in the language of a catalog."""
    return Names(
        founders=text("funding.founders"),
        investors=text("funding.investors"),
        first_rounds=(
            text("funding.series.pre_seed"),
            text("funding.series.seed"),
            text("funding.series.later", letter="A"),
        ),
        series=text("funding.series.later", letter="{letter}"),
    )


def usual_series(amount_usd: Decimal, names: Names) -> str:
    """Return the name that a first priced round of this size usually has."""
    pre_seed, seed, series_a = names.first_rounds
    if amount_usd < SMALLEST_SEED_USD:
        return pre_seed
    return seed if amount_usd <= LARGEST_SEED_USD else series_a


def is_done(first_month: datetime.date, event: Event) -> bool:
    """Return whether an event counts as done: it is not planned, or precedes the first month.

    The money of an event before the first month is assumed to be in the opening cash.
    """
    return not event.planned or month_of_date(first_month, event.date) < 1


def capital_of(company: Company, names: Names) -> Capital:
    """Return the company's cap table, or the simplest table with its equity round.

    In the simplest table the founders hold all shares before the round, in one certificate, and
    new investors buy ordinary preferred stock.
    """
    if company.capital is not None:
        return company.capital
    assert company.equity_round is not None  # a company has a cap table or a round
    issue = StockIssue(
        date=company.first_month,
        name="CS-1",
        holder=names.founders,
        shares=FOUNDERS_SHARES,
        price=Fraction(0),
    )
    deal = company.equity_round
    events: tuple[Event, ...] = (issue,)
    if deal.amount_usd:
        planned_round = PricedRound(
            date=date_of_month(company.first_month, deal.month),
            planned=True,
            series=usual_series(deal.amount_usd, names),
            pre_money=deal.pre_money_usd,
            new_money=deal.amount_usd,
            lead=names.investors,
            convention=Convention.PERCENTAGE_OWNERSHIP,
        )
        events = (issue, planned_round)
    return Capital(opening=CapTable(date=company.first_month), events=events)


def last_day(capital: Capital) -> datetime.date:
    """Return the day of the last event, or of the opening table if there is no event."""
    return capital.events[-1].date if capital.events else capital.opening.date

"""What a founder decides about money from investors by: rounds, and what is left of the company.

Also how a cap table in a scenario is edited: as changes of the scenario's fields, to be validated
as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from finance.capital.events import Event, PricedRound
from finance.capital.history import Capital, Step, history
from finance.capital.table import CapTable
from finance.company.company import Company
from finance.funding.ownership import Dilution, capital_of, dilution, founders, owners, share_of
from finance.revenue.prices import REPORTING_CURRENCY
from finance.treasury.raising import cash_from_event

Changes = dict[str, Any]
"""Of fields of a scenario, by their dotted paths."""


@dataclass(frozen=True, slots=True)
class Round:
    """A priced round among the events, and what it gives away."""

    step: Step
    deal: PricedRound
    dilution: Dilution


@dataclass(frozen=True)
class Funding:
    """A company's cap table with all its events, planned ones included."""

    capital: Capital
    steps: Sequence[Step]
    is_own: bool
    """Whether the scenario has it; else it is the simplest that fits the scenario's round."""

    @cached_property
    def founders(self) -> frozenset[str]:
        return founders(self.capital, self.steps)

    @cached_property
    def owners(self) -> list[str]:
        """Everybody who ever holds something, the free pool last."""
        return owners(self.capital, self.steps)

    @property
    def currency(self) -> str:
        return self.capital.opening.currency

    @property
    def today(self) -> CapTable:
        """The table before anything that is planned."""
        for step in self.steps:
            if step.event.planned:
                return step.before
        return self.last

    @property
    def last(self) -> CapTable:
        """The table after everything."""
        return self.steps[-1].after if self.steps else self.capital.opening

    @cached_property
    def rounds(self) -> list[Round]:
        """All priced rounds."""
        return [
            Round(step, step.event, found)
            for step in self.steps
            if isinstance(step.event, PricedRound) and (found := dilution(step))
        ]

    @property
    def next_round(self) -> Round | None:
        """The first that is planned."""
        return next((one for one in self.rounds if one.deal.planned), None)

    def founders_share(self, table: CapTable) -> Fraction:
        """What the founders have of the company together."""
        return share_of(table, self.founders)

    def raised(self, *, planned: bool) -> Fraction:
        """What investors have paid, or are to pay by plan, in the table's currency."""
        due = (cash_from_event(one) for one in self.payments if one.event.planned == planned)
        return sum(due, Fraction(0))

    @cached_property
    def payments(self) -> list[Step]:
        """The events that bring money from others than the founders."""
        return [
            step
            for step in self.steps
            if cash_from_event(step) and getattr(step.event, "holder", None) not in self.founders
        ]


def funding(company: Company, founders: str, investors: str) -> Funding:
    """The company's own cap table, or the simplest one, with these two holders."""
    capital = capital_of(company, founders, investors)
    steps = company.capital_steps if company.capital else history(capital)
    return Funding(capital, steps, company.capital is not None)


def with_event(capital: Capital, event: Mapping[str, Any], place: int | None = None) -> Changes:
    """One more event, after those of its day; or another in the place of one that is there."""
    others = [one for number, one in enumerate(capital.events) if number != place]
    day = str(event["date"])
    before = sum(one.date.isoformat() <= day for one in others)
    if place is not None and capital.events[place].date.isoformat() == day:
        before = place  # an edit that leaves the day alone moves nothing
    return _changes(capital.opening, [*others[:before], event, *others[before:]])


def without_event(capital: Capital, place: int) -> Changes:
    """One event less."""
    return _changes(
        capital.opening, [one for number, one in enumerate(capital.events) if number != place]
    )


def from_table(company: Company, capital: Capital, table: CapTable) -> Changes:
    """The cap table begins with ``table``, and the planned priced rounds from its day on stay.

    They leave out pro rata rights of people who are not on it; its money in other currencies
    counts at the company's rates.
    """
    if table.currency == REPORTING_CURRENCY:
        table = table.changed(rates={**company.exchange_rates, **table.rates})
    known = {one.holder for one in table.securities}
    rounds = []
    for event in capital.events:
        if isinstance(event, PricedRound) and event.planned and event.date >= table.date:
            use = tuple(name for name in event.pro_rata if name in known)
            rounds.append(event.model_copy(update={"pro_rata": use}))
            known |= {event.lead, *(one.holder for one in event.others)}
    return _changes(table, rounds)


def _changes(opening: CapTable, events: Iterable[Event | Mapping[str, Any]]) -> Changes:
    return {
        "company.capital": {
            "opening": json.loads(opening.model_dump_json()),
            "events": [
                dict(one) if isinstance(one, Mapping) else json.loads(one.model_dump_json())
                for one in events
            ],
        },
        "company.equity_round": None,
    }

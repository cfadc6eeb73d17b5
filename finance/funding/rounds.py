"""Rounds of a company and the founders' remaining share, and edits of a scenario's cap table.

An edit is a set of changes of the scenario's fields, which are validated together.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from finance.capital.events import Event, Exercise, PricedRound
from finance.capital.history import Capital, Step, history
from finance.capital.roles import INSIDERS, HolderRole
from finance.capital.table import CapTable
from finance.company.company import Company
from finance.funding.ownership import (
    Dilution,
    Names,
    capital_of,
    dilution,
    is_done,
    owners,
    roles,
    share_of,
)
from finance.revenue.prices import REPORTING_CURRENCY
from finance.treasury.raising import cash_from_event

Changes = dict[str, Any]
"""New values of fields of a scenario, by their dotted paths."""


@dataclass(frozen=True, slots=True)
class Round:
    """A priced round among the events, and the dilution by it."""

    step: Step
    deal: PricedRound
    dilution: Dilution


@dataclass(frozen=True)
class Funding:
    """A company's cap table with all its events, planned ones included."""

    capital: Capital
    steps: Sequence[Step]
    is_own: bool
    """Whether the scenario states the cap table; otherwise it is the simplest possible one."""
    first_month: datetime.date = datetime.date.min
    """First day of the plan. Earlier events count as done, and their money is assumed to be in the
    opening cash."""

    @cached_property
    def roles(self) -> dict[str, HolderRole]:
        """Role of every holder, marked in the document or derived."""
        return roles(self.capital, self.steps)

    @cached_property
    def founders(self) -> frozenset[str]:
        """Holders whose role is founder."""
        return self.with_roles({HolderRole.FOUNDER})

    @cached_property
    def insiders(self) -> frozenset[str]:
        """Founders, employees and advisers."""
        return self.with_roles(INSIDERS)

    def with_roles(self, wanted: Collection[HolderRole]) -> frozenset[str]:
        """Return the holders who have one of some roles."""
        return frozenset(holder for holder, role in self.roles.items() if role in wanted)

    @cached_property
    def owners(self) -> list[str]:
        """All holders of all tables, the free pool last."""
        return owners(self.capital, self.steps)

    @property
    def currency(self) -> str:
        """Currency of the cap table."""
        return self.capital.opening.currency

    @property
    def today(self) -> CapTable:
        """The table before the first event that is still to come."""
        for step in self.steps:
            if not self.is_done(step):
                return step.before
        return self.last

    def is_done(self, step: Step) -> bool:
        """Return whether an event is not planned, or precedes the first month of the plan."""
        return is_done(self.first_month, step.event)

    @cached_property
    def in_opening_cash(self) -> list[Step]:
        """Events before the first month that bring money, which is assumed in the opening cash."""
        return [
            step
            for step in self.steps
            if step.event.date < self.first_month and cash_from_event(step)
        ]

    @property
    def last(self) -> CapTable:
        """The table after the last event."""
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
        """The first priced round that is planned in the first month or later, or None."""
        return next((round_ for round_ in self.rounds if not self.is_done(round_.step)), None)

    def founders_share(self, table: CapTable) -> Fraction:
        """Return the share of the company that the founders have together."""
        return share_of(table, self.founders)

    def raised(self, *, planned: bool) -> Fraction:
        """Return the money from investors, paid or still to come, in the table's currency."""
        due = (cash_from_event(step) for step in self.payments if self.is_done(step) != planned)
        return sum(due, Fraction(0))

    @cached_property
    def payments(self) -> list[Step]:
        """Events that bring money from investors, and not from founders, employees or advisers."""
        return [
            step
            for step in self.steps
            if cash_from_event(step) and _payer(step) not in self.insiders
        ]


def _payer(step: Step) -> str:
    """Return the holder who pays for an event; the lead investor pays for a round."""
    event = step.event
    if isinstance(event, PricedRound):
        return event.lead
    if isinstance(event, Exercise):
        return next(held.holder for held in step.after.holdings if held.name == event.name)
    return getattr(event, "holder", "")


def funding(company: Company, names: Names = Names()) -> Funding:
    """Return the company's own cap table, or the simplest one with these names."""
    capital = capital_of(company, names)
    steps = company.capital_steps if company.capital else history(capital)
    return Funding(capital, steps, company.capital is not None, company.first_month)


def with_event(
    capital: Capital,
    event: Mapping[str, Any],
    place: int | None = None,
    roles: Mapping[str, HolderRole] | None = None,
) -> Changes:
    """Return the changes that add an event after the others of its day.

    Parameters
    ----------
    place
        Index of the event that is replaced; None adds an event.
    roles
        Roles of holders that change with the event.
    """
    others = [other for number, other in enumerate(capital.events) if number != place]
    day = str(event["date"])
    before = sum(other.date.isoformat() <= day for other in others)
    if place is not None and capital.events[place].date.isoformat() == day:
        before = place  # an edit that keeps the day does not move the event
    events = [*others[:before], event, *others[before:]]
    return _changes(_with_roles(capital.opening, roles or {}), events)


def with_roles(capital: Capital, roles: Mapping[str, HolderRole]) -> Changes:
    """Return the changes that mark the roles of some holders."""
    return _changes(_with_roles(capital.opening, roles), capital.events)


def _with_roles(opening: CapTable, roles: Mapping[str, HolderRole]) -> CapTable:
    return opening.changed(roles={**opening.roles, **roles})


def with_moved_round(capital: Capital, deal: PricedRound, place: int | None) -> Changes:
    """Return the changes that put a round into the plan.

    Planned events that followed the replaced round and would now precede it move to its day,
    because they may need its money or its pool.

    Parameters
    ----------
    place
        Index of the planned round that is replaced; None adds a round.
    """
    round_ = json.loads(deal.model_dump_json())
    if place is None:
        return with_event(capital, round_)
    before, after = capital.events[:place], capital.events[place + 1 :]
    moved = [
        event.model_copy(update={"date": deal.date})
        if event.planned and event.date < deal.date
        else event
        for event in after
    ]
    in_order = sorted(
        [*(_dated(event) for event in before), (str(deal.date), round_),
         *(_dated(event) for event in moved)],
        key=lambda dated: dated[0],
    )  # fmt: skip
    return _changes(capital.opening, [event for _, event in in_order])


def _dated(event: Event) -> tuple[str, Event | Mapping[str, Any]]:
    return event.date.isoformat(), event


def without_event(capital: Capital, place: int) -> Changes:
    """Return the changes that remove the event with an index."""
    return _changes(
        capital.opening,
        [event for number, event in enumerate(capital.events) if number != place],
    )


def from_table(company: Company, capital: Capital, table: CapTable) -> Changes:
    """Return the changes that make ``table`` the opening table.

    Planned priced rounds on or after its day stay, without pro rata rights of holders who are
    not on the table. Its amounts in other currencies count at the company's exchange rates. Holders
    keep the roles that are marked now, unless the table gives them others.
    """
    if table.currency == REPORTING_CURRENCY:
        table = table.changed(rates={**company.exchange_rates, **table.rates})
    known = {security.holder for security in table.securities}
    marked = {name: role for name, role in capital.opening.roles.items() if name in known}
    table = table.changed(roles={**marked, **table.roles})
    rounds = []
    for event in capital.events:
        if isinstance(event, PricedRound) and event.planned and event.date >= table.date:
            use = tuple(name for name in event.pro_rata if name in known)
            rounds.append(event.model_copy(update={"pro_rata": use}))
            known |= {event.lead, *(purchase.holder for purchase in event.others)}
    return _changes(table, rounds)


def _changes(opening: CapTable, events: Iterable[Event | Mapping[str, Any]]) -> Changes:
    return {
        "company.capital": {
            "opening": json.loads(opening.model_dump_json()),
            "events": [
                dict(event) if isinstance(event, Mapping) else json.loads(event.model_dump_json())
                for event in events
            ],
        },
        "company.equity_round": None,
    }

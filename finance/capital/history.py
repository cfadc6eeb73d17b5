"""A series of events and the cap table after each."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from finance.capital.apply_events import apply_event
from finance.capital.close_round import close_round
from finance.capital.events import Event, PricedRound
from finance.capital.round_terms import PricedShares
from finance.capital.table import CapTable


class Capital(Document):
    """An opening cap table and the events that follow it, in order of time."""

    opening: CapTable
    events: Annotated[tuple[Event, ...], Field(max_length=2000)] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        before = self.opening.date
        for i, event in enumerate(self.events):
            if event.date < before:
                raise InputError(
                    f"events.{i}.date", str(event.date), "not_before", first=str(before)
                )
            before = event.date
        return self

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All events with the table before and after each; see :func:`history`."""
        return history(self)


@dataclass(frozen=True, slots=True)
class Step:
    """One event with the table before and after it.

    ``priced`` holds the figures of a priced round; it is None for any other event.
    """

    event: Event
    before: CapTable
    after: CapTable
    priced: PricedShares | None = None


def history(capital: Capital) -> tuple[Step, ...]:
    """Apply every event in turn.

    Raises
    ------
    InputError
        For the first event that cannot happen. The field starts with its index in ``events``; the
        parameters ``entry`` and ``entry_date`` have its name, or else its kind, and its day.
    """
    table, steps = capital.opening, []
    for i, event in enumerate(capital.events):
        try:
            step = apply_step(table, event)
        except InputError as error:
            entry = {"entry": name_of(event) or event.kind, "entry_date": event.date.isoformat()}
            raise InputError(
                f"events.{i}.{error.field}", error.value, error.rule, **error.params, **entry
            ) from None
        steps.append(step)
        table = step.after
    return tuple(steps)


def name_of(event: Event) -> str | None:
    """Return the name of an event, such as SAFE-1 or Series A, or None if its kind has none."""
    return event.series if isinstance(event, PricedRound) else getattr(event, "name", None)


def table_on(capital: Capital, steps: Sequence[Step], day: datetime.date) -> CapTable:
    """Return the table at the end of a day, after the last event up to that day."""
    table = capital.opening
    for step in steps:
        if step.event.date > day:
            break
        table = step.after
    return table


def apply_step(table: CapTable, event: Event) -> Step:
    """Apply one event to a table; InputError if it cannot happen."""
    today = table.changed(date=event.date)
    if isinstance(event, PricedRound):
        closed, priced = close_round(today, event)
        return Step(event, table, closed, priced)
    return Step(event, table, apply_event(today, event))

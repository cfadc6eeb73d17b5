"""Mends: changes of a scenario that make a failed check pass, computed when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.plan import Plan
from engine.planning.layouts import search_layouts
from finance.books.months import date_of_month, month_of_date
from finance.capital.events import PricedRound
from finance.company.company import Company
from finance.funding.raises import rounded_up
from finance.funding.rounds import with_event

Changes = dict[str, Any]
"""New values of a scenario's fields by dotted path."""


@dataclass(frozen=True, slots=True)
class Mend:
    """Way to make a check pass: a page where the reader decides, and changes for one click."""

    page: str
    """Name of the page with the fields that the check is about."""
    name: str = ""
    """Name of the changes, for the text of a button; empty if there are none."""
    changes: Callable[[], Changes] | None = None
    """Computes the changes; an empty result means that none exist."""
    params: dict[str, object] = field(default_factory=dict)
    """Values for the placeholders of the button's text."""


def fastest_layout(plan: Plan) -> Changes:
    """Return the changes to the fastest layout that fits; empty if none fits."""
    result = search_layouts(plan, 1)
    if not result.found:
        return {}
    return {"plan.layout": result.found[0].layout.model_dump(mode="json")}


def round_in_month(company: Company, month: int) -> Changes:
    """Return the changes that move the next planned round to ``month``.

    Events of the cap table stay in the order of their days.
    """
    if company.capital is None:
        return {"company.equity_round.month": month}
    place = _planned_rounds(company)[0]
    deal = company.capital.events[place]
    day = date_of_month(company.first_month, month).isoformat()
    return with_event(company.capital, deal.model_dump(mode="json") | {"date": day}, place)


def larger_last_round(company: Company, missing_usd: Decimal) -> Changes:
    """Return the changes that add ``missing_usd`` to the last planned round, rounded up."""
    if company.capital is None:
        assert company.equity_round is not None
        amount = rounded_up(company.equity_round.amount_usd + missing_usd)
        return {"company.equity_round.amount_usd": str(amount)}
    place = _planned_rounds(company)[-1]
    deal = company.capital.events[place]
    assert isinstance(deal, PricedRound)
    rate = Decimal(repr(company.usd_per_unit(company.capital.opening.currency)))
    amount = rounded_up(Decimal(deal.new_money) + missing_usd / rate)
    return {f"company.capital.events.{place}.new_money": str(amount)}


def _planned_rounds(company: Company) -> list[int]:
    """Return the positions of the planned priced rounds from month 1 on."""
    assert company.capital is not None
    return [
        place
        for place, event in enumerate(company.capital.events)
        if isinstance(event, PricedRound)
        and event.planned
        and month_of_date(company.first_month, event.date) >= 1
    ]


def early_events_in_first_month(company: Company, places: list[int]) -> Changes:
    """Return the changes that move planned events at ``places`` to the first day of the plan."""
    assert company.capital is not None
    capital, day = company.capital, company.first_month.isoformat()
    changes: Changes = {}
    for place in places:
        event = capital.events[place].model_dump(mode="json") | {"date": day}
        changes = with_event(capital, event, place)
        capital = type(capital).parse(changes["company.capital"])
    return changes


def month_with_buffer(runway_months: Decimal, buffer_months: Decimal) -> int | None:
    """Return the last month of a round that leaves the buffer; None if it is before month 1."""
    month = math.floor(runway_months - buffer_months) + 1
    return month if month >= 1 else None

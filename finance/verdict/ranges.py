"""Ranges of inputs: how far each kind of input is moved to see what it does to the runway.

``data/input_ranges.csv`` has the ranges with their sources. Most of them are assumptions of this
project, and the table says so. Inputs without a kind are not moved: they are known (cash in the
bank) or a choice between designs (layers, layouts).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Literal

from engine.document_paths import field_name
from engine.facts import Fact, prices_of, read_facts
from engine.paths import DATA_DIR
from finance.books.months import date_of_month
from finance.capital.events import PricedRound, Tranche
from finance.capital.instruments import Note, Safe
from finance.company.scenario import Scenario
from finance.verdict.inputs import CHANGES, Input, InputValue

ASSUMPTION = "assumption"
"""Source of a range that no publication supports."""
LEAST_PRICES = 4
"""Number of published prices from which their middle half is the range of a price."""


class InputKind(StrEnum):
    """Kind of an input, by which its range is chosen."""

    PRICE = "price"
    GROWTH = "growth"
    CHURN = "churn"
    RENEWAL = "renewal"
    USE = "use"
    PAY = "pay"
    PEOPLE = "people"
    SPENDING = "spending"
    DATA = "data"
    COMPUTE_PRICE = "compute_price"
    CONTRACT_PRICE = "contract_price"
    TRAINING_SIZE = "training_size"
    RESEARCH = "research"
    UTILISATION = "utilisation"
    AVAILABILITY = "availability"
    TREND = "trend"
    INTEREST = "interest"
    TAX = "tax"
    EXCHANGE_RATE = "exchange_rate"
    RAISE = "raise"
    START = "start"
    PAYMENT = "payment"
    FORECAST = "forecast"


class InputRange(Fact):
    """Range of one kind of input."""

    kind: InputKind
    how: Literal["relative", "lost", "points", "months", "days", "price_table", "forecast"]
    """Meaning of ``low`` and ``high``: a change relative to the value, or to the share that is lost
    (1 − value); a change in the value's own unit; or calendar months. A price table's range
    replaces them where enough prices are published, and a forecast has its own interval."""
    low: Decimal
    high: Decimal

    @property
    def is_assumption(self) -> bool:
        """Whether the range is an assumption of this project."""
        return self.source == ASSUMPTION


@cache
def input_ranges() -> dict[InputKind, InputRange]:
    """Return the range of every kind of input."""
    rows = read_facts(DATA_DIR / "input_ranges.csv", InputRange)
    return {row.kind: row for row in rows}


@dataclass(frozen=True, slots=True)
class Moved:
    """Values of one input at both ends of its range."""

    input: Input
    kind: InputKind
    low: InputValue
    high: InputValue


DECISIONS = frozenset({InputKind.PEOPLE, InputKind.TRAINING_SIZE})
"""Kinds of inputs that the company decides, rather than assumes."""
EVENTS_WITH_CASH = (Safe, Note, PricedRound, Tranche)
"""Events of the cap table that bring money."""
_DIGITS = 6
"""Significant digits of the ends of a range."""
_KINDS: dict[InputKind, tuple[str, ...]] = {
    InputKind.PRICE: (
        "price_usd_per_customer_month",
        "price_per_million_input_tokens",
        "price_per_million_cached_tokens",
        "price_per_million_output_tokens",
        "price_per_month",
        "price_per_year",
        "price_per_day",
        "licence_price",
    ),
    InputKind.GROWTH: (
        "customers_at_launch",
        "growth_share_per_month",
        "market",
        "innovation_per_year",
        "imitation_per_year",
        "share_at_launch",
        "growth_per_year",
        "conversion_share_per_month",
        "days_per_month",
    ),
    InputKind.CHURN: ("churn_share_per_month", "free_churn_share_per_month", "alpha"),
    InputKind.RENEWAL: ("renewal_share",),
    InputKind.USE: (
        "tokens_per_customer_month",
        "input_tokens_per_month",
        "output_tokens_per_month",
        "cached_share",
    ),
    InputKind.PAY: ("cost_usd_per_month", "on_cost_share", "raise_share_per_year"),
    InputKind.PEOPLE: ("people",),
    InputKind.SPENDING: (
        "other_costs_usd_per_month",
        "amount_per_month",
        "share_of_revenue",
        "amount_per_new_customer",
        "delivery_cost",
        "delivery_cost_share",
        "cost_per_million_tokens",
    ),
    InputKind.DATA: ("price_per_million_tokens",),
    InputKind.CONTRACT_PRICE: ("usd_per_device", "usd_per_device_month"),
    InputKind.RESEARCH: ("research_share",),
    InputKind.UTILISATION: ("utilisation_share",),
    InputKind.AVAILABILITY: ("availability_share",),
    InputKind.TREND: (
        "change_share_per_year",
        "on_demand_change_share_per_year",
        "serving_speed_change_share_per_year",
        "uplift_share_at_renewal",
    ),
    InputKind.INTEREST: ("interest_share_per_year", "interest_on_cash_share_per_year"),
    InputKind.TAX: ("income_share", "research_credit_share"),
    InputKind.START: ("launch_month", "start_month"),
    InputKind.PAYMENT: ("payment_days",),
}
_KIND_BY_NAME = {name: kind for kind, names in _KINDS.items() for name in names}
_KIND_BY_PATH = {
    "plan.tokens": InputKind.TRAINING_SIZE,
    "plan.cluster.price_usd_per_device_hour": InputKind.COMPUTE_PRICE,
    "company.training.first_month": InputKind.START,
    "company.equity_round.month": InputKind.START,
    "company.equity_round.amount_usd": InputKind.RAISE,
}
_KIND_IN_TABLE: dict[tuple[str, str], InputKind] = {
    ("exchange_rates", ""): InputKind.EXCHANGE_RATE,
    ("contracts", "price_usd_per_device_hour"): InputKind.CONTRACT_PRICE,
    ("contracts", "first_month"): InputKind.START,
    ("contracts", "amount_usd"): InputKind.RAISE,
    ("inflows", "amount_usd"): InputKind.RAISE,
    ("loans", "amount_usd"): InputKind.RAISE,
    ("inflows", "month"): InputKind.START,
    ("loans", "month"): InputKind.START,
    ("training_events", "month"): InputKind.START,
    ("data", "month"): InputKind.START,
    ("spending", "first_month"): InputKind.START,
    ("deals", "amount"): InputKind.PRICE,
    ("deals", "month"): InputKind.START,
}
"""Kinds of fields whose name has other meanings elsewhere, by their table and name."""


def kind_of_input(scenario: Scenario, path: str) -> InputKind | None:
    """Return the kind of an input; None if it is not moved."""
    parts = path.split(".")
    if CHANGES in parts:
        return None
    if path in _KIND_BY_PATH:
        return _KIND_BY_PATH[path]
    if parts[:3] == ["company", "capital", "events"]:
        return _kind_of_event(scenario, int(parts[3]), parts[4:])
    if parts[:2] == ["company", "capital"]:
        return None
    name = field_name(path)
    for table, field in _KIND_IN_TABLE:
        if table in parts[:-1] and field in ("", name):
            return _KIND_IN_TABLE[table, field]
    return _KIND_BY_NAME.get(name)


def _kind_of_event(scenario: Scenario, number: int, rest: list[str]) -> InputKind | None:
    """Return the kind of a field of a cap table event; only planned events are moved."""
    assert scenario.company.capital is not None
    event = scenario.company.capital.events[number]
    if not event.planned or type(event) not in EVENTS_WITH_CASH:
        return None
    kinds = {"date": InputKind.START, "new_money": InputKind.RAISE, "amount": InputKind.RAISE}
    return kinds.get(rest[0]) if len(rest) == 1 else None


def moved_inputs(scenario: Scenario, inputs: Iterable[Input]) -> list[Moved]:
    """Return the values of all inputs that have a range, at both ends of it.

    An input whose range is empty, such as a price of 0, is left out. The values may still have to
    be brought within the bounds of their fields.
    """
    found = []
    for item in inputs:
        kind = kind_of_input(scenario, item.path)
        if kind is None or isinstance(item.value, bool | str):
            continue
        low, high = _ends(scenario, item.value, input_ranges()[kind])
        if low != high:
            found.append(Moved(item, kind, low, high))
    return found


def _ends(scenario: Scenario, value: InputValue, span: InputRange) -> tuple[InputValue, InputValue]:
    if isinstance(value, datetime.date):
        return day_of_month(value, int(span.low)), day_of_month(value, int(span.high))
    assert not isinstance(value, bool | str)
    number = Decimal(repr(float(value)))
    match span.how:
        case "price_table":
            ends = _price_ends(scenario, number, span)
        case "relative":
            ends = number * (1 + span.low), number * (1 + span.high)
        case "lost":
            ends = 1 - (1 - number) * (1 + span.high), 1 - (1 - number) * (1 + span.low)
        case _:
            ends = number + span.low, number + span.high
    return _in_kind(value, ends[0]), _in_kind(value, ends[1])


def _in_kind(value: int | float | Decimal | Fraction, end: Decimal) -> InputValue:
    """Return an end of a range as the same kind of number as the value."""
    if isinstance(value, int):
        return int(end.to_integral_value())
    end = Decimal(f"{end:.{_DIGITS}g}")
    if isinstance(value, float):
        return float(end)
    return Fraction(end) if isinstance(value, Fraction) else end


def _price_ends(scenario: Scenario, price: Decimal, span: InputRange) -> tuple[Decimal, Decimal]:
    """Return the middle half of the published prices, widened to the plan's own price."""
    published = [
        row.usd_per_device_hour
        for row in prices_of(scenario.plan.cluster.accelerator)
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    if len(published) < LEAST_PRICES:
        return price * (1 + span.low), price * (1 + span.high)
    quarter = len(published) // 4
    return min(published[quarter], price), max(published[-1 - quarter], price)


def day_of_month(day: datetime.date, months: int) -> datetime.date:
    """Return the same day ``months`` later; days after the 28th become the 28th."""
    first = date_of_month(day.replace(day=1), months + 1)
    return first.replace(day=min(day.day, 28))

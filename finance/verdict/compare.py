"""Comparison of two to four scenarios: the inputs that differ, then their outcomes side by side.

The first scenario is the reference. Entries of lists (roles, revenue lines, events) are paired with
those of the reference by :mod:`finance.scenarios.alignment`, so that an added entry does not make
all entries after it differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.funding.rounds import funding
from finance.metrics.indicators import Indicators
from finance.metrics.projection import Projection
from finance.scenarios.alignment import aligned
from finance.scenarios.changes import is_list_of_tables, join

LEAST, MOST = 2, 4
"""Numbers of scenarios that can be compared."""


_NOT_COMPARED = {"name"}
"""Name of the company, which is no input."""


class _Absent:
    """Value of a field or an entry that a scenario does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """Input, or whole entry of a list, that is not equal in all scenarios."""

    path: str
    """Path in the scenario :attr:`owner`."""
    owner: int
    """Position of the first scenario that has the value."""
    values: tuple[Any, ...]
    """Value in each scenario, as plain data; :data:`ABSENT` if it has none."""

    @property
    def is_entry(self) -> bool:
        """Whether the difference is a whole table that some scenarios do not have."""
        return any(isinstance(value, dict) for value in self.values)


def differences(scenarios: Sequence[Scenario]) -> list[Difference]:
    """Return all inputs that differ, in the order of the document.

    Raises
    ------
    InputError
        If the number of scenarios is not allowed.
    """
    if not LEAST <= len(scenarios) <= MOST:
        raise InputError("scenarios", len(scenarios), "between", low=LEAST, high=MOST)
    found: list[Difference] = []
    for name in ("plan", "company"):
        tables = [
            getattr(scenario, name).model_dump(mode="json", exclude=_NOT_COMPARED)
            for scenario in scenarios
        ]
        found += _differences(tables, [name] * len(tables))
    return found


def _differences(values: Sequence[Any], paths: Sequence[str]) -> Iterator[Difference]:
    """Yield the differences of one place, which has a path of its own in each scenario."""
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, dict) for value in values) and _have_one_kind(values):
        names = dict.fromkeys(name for value in values for name in value)
        for name in names:
            yield from _differences(
                [value.get(name, ABSENT) for value in values],
                [join(path, name) for path in paths],
            )
    elif all(is_list_of_tables(value) for value in values):
        yield from _differences_of_lists(values, paths)
    else:
        owner = next(
            place for place, value in enumerate(values) if value is not ABSENT and value is not None
        )
        shown = tuple(ABSENT if value is None else value for value in values)
        yield Difference(paths[owner], owner, shown)


def _differences_of_lists(lists: Sequence[list[Any]], paths: Sequence[str]) -> Iterator[Difference]:
    """Yield the differences of paired entries; each row of entries has one or none of each list."""
    n = len(lists)
    rows: list[list[int | None]] = [[place] + [None] * (n - 1) for place in range(len(lists[0]))]
    for number in range(1, n):
        leaders = [_first(row) for row in rows]
        pairs = aligned([lists[owner][place] for owner, place in leaders], lists[number])
        for position in range(len(lists[number])):
            if position in pairs:
                rows[pairs[position]][number] = position
            else:
                added: list[int | None] = [None] * n
                added[number] = position
                rows.append(added)
    for row in rows:
        values, places = [], []
        for place, entries, path in zip(row, lists, paths, strict=True):
            values.append(entries[place] if place is not None else ABSENT)
            places.append(join(path, place) if place is not None else path)
        yield from _differences(values, places)


def _first(row: Sequence[int | None]) -> tuple[int, int]:
    """Return the first list that has an entry in the row, and the entry's position in it."""
    return next((owner, place) for owner, place in enumerate(row) if place is not None)


def _have_one_kind(tables: Sequence[dict[str, Any]]) -> bool:
    return all(table.get("kind") == tables[0].get("kind") for table in tables)


Better = Literal["up", "down", "neither"]
Measure = Decimal | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One figure of all scenarios."""

    name: str
    """Key below ``outcome`` in the catalogs; its ending tells the unit."""
    better: Better
    values: tuple[Measure, ...]

    @property
    def best(self) -> frozenset[int]:
        """Positions of the scenarios with the best value; empty if all are equal."""
        if self.better == "neither" or len(set(self.values)) == 1:
            return frozenset()
        sign = 1 if self.better == "up" else -1
        ranked = [_rank(value, sign) for value in self.values]
        return frozenset(place for place, rank in enumerate(ranked) if rank == max(ranked))


def _rank(value: Measure, sign: int) -> tuple[bool, float]:
    return value is not None, 0.0 if value is None else sign * float(value)


_FIGURES: tuple[tuple[str, Better, Callable[[Projection], Measure]], ...] = (
    ("parameters", "neither", lambda of: of.forecast.parameters_total),
    ("tokens", "neither", lambda of: of.scenario.plan.tokens),
    ("training_cost_usd", "down", lambda of: of.forecast.cost_usd.value),
    ("training_hours", "down", lambda of: of.forecast.wall_clock_hours.value),
    ("loss", "down", lambda of: of.forecast.loss_nats_per_token.value),
    ("fits", "up", lambda of: of.forecast.fits),
    ("serving_usd", "down", lambda of: of.forecast.serving_usd_per_million_tokens.value),
    ("runway_months", "up", lambda of: _runway(of.runway_months)),
    ("runway_with_round_months", "up", lambda of: _runway(of.runway_months_with_round)),
    ("lowest_cash_usd", "up", lambda of: of.lowest_cash.cash_usd),
    ("peak_burn_usd", "down", lambda of: of.peak_burn.net_burn_usd),
    ("raise_usd", "down", lambda of: _raised(of)),
    ("sold_share", "down", lambda of: of.sold_share),
    ("founders_share", "up", lambda of: founders_keep(of)),
    ("arr_usd", "up", lambda of: of.months[-1].arr_usd),
    ("margin_share", "up", lambda of: _margin(of)),
    ("burn_multiple", "down", lambda of: of.burn_multiple),
)
"""Figures that are compared, and where a larger or a smaller value is better."""

BEYOND = Decimal("Infinity")
"""Runway that lasts beyond the horizon; it ranks above every other."""


def outcomes(projections: Sequence[Projection]) -> list[Outcome]:
    """Return the figures of all scenarios side by side."""
    return [
        Outcome(name, better, tuple(figure(projection) for projection in projections))
        for name, better, figure in _FIGURES
    ]


def founders_keep(projection: Projection) -> Decimal:
    """Return the founders' share of the company after all events of the plan."""
    of_company = funding(projection.scenario.company)
    kept = of_company.founders_share(of_company.last)
    return Decimal(kept.numerator) / Decimal(kept.denominator)


def _runway(months: Decimal | None) -> Decimal:
    return BEYOND if months is None else months


def _raised(projection: Projection) -> Decimal:
    return sum((deal.amount_usd for deal in projection.scenario.company.planned_rounds), Decimal(0))


def _margin(projection: Projection) -> Decimal | None:
    margins = Indicators(projection.books).at(projection.horizon_months)
    return margins["gross_margin_paid_inference"]

"""Register of assumptions: every input with its value, its origin and what it moves."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from engine.plan import OWN_ASSUMPTION
from finance.company.provenance import DEFAULT_ORIGIN, MAX_SOURCE_CHARS, Origin, origin_of
from finance.company.scenario import Scenario
from finance.verdict.drivers import Driver, Drivers
from finance.verdict.inputs import CALIBRATION, Input, scenario_inputs
from finance.verdict.units import unit_of

_PRICE = "plan.cluster.price_usd_per_device_hour"
_COLUMNS = (
    "path",
    "value",
    "unit",
    "set_by",
    "source",
    "as_of",
    "low_value",
    "high_value",
    "runway_months_at_low",
    "runway_months_at_high",
    "lowest_cash_usd_at_low",
    "lowest_cash_usd_at_high",
)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One row of the register."""

    input: Input
    unit: str
    """Code of the unit; the catalogs have its name below ``input_unit``."""
    origin: Origin
    driver: Driver | None
    """Effect of the input; None if it is not moved, or not yet computed."""

    @property
    def counts(self) -> bool:
        """Whether the row counts as an assumption: someone stated the value."""
        return self.input.is_stated or self.origin is not DEFAULT_ORIGIN


def register(scenario: Scenario, found: Drivers | None = None) -> list[Assumption]:
    """Return all rows of the register, in the order of the document."""
    effects = {driver.path: driver for driver in found.drivers} if found else {}
    return [
        Assumption(
            item,
            unit_of(scenario, item.path),
            _origin(scenario, item.path),
            effects.get(item.path),
        )
        for item in scenario_inputs(scenario)
    ]


def _origin(scenario: Scenario, path: str) -> Origin:
    """Return the origin of a value; some have their source beside them in the document."""
    origin = origin_of(scenario.provenance, path)
    calibration = scenario.plan.calibration
    if calibration is not None and path.startswith(f"{CALIBRATION}."):
        runs = ", ".join(calibration.run_ids)[:MAX_SOURCE_CHARS]
        return origin.model_copy(update={"source": runs, "as_of": calibration.measured_on})
    source = scenario.plan.cluster.price_source
    if path == _PRICE and source != OWN_ASSUMPTION and not origin.source:
        return origin.model_copy(update={"source": source})
    return origin


def number_of_own(rows: Sequence[Assumption]) -> tuple[int, int]:
    """Return how many assumptions the user has set or measured, and how many there are."""
    counted = [row for row in rows if row.counts]
    own = sum(row.origin.by != "default" for row in counted)
    return own, len(counted)


def register_csv(rows: Sequence[Assumption]) -> str:
    """Return the register as CSV, with fixed English headers."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        driver = row.driver
        effect: list[object] = [""] * 6
        if driver is not None:
            ends = (driver.at_low, driver.at_high)
            effect = [
                _cell(driver.low),
                _cell(driver.high),
                *(_cell(end.runway_months) for end in ends),
                *(f"{end.lowest_cash_usd:.2f}" for end in ends),
            ]
        origin = row.origin
        writer.writerow(
            [
                row.input.path,
                _cell(row.input.value),
                row.unit,
                origin.by,
                origin.source,
                _cell(origin.as_of),
                *effect,
            ]
        )
    return file.getvalue()


def _cell(value: object) -> str:
    return "" if value is None else str(value)

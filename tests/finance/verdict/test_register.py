"""The register lists every input once, with its unit, its origin and its effect."""

from __future__ import annotations

import csv
import io

import pytest

from engine.calibration.calibration import Calibration
from finance.company.provenance import Origin
from finance.company.scenario import Scenario, attributed, with_imported_values
from finance.metrics.projection import with_calibration
from finance.verdict.drivers import drivers
from finance.verdict.inputs import scenario_inputs
from finance.verdict.register import number_of_own, register, register_csv
from finance.verdict.units import unit_of

USER = Origin(by="user")


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("company.cash_usd", "usd"),
        ("company.people.0.cost_usd_per_month", "usd_per_month"),
        ("company.people.0.people", "people"),
        ("company.people.0.on_cost_share", "percent"),
        ("company.people.0.raise_share_per_year", "percent_per_year"),
        ("company.revenue_lines.0.price_per_million_output_tokens", "USD/per_million_tokens"),
        ("company.revenue_lines.1.plans.0.price_per_month", "EUR/per_month"),
        ("company.revenue_lines.1.conversion_share_per_month", "percent_per_month"),
        ("company.revenue_lines.0.usage.input_tokens_per_month", "tokens_per_month"),
        ("company.revenue_lines.0.launch_month", "month"),
        ("company.revenue_lines.0.payment_days", "days"),
        ("company.exchange_rates.EUR", "USD/EUR"),
        ("company.horizon_months", "months"),
        ("plan.cluster.price_usd_per_device_hour", "usd_per_device_hour"),
        ("plan.tokens", "tokens"),
        ("plan.reliability.restart_s", "seconds"),
        ("plan.layout.precision", ""),
        ("company.first_month", ""),
        ("company.capital.events.6.new_money", "USD"),
    ],
)
def test_units(startup: Scenario, path: str, unit: str) -> None:
    assert unit_of(startup, path) == unit


def test_rows_are_all_inputs_with_their_origin(startup: Scenario) -> None:
    edited = attributed(startup, startup.with_value("company.cash_usd", "5"), USER)
    rows = {row.input.path: row for row in register(edited)}
    assert list(rows) == [item.path for item in scenario_inputs(edited)]
    assert rows["company.cash_usd"].origin is USER
    assert rows["plan.tokens"].origin.by == "default"
    price = rows["plan.cluster.price_usd_per_device_hour"]
    assert price.origin.source.startswith("lambda gpu_8x_h100_sxm5")


def test_a_price_that_is_an_own_assumption_has_no_source(laptop: Scenario) -> None:
    rows = {row.input.path: row for row in register(laptop)}
    assert rows["plan.cluster.price_usd_per_device_hour"].origin.source == ""


def test_number_of_own(startup: Scenario) -> None:
    own, number = number_of_own(register(startup))
    assert own == 0
    stated = [item for item in scenario_inputs(startup) if item.is_stated]
    assert number == len(stated)
    edited = startup
    for path, value in (("company.cash_usd", "5"), ("company.spending.1.amount_per_month", "7")):
        edited = attributed(edited, edited.with_value(path, value), USER)
    # The second was at its default and did not count before.
    assert number_of_own(register(edited)) == (2, number + 1)
    imported = register(with_imported_values(startup, "a.toml"))
    assert number_of_own(imported) == (len(imported), len(imported))


def test_csv_has_a_row_for_each_input_and_the_effects(laptop: Scenario) -> None:
    found = drivers(laptop)
    rows = list(csv.DictReader(io.StringIO(register_csv(register(laptop, found)))))
    assert [row["path"] for row in rows] == [item.path for item in scenario_inputs(laptop)]
    by_path = {row["path"]: row for row in rows}
    price = by_path["company.revenue.price_usd_per_customer_month"]
    driver = found.of("company.revenue.price_usd_per_customer_month")
    assert driver is not None
    assert float(price["runway_months_at_low"]) == driver.at_low.runway_months
    assert float(price["low_value"]) == 0.4675
    assert by_path["company.cash_usd"]["runway_months_at_low"] == ""


def test_a_calibration_is_measured_with_its_runs_and_its_day(startup: Scenario) -> None:
    ratio = {"value": 1.2, "low": 1.1, "high": 1.3}
    table = {
        "run_ids": ["a", "b"],
        "measured_on": "2026-11-30",
        "accelerator": "H100-80GB",
        "device": "test",
        "parameters": 10**9,
        "tokens": 10**9,
        "step_time": ratio,
        "memory": ratio,
        "loss": ratio,
    }
    calibrated = with_calibration(startup, Calibration.parse(table))
    row = register(calibrated)[0]
    assert (row.input.path, row.input.value) == ("plan.calibration.step_time.value", 1.2)
    assert (row.origin.by, row.origin.source) == ("measured", "a, b")
    assert str(row.origin.as_of) == "2026-11-30"
    assert number_of_own(register(calibrated))[0] == 3

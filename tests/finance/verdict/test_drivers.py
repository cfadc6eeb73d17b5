"""Drivers equal the differences between whole projections of edited scenarios."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

import numpy as np
import pytest

from engine.documents import InputError
from engine.facts import prices_of
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.verdict.drivers import (
    FORECAST,
    Drivers,
    Outcome,
    Progress,
    drivers,
    drivers_in_steps,
    runways_of,
)
from finance.verdict.inputs import scenario_inputs
from finance.verdict.ranges import DECISIONS, InputKind, input_ranges, kind_of_input, moved_inputs
from tests.finance.companies import EVERYTHING


@pytest.fixture(scope="module")
def of_startup() -> tuple[Scenario, Drivers]:
    from finance.company.scenario import sample_scenarios

    scenario = sample_scenarios()["startup-1b"]
    return scenario, drivers(scenario)


def outcome_of(scenario: Scenario) -> Outcome:
    """Return the outcome of a scenario from its whole projection."""
    projection = project_scenario(scenario)
    runway = projection.runway_months
    return Outcome(
        None if runway is None else float(runway), float(projection.lowest_cash.cash_usd)
    )


def is_same(first: Outcome, second: Outcome) -> bool:
    if (first.runway_months is None) != (second.runway_months is None):
        return False
    return math.isclose(first.lowest_cash_usd, second.lowest_cash_usd, abs_tol=0.005) and (
        first.runway_months is None
        or math.isclose(first.runway_months, second.runway_months or 0, rel_tol=1e-12)
    )


# One input of each way of computing it, with the ends of its range worked out by hand.
BY_HAND = {
    "company.revenue_lines.1.plans.0.price_per_month": ("9.35", "12.65"),  # 11 ± 15%
    "company.revenue_lines.0.retention.alpha": ("0.56", "1.04"),  # 0.8 ± 30%
    "company.revenue_lines.2.renewal_share": ("0.844", "0.916"),  # 12% lost ± 30%
    "company.people.1.cost_usd_per_month": ("9450", "11550"),  # 10,500 ± 10%
    "company.people.4.people": (11, 13),  # one person fewer or more
    "company.people.0.start_month": (1, 4),  # month 1 − 3 is before the first month
    "company.revenue_lines.2.launch_month": (9, 15),
    "company.training_events.1.month": (17, 23),
    "company.compute.on_demand_change_share_per_year": ("-0.25", "-0.05"),
    "company.exchange_rates.EUR": ("0.972", "1.188"),
    "plan.tokens": (2_400_000_000_000, 3_600_000_000_000),
    "plan.serving.utilisation_share": (0.245, 0.455),
    "plan.cluster.availability_share": (0.87, 0.97),
    "company.loans.0.amount_usd": ("1200000", "1800000"),
}


@pytest.mark.parametrize("path", BY_HAND)
def test_an_inputs_effect_is_that_of_editing_it(
    path: str, of_startup: tuple[Scenario, Drivers]
) -> None:
    scenario, found = of_startup
    driver = found.of(path)
    assert driver is not None
    for end, shown, outcome in zip(
        BY_HAND[path], (driver.low, driver.high), (driver.at_low, driver.at_high), strict=True
    ):
        assert float(shown) == pytest.approx(float(end), rel=1e-12)  # type: ignore[arg-type]
        assert is_same(outcome, outcome_of(scenario.with_value(path, end)))


def test_the_scenario_itself_is_the_base(of_startup: tuple[Scenario, Drivers]) -> None:
    scenario, found = of_startup
    assert is_same(found.base, outcome_of(scenario))


def test_the_forecasts_error_moves_what_the_projections_bounds_say(
    of_startup: tuple[Scenario, Drivers],
) -> None:
    scenario, found = of_startup
    projection, driver = project_scenario(scenario), found.of(FORECAST)
    assert driver is not None
    assert driver.at_low.runway_months == pytest.approx(
        float(projection.runway_months_at_low_cost or 0)
    )
    assert driver.at_high.runway_months == pytest.approx(
        float(projection.runway_months_at_high_cost or 0)
    )


def test_a_later_round_takes_the_events_after_it_along(
    of_startup: tuple[Scenario, Drivers],
) -> None:
    scenario, found = of_startup
    driver = found.of("company.capital.events.6.date")
    assert driver is not None
    assert (driver.low, driver.high) == (datetime.date(2027, 11, 15), datetime.date(2028, 5, 15))
    later = scenario.with_values(
        {
            "company.capital.events.6.date": "2028-05-15",
            "company.capital.events.7.date": "2028-08-01",
            "company.capital.events.8.date": "2029-12-15",
        }
    )
    assert is_same(driver.at_high, outcome_of(later))


def test_the_price_of_compute_moves_within_the_middle_half_of_the_published_ones(
    of_startup: tuple[Scenario, Drivers],
) -> None:
    scenario, found = of_startup
    driver = found.of("plan.cluster.price_usd_per_device_hour")
    assert driver is not None
    published = [
        float(row.usd_per_device_hour)
        for row in prices_of("H100-80GB")
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    inside = sum(float(driver.low) <= price <= float(driver.high) for price in published)  # type: ignore[arg-type]
    assert inside / len(published) == pytest.approx(0.5, abs=0.08)
    for end, outcome in ((driver.low, driver.at_low), (driver.high, driver.at_high)):
        changed = scenario.with_value("plan.cluster.price_usd_per_device_hour", str(end))
        assert is_same(outcome, outcome_of(changed))


def test_the_strongest_come_first_and_are_no_decisions(
    of_startup: tuple[Scenario, Drivers],
) -> None:
    _, found = of_startup
    spreads = [driver.runway_spread_months for driver in found.drivers]
    assert spreads == sorted(spreads, reverse=True)
    five = found.strongest(5)
    assert len(five) == 5
    assert not {driver.kind for driver in five} & DECISIONS
    assert {driver.kind for driver in found.drivers} >= DECISIONS


def test_every_kind_of_company_has_drivers(laptop: Scenario) -> None:
    everything = Scenario.parse(laptop.model_dump(mode="json") | {"company": EVERYTHING})
    found = drivers(everything)
    assert {driver.path for driver in found.drivers} == {FORECAST} | {
        item.input.path for item in moved_inputs(everything, scenario_inputs(everything))
    }
    assert is_same(found.base, outcome_of(everything))
    assert all(driver.low is not None for driver in found.drivers if driver.path != FORECAST)


def test_an_end_that_the_document_does_not_allow_counts_as_no_change(laptop: Scenario) -> None:
    role = {"title": "Short", "people": 1, "cost_usd_per_month": "500", "start_month": 2}
    scenario = laptop.with_value(
        "company.people",
        [laptop.company.people[0].model_dump(mode="json"), role | {"end_month": 3}],
    )
    driver = drivers(scenario).of("company.people.1.start_month")
    assert driver is not None
    assert (driver.low, driver.high) == (1, None)
    assert driver.at_high == drivers(scenario).base
    with pytest.raises(InputError):
        scenario.with_value("company.people.1.start_month", 5)


def test_known_amounts_and_designs_are_not_moved(startup: Scenario) -> None:
    for path in ("company.cash_usd", "plan.shape.n_layers", "company.capital.events.3.amount"):
        assert kind_of_input(startup, path) is None


def test_every_range_is_used_by_a_kind_and_says_what_it_is() -> None:
    assert set(input_ranges()) == set(InputKind)
    assert input_ranges()[InputKind.PRICE].is_assumption
    assert not input_ranges()[InputKind.COMPUTE_PRICE].is_assumption


def test_progress_counts_up_to_the_result(laptop: Scenario) -> None:
    *steps, last = drivers_in_steps(laptop)
    assert isinstance(last, Drivers)
    progress = [step for step in steps if isinstance(step, Progress)]
    assert [step.done for step in progress] == list(range(1, progress[0].of))
    assert last == drivers(laptop)


def test_runways_of_balances_by_hand() -> None:
    balances = np.array([[50, -50, 20], [10, 5, 1], [-100, 3, 4]])
    runways = runways_of(balances, 100)
    assert runways[0] == pytest.approx(1 + 50 / 100)
    assert math.isnan(runways[1])
    assert runways[2] == pytest.approx(100 / 200)
    assert Decimal(str(runways[2])) == Decimal("0.5")

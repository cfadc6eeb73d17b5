"""Differences equal a diff of all leaves, and outcomes are the figures of each projection."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.verdict.compare import ABSENT, BEYOND, Outcome, differences, outcomes
from finance.verdict.inputs import scenario_inputs


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return all leaves of plain data by path, without aligning anything."""
    if isinstance(value, dict):
        parts = [leaves(part, f"{path}.{name}".lstrip(".")) for name, part in value.items()]
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value):
        parts = [leaves(part, f"{path}.{place}") for place, part in enumerate(value)]
    else:
        return {path: value}
    return {name: leaf for part in parts for name, leaf in part.items()}


def by_brute_force(scenarios: list[Scenario]) -> dict[str, tuple[Any, ...]]:
    flat = [leaves(scenario.model_dump(mode="json", exclude={"name"})) for scenario in scenarios]
    return {
        path: values
        for path in flat[0]
        if len(set(map(str, values := tuple(table[path] for table in flat)))) > 1
    }


def edited(scenario: Scenario, seed: int) -> Scenario:
    """Return the scenario with about ten of its numbers changed at random."""
    chosen = random.Random(seed)
    numbers = [
        item.path
        for item in scenario_inputs(scenario)
        if item.is_number and ".capital." not in item.path and ".changes." not in item.path
    ]
    for path in chosen.sample(numbers, 14):
        value = {item.path: item.value for item in scenario_inputs(scenario)}[path]
        try:
            changed = int(value) + 1 if isinstance(value, int) else f"{float(value) * 0.9:.2f}"  # type: ignore[arg-type]
            scenario = scenario.with_value(path, changed)
        except InputError:
            continue
    return scenario


@pytest.mark.parametrize("seed", range(6))
def test_differences_equal_a_brute_force_diff(startup: Scenario, seed: int) -> None:
    scenarios = [startup, edited(startup, seed), edited(startup, 100 + seed)]
    expected = by_brute_force(scenarios)
    found = {difference.path: difference.values for difference in differences(scenarios)}
    assert len(expected) >= 8
    assert {path: tuple(map(str, values)) for path, values in found.items()} == {
        path: tuple(map(str, values)) for path, values in expected.items()
    }


def test_equal_scenarios_have_no_differences(startup: Scenario) -> None:
    assert differences([startup, startup.with_values({"name": "Other", "company.name": "B"})]) == []


def test_a_removed_and_an_added_entry_are_one_difference_each(startup: Scenario) -> None:
    people = [role.model_dump(mode="json") for role in startup.company.people]
    lawyer = {"title": "Lawyer", "people": 1, "cost_usd_per_month": "7000.00"}
    other = startup.with_value("company.people", [people[0], lawyer, *people[2:]])
    dearer = other.with_value("company.people.1.people", 2)
    found = differences([startup, other, dearer])
    assert [difference.path for difference in found] == [
        "company.people.1",
        "company.people.1",
    ]
    removed, added = found
    assert removed.owner == 0
    assert removed.values[0]["title"] == people[1]["title"]
    assert removed.values[1:] == (ABSENT, ABSENT)
    assert added.owner == 1
    assert added.values[0] is ABSENT
    assert [entry["people"] for entry in added.values[1:]] == [1, 2]
    assert removed.is_entry
    assert added.is_entry


def test_an_entry_that_only_later_scenarios_have_is_compared_as_a_whole(startup: Scenario) -> None:
    without = startup.with_value("company.loans", [])
    found = differences([without, startup])
    assert [(difference.path, difference.owner) for difference in found] == [("company.loans.0", 1)]


def test_another_kind_of_table_is_one_difference(startup: Scenario) -> None:
    churn = {"kind": "constant", "churn_share_per_month": "0.05"}
    other = startup.with_value("company.revenue_lines.0.retention", churn)
    (difference,) = differences([startup, other])
    assert difference.path == "company.revenue_lines.0.retention"
    assert [value["kind"] for value in difference.values] == ["sbg", "constant"]


def test_only_two_to_four_scenarios_are_compared(startup: Scenario) -> None:
    with pytest.raises(InputError):
        differences([startup])
    with pytest.raises(InputError):
        differences([startup] * 5)


def test_outcomes_are_those_of_the_projections(startup: Scenario) -> None:
    dearer = startup.with_values({"company.people.1.people": 6, "company.cash_usd": "3000000"})
    projections = [project_scenario(startup), project_scenario(dearer)]
    found = {outcome.name: outcome for outcome in outcomes(projections)}
    assert found["runway_months"].values == tuple(of.runway_months for of in projections)
    assert found["lowest_cash_usd"].values == tuple(of.lowest_cash.cash_usd for of in projections)
    assert found["runway_with_round_months"].values[0] == BEYOND
    assert found["training_cost_usd"].best == frozenset()
    assert found["burn_multiple"].best == {0}
    assert found["raise_usd"].values == (26_000_000, 26_000_000)


def test_founders_share_after_a_single_round(laptop: Scenario) -> None:
    found = {outcome.name: outcome for outcome in outcomes([project_scenario(laptop)] * 2)}
    # The round sells 150,000 of 1,500,000, up to the rounding of shares.
    assert float(found["founders_share"].values[0] or 0) == pytest.approx(0.9)


def test_the_best_value_is_marked() -> None:
    assert Outcome("a", "up", (1, 3, 3)).best == {1, 2}
    assert Outcome("a", "down", (1.0, 3.0, None)).best == {0}
    assert Outcome("a", "neither", (1, 2)).best == frozenset()
    assert Outcome("a", "up", (2, 2)).best == frozenset()

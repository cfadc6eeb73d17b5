"""Inputs of a scenario are its numbers, dates and choices, without names and measurements."""

from __future__ import annotations

from finance.company.scenario import Scenario
from finance.verdict.inputs import scenario_inputs


def test_inputs_are_found_by_path(startup: Scenario) -> None:
    found = {item.path: item for item in scenario_inputs(startup)}
    assert found["plan.shape.n_layers"].value == 16
    assert found["plan.layout.precision"].value == "bf16"
    assert found["plan.cluster.accelerator"].value == "H100-80GB"
    assert found["company.exchange_rates.EUR"].is_stated
    assert found["company.training_events.1.changes.shape.n_layers"].value == 28
    assert found["company.capital.events.6.new_money"].is_number
    assert not found["company.capital.events.6.date"].is_number
    assert str(found["company.people.0.on_cost_share"].value) == "0.21"


def test_names_and_structure_are_no_inputs(startup: Scenario) -> None:
    names = {item.path.rpartition(".")[2] for item in scenario_inputs(startup)}
    assert not names & {"name", "title", "holder", "kind", "series", "price_source", "region"}


def test_a_value_at_its_default_is_not_stated(startup: Scenario) -> None:
    found = {item.path: item.is_stated for item in scenario_inputs(startup)}
    assert found["company.people.1.raise_share_per_year"]
    assert not found["company.spending.1.amount_per_month"]
    assert found["company.cash_usd"]


def test_each_path_is_there_once(startup: Scenario, laptop: Scenario) -> None:
    for scenario in (startup, laptop):
        paths = [item.path for item in scenario_inputs(scenario)]
        assert len(paths) == len(set(paths))

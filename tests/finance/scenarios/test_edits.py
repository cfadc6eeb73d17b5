"""Differences and merges of whole scenarios, with the provenance of their values."""

import pytest

from engine.documents import InputError
from finance.company.provenance import Origin, origin_of
from finance.company.scenario import Scenario, attributed
from finance.scenarios.changes import Change
from finance.scenarios.edits import conflicts_of, merged_scenario, scenario_changes


def test_who_set_a_value_is_no_difference(laptop: Scenario) -> None:
    changed = laptop.with_value("company.cash_usd", "7")
    mine = attributed(laptop, changed, Origin(by="user"))
    assert scenario_changes(changed, mine) == []
    assert scenario_changes(laptop, mine) == [
        Change("set", "company.cash_usd", str(laptop.company.cash_usd), "7.00")
    ]


def test_values_keep_the_origin_of_their_side(startup: Scenario) -> None:
    mine = attributed(
        startup, startup.with_value("company.cash_usd", "7"), Origin(by="user", source="bank")
    )
    theirs = attributed(
        startup, startup.with_value("company.people.1.people", 9), Origin(by="imported")
    )
    merged = merged_scenario(startup, mine, theirs)
    assert conflicts_of(startup, mine, theirs) == []
    assert merged.company.cash_usd == 7
    assert merged.company.people[1].people == 9
    assert origin_of(merged.provenance, "company.cash_usd") == Origin(by="user", source="bank")
    assert origin_of(merged.provenance, "company.people.1.people") == Origin(by="imported")
    assert origin_of(merged.provenance, "company.people.0.people") == Origin(by="default")


def test_a_merge_that_is_not_allowed_says_why(laptop: Scenario) -> None:
    heads, kv_heads = laptop.plan.shape.n_heads, laptop.plan.shape.n_kv_heads
    assert heads > kv_heads
    mine = laptop.with_value("plan.shape.n_heads", kv_heads)
    theirs = laptop.with_value("plan.shape.n_kv_heads", heads)
    with pytest.raises(InputError, match="n_kv_heads"):
        merged_scenario(laptop, mine, theirs)

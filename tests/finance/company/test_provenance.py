"""Provenance of values follows them through edits, and changes no figure."""

from __future__ import annotations

import datetime
import tomllib

import pytest

from engine.calibration.calibration import Calibration
from engine.documents import Document, InputError
from finance.company.provenance import Origin, origin_of
from finance.company.scenario import Scenario, attributed, with_imported_values
from finance.metrics.projection import with_calibration

USER = Origin(by="user", as_of=datetime.date(2026, 11, 30))
PAY = "company.people.{}.cost_usd_per_month"


def edited(scenario: Scenario, path: str, value: object) -> Scenario:
    return attributed(scenario, scenario.with_value(path, value), USER)


def people(scenario: Scenario) -> list[dict[str, object]]:
    return [role.model_dump(mode="json") for role in scenario.company.people]


def test_an_edit_sets_the_origin_of_its_value_only(startup: Scenario) -> None:
    after = edited(startup, PAY.format(2), "9600")
    assert after.provenance == {PAY.format(2): USER}
    assert origin_of(after.provenance, PAY.format(2)) is USER
    assert origin_of(after.provenance, PAY.format(1)).by == "default"


def test_a_value_typed_again_in_another_form_is_no_change(startup: Scenario) -> None:
    assert edited(startup, "company.cash_usd", "2200000.00").provenance == {}


def test_content_hash_and_file_do_not_change_without_provenance(startup: Scenario) -> None:
    assert startup.content_hash == Document.content_hash.func(startup)
    marked = startup.model_copy(update={"provenance": {"company.cash_usd": USER}})
    assert marked.content_hash == startup.content_hash
    assert marked != startup
    assert "provenance" not in tomllib.loads(startup.to_toml())


def test_provenance_is_written_and_read_back(startup: Scenario) -> None:
    after = edited(startup, "company.cash_usd", "1234567")
    table = tomllib.loads(after.to_toml())
    assert table["provenance"]["company.cash_usd"]["by"] == "user"
    assert Scenario.parse(table) == after


def test_removing_a_role_moves_the_origin_of_the_next(startup: Scenario) -> None:
    after = edited(startup, PAY.format(3), "9900")
    roles = people(after)
    shorter = attributed(
        after, after.with_value("company.people", roles[:1] + roles[2:]), Origin(by="measured")
    )
    assert shorter.company.people[2] == after.company.people[3]
    assert shorter.provenance == {PAY.format(2): USER}


def test_an_added_role_has_the_origin_of_its_whole_table(startup: Scenario) -> None:
    roles = people(startup)
    added = {"title": "Lawyer", "people": 1, "cost_usd_per_month": "7000"}
    after = attributed(
        startup, startup.with_value("company.people", [added, *roles]), Origin(by="imported")
    )
    assert after.provenance == {"company.people.0": Origin(by="imported")}
    assert origin_of(after.provenance, PAY.format(0)).by == "imported"
    assert origin_of(after.provenance, PAY.format(1)).by == "default"


def test_an_edit_without_attribution_drops_the_old_origin(startup: Scenario) -> None:
    after = edited(edited(startup, "company.cash_usd", "5"), PAY.format(0), "8100")
    assert set(after.with_value("company.cash_usd", "6").provenance) == {PAY.format(0)}


def test_a_value_that_is_gone_leaves_no_entry(startup: Scenario) -> None:
    table = edited(startup, PAY.format(6), "4600").model_dump(mode="json")
    del table["company"]["people"][6]
    assert Scenario.parse(table).provenance == {}


def test_an_unknown_origin_is_refused(startup: Scenario) -> None:
    table = startup.model_dump(mode="json") | {"provenance": {"company.cash_usd": {"by": "rumour"}}}
    with pytest.raises(InputError, match=r"provenance\.company\.cash_usd\.by"):
        Scenario.parse(table)


def test_an_imported_file_marks_all_its_values(startup: Scenario) -> None:
    imported = with_imported_values(startup, "plan.toml")
    origin = origin_of(imported.provenance, "plan.shape.n_layers")
    assert (origin.by, origin.source) == ("imported", "plan.toml")
    mine = attributed(imported, imported.with_value("plan.tokens", 10**12), USER)
    assert origin_of(mine.provenance, "plan.tokens") is USER
    assert origin_of(mine.provenance, "plan.shape.n_layers").by == "imported"
    assert with_imported_values(mine, "other.toml") is mine


def test_a_calibration_is_measured_and_needs_no_entry(startup: Scenario) -> None:
    ratio = {"value": 1.2, "low": 1.1, "high": 1.3}
    found = Calibration.parse(
        {
            "run_ids": ["r1"],
            "measured_on": "2026-11-30",
            "accelerator": "H100-80GB",
            "device": "test",
            "parameters": 10**9,
            "tokens": 10**9,
            "step_time": ratio,
            "memory": ratio,
            "loss": ratio,
        }
    )
    after = attributed(startup, with_calibration(startup, found), USER)
    assert after.provenance == {}
    assert origin_of(after.provenance, "plan.calibration.step_time.value").by == "measured"

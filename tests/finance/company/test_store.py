"""Test that versions of scenarios are stored and that conflicting saves are refused."""

import sqlite3
from pathlib import Path

import pytest

from engine.documents import InputError
from finance.company.scenario import Scenario, sample_scenarios
from finance.company.store import SaveConflictError, ScenarioStore


@pytest.fixture
def store() -> ScenarioStore:
    made = ScenarioStore()
    made.ensure(sample_scenarios())
    return made


def test_samples_are_there_once(store: ScenarioStore) -> None:
    assert set(store.names()) == {"laptop", "startup-1b"}
    changed = store.get("laptop").scenario.with_value("name", "Mine")
    store.save("laptop", 1, changed)
    store.ensure(sample_scenarios())
    assert store.get("laptop").scenario.name == "Mine"
    assert store.names()["laptop"] == "Mine"


def test_every_save_is_a_version(store: ScenarioStore, laptop: Scenario) -> None:
    for devices in (3, 4):
        current = store.get("laptop")
        changed = current.scenario.with_value("plan.cluster.n_devices", devices)
        assert store.save("laptop", current.version, changed).version == current.version + 1
    assert [stored.version for stored in store.history("laptop")] == [3, 2, 1]
    assert store.get("laptop", version=1).scenario == laptop
    assert store.get("laptop").scenario.plan.cluster.n_devices == 4


def test_two_people_cannot_overwrite_each_other(store: ScenarioStore, laptop: Scenario) -> None:
    mine = laptop.with_value("name", "mine")
    theirs = laptop.with_value("name", "theirs")
    store.save("laptop", 1, theirs)
    with pytest.raises(SaveConflictError) as conflict:
        store.save("laptop", 1, mine)
    assert conflict.value.current_version == 2
    assert store.get("laptop").scenario == theirs
    assert len(store.history("laptop")) == 2


def test_a_new_scenario_gets_an_id_for_its_link(store: ScenarioStore, laptop: Scenario) -> None:
    first, second = store.create(laptop), store.create(laptop)
    assert first.id != second.id
    assert ScenarioStore().get(first.id).scenario == laptop  # as another process reads it


def test_an_unknown_scenario(store: ScenarioStore, laptop: Scenario) -> None:
    for call in (lambda: store.get("nope"), lambda: store.save("nope", 1, laptop)):
        with pytest.raises(InputError, match="scenario: nope"):
            call()


def test_it_is_sqlite_in_the_home_folder(store: ScenarioStore, home: Path) -> None:
    with sqlite3.connect(home / "flopledger.sqlite") as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == "wal"

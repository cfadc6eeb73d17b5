"""Test that versions of scenarios are stored and that conflicting saves are refused."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.documents import InputError
from finance.company.scenario import Scenario, sample_scenarios
from finance.scenarios.store import SaveConflictError, ScenarioStore


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


def test_of_many_saves_at_once_exactly_one_wins(store: ScenarioStore, laptop: Scenario) -> None:
    names = [f"save {number}" for number in range(8)]

    def save(name: str) -> bool:
        try:
            ScenarioStore().save("laptop", 1, laptop.with_value("name", name))
        except SaveConflictError:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        saved = list(pool.map(save, names))
    assert saved.count(True) == 1
    assert store.get("laptop").scenario.name == names[saved.index(True)]
    assert len(store.history("laptop")) == 2


def test_a_version_has_a_note_and_its_browser(store: ScenarioStore, laptop: Scenario) -> None:
    store.save("laptop", 1, laptop, browser="firefox", note="before the seed round")
    newest = store.history("laptop")[0]
    assert (newest.note, newest.browser) == ("before the seed round", "firefox")
    with pytest.raises(InputError, match="at most 500 characters"):
        store.save("laptop", 2, laptop, browser="firefox", note="x" * 501)
    assert store.get("laptop").version == 2


def test_only_an_editor_can_save(store: ScenarioStore, laptop: Scenario) -> None:
    mine = store.create(laptop, browser="founder").id
    assert store.editors(mine) == {"founder"}
    for stranger in ("investor", None):
        with pytest.raises(InputError, match="cannot be edited here"):
            store.save(mine, 1, laptop, browser=stranger)
    assert store.get(mine).version == 1
    store.add_editor(mine, "investor")
    assert store.save(mine, 1, laptop, browser="investor").version == 2


def test_the_first_browser_that_saves_an_unowned_scenario_edits_it(
    store: ScenarioStore, laptop: Scenario
) -> None:
    unowned = store.create(laptop).id
    store.save(unowned, 1, laptop)
    assert store.editors(unowned) == frozenset()
    store.save(unowned, 2, laptop, browser="founder")
    with pytest.raises(InputError, match="cannot be edited here"):
        store.save(unowned, 3, laptop, browser="investor")


def test_a_deleted_scenario_can_be_restored_with_all_it_had(
    store: ScenarioStore, laptop: Scenario
) -> None:
    mine = store.create(laptop, browser="b", tags=["seed"]).id
    store.save(mine, 1, laptop, browser="b", note="second")
    store.delete(mine)
    assert mine not in store.names()
    assert store.newest_version(mine) is None
    assert [listed.id for listed in store.listed(deleted=True)] == [mine]
    for call in (lambda: store.get(mine), lambda: store.save(mine, 2, laptop, browser="b")):
        with pytest.raises(InputError, match="no such scenario"):
            call()
    store.restore(mine)
    assert store.get(mine).version == 2
    (listed,) = [listed for listed in store.listed() if listed.id == mine]
    assert (listed.tags, listed.editors, listed.version) == (("seed",), {"b"}, 2)
    assert store.listed(deleted=True) == []


def test_tags_are_trimmed_and_limited(store: ScenarioStore) -> None:
    store.set_tags("laptop", [" seed ", "seed", "", "海外  版"])
    store.set_tags("startup-1b", ["seed"])
    assert {listed.id: listed.tags for listed in store.listed()} == {
        "laptop": ("seed", "海外 版"),
        "startup-1b": ("seed",),
    }
    assert store.tags() == ["seed", "海外 版"]
    for bad in ([f"tag {number}" for number in range(13)], ["x" * 41]):
        with pytest.raises(InputError, match="tags: "):
            store.set_tags("laptop", bad)
    store.set_tags("laptop", [])
    assert store.tags() == ["seed"]


def test_a_sample_is_renewed_until_it_is_saved(store: ScenarioStore, laptop: Scenario) -> None:
    renewed = laptop.with_value("name", "Sample of the next release")
    store.ensure({"laptop": renewed})
    assert store.get("laptop").scenario == renewed
    assert store.names()["laptop"] == renewed.name
    store.save("laptop", 1, laptop)
    store.ensure({"laptop": renewed})
    assert store.get("laptop").scenario == laptop

"""Drafts are kept by scenario and browser, with a limited list of steps."""

import pytest

from finance.company.scenario import Scenario
from finance.scenarios.drafts import MAX_STEPS, DraftMovedError
from finance.scenarios.store import ScenarioStore


@pytest.fixture
def store(laptop: Scenario) -> ScenarioStore:
    made = ScenarioStore()
    made.create(laptop, "mine")
    return made


def test_a_draft_is_there_for_another_process(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "firefox", 1, {0: "a"})
    assert store.drafts.add("mine", "firefox", 0, 1, "b") == 1
    read = ScenarioStore().drafts.get("mine", "firefox")
    assert read is not None
    assert (read.base_version, read.position, read.document) == (1, 1, "b")
    assert read.steps == {0: "a", 1: "b"}
    assert ScenarioStore().drafts.get("mine", "chrome") is None
    assert set(store.drafts.changed("firefox")) == {"mine"}


def test_a_change_after_undo_drops_the_steps_that_redo_would_reach(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "b", 1, {0: "a"})
    revision = store.drafts.add("mine", "b", 0, 1, "b")
    revision = store.drafts.add("mine", "b", revision, 2, "c")
    revision = store.drafts.move("mine", "b", revision, 0)
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert read.document == "a"
    assert len(read.steps) == 3
    store.drafts.add("mine", "b", revision, 1, "d")
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert read.steps == {0: "a", 1: "d"}


def test_only_the_last_steps_are_kept(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "b", 1, {0: "0"})
    for number in range(1, MAX_STEPS + 11):
        store.drafts.add("mine", "b", number - 1, number, str(number))
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert list(read.steps) == list(range(10, MAX_STEPS + 11))


def test_a_tab_that_missed_a_change_is_refused(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "b", 1, {0: "a"})
    store.drafts.add("mine", "b", 0, 1, "first tab")
    with pytest.raises(DraftMovedError):
        store.drafts.add("mine", "b", 0, 1, "second tab")
    with pytest.raises(DraftMovedError):
        store.drafts.move("mine", "b", 0, 0)
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert read.document == "first tab"


def test_a_discarded_draft_is_gone_with_its_steps(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "b", 1, {0: "a"})
    store.drafts.discard("mine", "b")
    assert store.drafts.get("mine", "b") is None
    store.drafts.begin("mine", "b", 1, {0: "c"})
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert read.steps == {0: "c"}
    store.drafts.rebase("mine", "b", 7)
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert read.base_version == 7


def test_a_second_draft_does_not_replace_the_first(store: ScenarioStore) -> None:
    store.drafts.begin("mine", "b", 1, {0: "a", 1: "b"}, position=1)
    with pytest.raises(DraftMovedError):
        store.drafts.begin("mine", "b", 1, {0: "c"})
    read = store.drafts.get("mine", "b")
    assert read is not None
    assert (read.document, read.steps) == ("b", {0: "a", 1: "b"})

"""A draft survives its session, and two tabs of one browser keep both their changes."""

import pytest

from finance.company.scenario import Scenario
from finance.scenarios.kept_draft import KeptDraft
from finance.scenarios.store import ScenarioStore


@pytest.fixture
def store(laptop: Scenario) -> ScenarioStore:
    made = ScenarioStore()
    made.create(laptop, "mine")
    return made


def opened(store: ScenarioStore, laptop: Scenario, browser: str | None = "b") -> KeptDraft:
    found = KeptDraft.found(store.drafts, "mine", browser)
    return found or KeptDraft.new(store.drafts, "mine", 1, laptop, browser)


def cash(scenario: Scenario, usd: int) -> Scenario:
    return scenario.with_value("company.cash_usd", str(usd))


def test_the_next_session_finds_draft_and_steps(store: ScenarioStore, laptop: Scenario) -> None:
    draft = opened(store, laptop)
    for usd in (1, 2, 3):
        draft.add(cash(laptop, usd))
    draft.go(2)
    found = opened(ScenarioStore(), laptop)
    assert found.changed_at is not None
    assert found.scenario == cash(laptop, 2)
    assert found.steps.earlier == [1, 0]
    assert found.steps.later == [3]
    assert found.go(0) == laptop
    assert found.go(3) == cash(laptop, 3)


def test_without_a_browser_nothing_is_stored(store: ScenarioStore, laptop: Scenario) -> None:
    draft = opened(store, laptop, None)
    draft.add(cash(laptop, 1))
    draft.go(0)
    assert store.drafts.changed("b") == {}
    draft.go(1)
    draft.adopt("b")
    assert opened(store, laptop).scenario == cash(laptop, 1)


def test_a_draft_that_was_only_opened_is_not_stored(store: ScenarioStore, laptop: Scenario) -> None:
    opened(store, laptop).rebase(2)
    assert KeptDraft.found(store.drafts, "mine", "b") is None


def test_two_tabs_keep_both_changes(store: ScenarioStore, laptop: Scenario) -> None:
    first, second = opened(store, laptop), opened(store, laptop)
    first.add(cash(laptop, 1))
    both = second.add(laptop.with_value("name", "Second tab"))
    assert both == cash(laptop, 1).with_value("name", "Second tab")
    assert opened(store, laptop).scenario == both
    # The first tab has not seen that, and changes the same field as the second.
    last = first.add(first.scenario.with_value("name", "First tab"))
    assert last == cash(laptop, 1).with_value("name", "First tab")
    assert second.go(0).name == laptop.name
    assert opened(store, laptop).scenario == laptop


def test_a_copy_takes_the_draft_along(store: ScenarioStore, laptop: Scenario) -> None:
    draft = opened(store, laptop)
    draft.add(cash(laptop, 1))
    copy = store.create(draft.scenario, "copy")
    draft.move_to("copy", copy.version, "b")
    assert KeptDraft.found(store.drafts, "mine", "b") is None
    found = KeptDraft.found(store.drafts, "copy", "b")
    assert found is not None
    assert found.scenario == cash(laptop, 1)
    assert found.go(0) == laptop


def test_a_draft_discarded_in_another_tab_begins_again(
    store: ScenarioStore, laptop: Scenario
) -> None:
    draft = opened(store, laptop)
    draft.add(cash(laptop, 1))
    store.drafts.discard("mine", "b")
    draft.add(cash(laptop, 2))
    found = opened(store, laptop)
    assert found.scenario == cash(laptop, 2)
    assert found.go(1) == cash(laptop, 1)


def test_a_change_that_the_other_tab_does_not_allow_is_kept_alone(
    store: ScenarioStore, laptop: Scenario
) -> None:
    shape = laptop.plan.shape
    first, second = opened(store, laptop), opened(store, laptop)
    # Each is allowed, and together they are not: heads must be a multiple of key/value heads.
    heads = laptop.with_value("plan.shape.n_heads", shape.n_kv_heads)
    kv_heads = laptop.with_value("plan.shape.n_kv_heads", shape.n_heads)
    first.add(kv_heads)
    assert second.add(heads) == heads
    assert opened(store, laptop).scenario == heads

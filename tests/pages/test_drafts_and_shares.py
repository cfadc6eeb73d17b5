"""Sessions of several browsers: drafts, merges, and share links that do not edit."""

from collections.abc import Callable

import pytest
import streamlit as st

from finance.company.scenario import Scenario, sample_scenarios
from finance.scenarios.store import ScenarioStore
from pages.parts.session import ScenarioSession

pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture
def store() -> ScenarioStore:
    made = ScenarioStore()
    made.ensure(sample_scenarios())
    return made


@pytest.fixture
def mine(store: ScenarioStore, laptop: Scenario) -> str:
    """Return the id of a scenario of the founder's browser."""
    return store.create(laptop.with_value("name", "Mine"), browser="founder").id


def session_of(browser: str | None, scenario_id: str = "laptop") -> ScenarioSession:
    """Return a new session, as after a reload of the page."""
    sample = ScenarioStore().get("laptop")
    session = ScenarioSession(sample, sample.scenario, browser=browser)
    session.open_stored(scenario_id)
    return session


def set_cash(session: ScenarioSession, usd: int) -> bool:
    return session.change({"company.cash_usd": str(usd)})


def test_a_reload_restores_the_draft_with_its_undo_list(mine: str) -> None:
    session = session_of("founder", mine)
    set_cash(session, 5)
    set_cash(session, 6)
    st.cache_resource.clear()  # as after a restart of the server
    again = session_of("founder", mine)
    assert again.draft.company.cash_usd == 6
    assert again.is_changed
    assert again.restored_at is not None
    again.undo()
    assert again.draft.company.cash_usd == 5
    again.redo()
    assert again.draft.company.cash_usd == 6
    assert session_of("another", mine).draft.company.cash_usd == 24_000


def test_another_scenario_keeps_the_draft_of_the_first(mine: str) -> None:
    session = session_of("founder", mine)
    set_cash(session, 5)
    session.open_stored("startup-1b")
    assert not session.is_changed
    assert session.restored_at is None
    session.open_stored(mine)
    assert session.draft.company.cash_usd == 5


def test_a_discarded_draft_can_be_brought_back(mine: str) -> None:
    set_cash(session_of("founder", mine), 5)
    session = session_of("founder", mine)
    session.discard_draft()
    assert not session.is_changed
    assert session.restored_at is None
    assert not session_of("founder", mine).is_changed
    session.undo()
    assert session.draft.company.cash_usd == 5


def test_saved_changes_are_no_draft_and_undo_goes_on(mine: str) -> None:
    session = session_of("founder", mine)
    set_cash(session, 5)
    session.save("less cash")
    again = session_of("founder", mine)
    assert not again.is_changed
    assert again.restored_at is None
    assert again.stored.version == 2
    again.undo()
    assert again.draft.company.cash_usd == 24_000
    again.save()
    assert again.stored.version == 3


def test_a_save_of_a_sample_makes_a_scenario_of_its_own(store: ScenarioStore) -> None:
    session = session_of("founder")
    set_cash(session, 5)
    session.save("mine now")
    assert session.stored.id not in ("laptop", "startup-1b")
    assert store.get("laptop").version == 1
    assert store.get("laptop").scenario == sample_scenarios()["laptop"]
    assert store.editors(session.stored.id) == {"founder"}
    assert store.history(session.stored.id)[0].note == "mine now"
    assert not session_of("founder").is_changed
    session.undo()
    assert session.draft.company.cash_usd == 24_000


def test_an_earlier_version_comes_back_as_a_draft(mine: str, store: ScenarioStore) -> None:
    session = session_of("founder", mine)
    set_cash(session, 5)
    session.save()
    session.restore_version(1)
    assert session.draft.company.cash_usd == 24_000
    assert store.get(mine).version == 2
    session.undo()
    assert session.draft.company.cash_usd == 5


def test_an_earlier_version_can_be_viewed_without_losing_the_draft(
    mine: str, store: ScenarioStore
) -> None:
    session = session_of("founder", mine)
    set_cash(session, 5)
    session.save()
    set_cash(session, 6)
    session.view_version(1)
    assert session.draft.company.cash_usd == 24_000
    assert not set_cash(session, 7)
    session.save()
    assert store.get(mine).version == 2
    session.leave_version()
    assert session.draft.company.cash_usd == 6
    assert session.stored.version == 2
    session.view_version(1)
    session.restore_version(1)
    assert session.draft.company.cash_usd == 24_000
    session.undo()
    assert session.draft.company.cash_usd == 6


def test_fields_that_one_side_changed_merge_and_others_are_chosen(
    mine: str, store: ScenarioStore
) -> None:
    store.add_editor(mine, "partner")
    first, second = session_of("founder", mine), session_of("partner", mine)
    set_cash(first, 5)
    first.change({"plan.tokens": 10**6})
    first.save()
    set_cash(second, 6)
    second.change({"plan.cluster.n_devices": 1})
    second.save()
    assert second.conflict is not None
    assert second.conflict.current_version == 2
    assert store.get(mine).scenario == first.draft
    second.save_merged({"company.cash_usd": "theirs"}, "merged")
    assert second.conflict is None
    saved = store.get(mine)
    assert saved.version == 3
    assert saved.scenario.company.cash_usd == 5
    assert saved.scenario.plan.tokens == 10**6
    assert saved.scenario.plan.cluster.n_devices == 1
    second.undo()
    assert second.draft.company.cash_usd == 6


def test_a_draft_of_an_older_version_is_restored_with_its_conflict(
    mine: str, store: ScenarioStore
) -> None:
    store.add_editor(mine, "partner")
    set_cash(session_of("founder", mine), 5)
    partner = session_of("partner", mine)
    partner.change({"plan.tokens": 10**6})
    partner.save()
    again = session_of("founder", mine)
    assert again.draft.company.cash_usd == 5
    assert again.conflict is not None
    again.save_merged({})
    assert store.get(mine).scenario.plan.tokens == 10**6
    assert store.get(mine).scenario.company.cash_usd == 5


def test_the_newest_version_can_be_taken_and_undone(mine: str, store: ScenarioStore) -> None:
    store.add_editor(mine, "partner")
    first, second = session_of("founder", mine), session_of("partner", mine)
    set_cash(first, 5)
    first.save()
    set_cash(second, 6)
    second.save()
    second.take_newest()
    assert not second.is_changed
    assert second.conflict is None
    assert second.draft.company.cash_usd == 5
    second.undo()
    assert second.draft.company.cash_usd == 6
    second.save()
    assert store.get(mine).version == 3


def test_a_merge_that_cannot_be_computed_changes_nothing(mine: str, store: ScenarioStore) -> None:
    store.add_editor(mine, "partner")
    first, second = session_of("founder", mine), session_of("partner", mine)
    shape = first.draft.plan.shape
    first.change({"plan.shape.n_kv_heads": shape.n_heads})
    first.save()
    second.change({"plan.shape.n_heads": shape.n_kv_heads})
    second.save()
    before = second.draft
    second.save_merged({})
    assert second.error is not None
    assert second.draft == before
    assert store.get(mine).version == 2


EDITS: dict[str, Callable[[ScenarioSession], object]] = {
    "change": lambda session: session.change({"company.cash_usd": "1"}),
    "form": lambda session: session.change({"company.cash_usd": "1"}, keep_input="if_refused"),
    "replace_draft": lambda session: session.replace_draft(
        session.draft.with_value("name", "Overwritten")
    ),
    "import_toml": lambda session: session.import_toml(
        session.draft.with_value("name", "Overwritten").to_toml().encode(), "file.toml"
    ),
    "apply_calibration": lambda session: session.apply_calibration(None),
    "discard_draft": lambda session: session.discard_draft(),
    "go_to_step": lambda session: session.go_to_step(0),
    "save": lambda session: session.save(),
    "save_merged": lambda session: session.save_merged({}),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("browser", ["investor", None])
def test_a_share_link_shows_and_does_not_edit(
    mine: str, store: ScenarioStore, edit: Callable[[ScenarioSession], object], browser: str | None
) -> None:
    _, token = store.shares.create(mine, page="summary")
    session = session_of(browser)
    session.open_share(token)
    before = session.draft
    assert before.name == "Mine"
    edit(session)
    assert session.draft == before
    assert session.error is not None
    assert "read-only" in str(session.error)
    assert len(store.history(mine)) == 1
    assert store.drafts.changed("investor") == {}


def test_a_shared_view_has_no_trace_of_the_id(mine: str, store: ScenarioStore) -> None:
    _, token = store.shares.create(mine, page="summary")
    session = session_of("investor")
    session.open_share(token)
    assert session.share is not None
    assert mine not in (session.stored.id, session.kept.scenario_id, token)
    assert session.stored.id == f"shared-{session.share.id}"


def test_the_reader_can_make_a_copy_and_edit_that(mine: str, store: ScenarioStore) -> None:
    _, token = store.shares.create(mine, page="summary")
    session = session_of("investor")
    session.open_share(token)
    session.save_copy()
    assert not session.is_read_only
    assert set_cash(session, 1)
    session.save()
    assert store.get(session.stored.id).scenario.company.cash_usd == 1
    assert store.editors(session.stored.id) == {"investor"}
    assert store.get(mine).scenario.company.cash_usd == 24_000


def test_a_link_shows_the_newest_version_or_a_certain_one(mine: str, store: ScenarioStore) -> None:
    _, newest = store.shares.create(mine, page="summary")
    _, first = store.shares.create(mine, page="summary", version=1)
    founder = session_of("founder", mine)
    set_cash(founder, 5)
    founder.save()
    set_cash(founder, 6)
    shown = []
    for token in (newest, first):
        session = session_of("investor")
        session.open_share(token)
        shown.append(session.draft.company.cash_usd)
    assert shown == [5, 24_000]


def test_a_revoked_link_says_so(mine: str, store: ScenarioStore) -> None:
    share, token = store.shares.create(mine, page="summary")
    store.shares.revoke(mine, share.id)
    session = session_of("investor")
    session.open_share(token)
    assert session.share is None
    assert "was revoked" in str(session.error)
    assert token not in str(session.error)


def test_another_browser_of_this_machine_reads_until_it_takes_over(
    mine: str, store: ScenarioStore
) -> None:
    session = session_of("fresh", mine)
    assert session.access == "claim"
    assert not set_cash(session, 1)
    session.save()
    assert store.get(mine).version == 1
    session.claim()
    assert set_cash(session, 1)
    session.save()
    assert store.get(mine).scenario.company.cash_usd == 1
    assert store.editors(mine) == {"founder", "fresh"}


def test_a_browser_of_another_machine_does_not_see_it(
    mine: str, monkeypatch: pytest.MonkeyPatch, store: ScenarioStore
) -> None:
    monkeypatch.setattr("pages.parts.scenarios.stored.is_this_machine", lambda: False)
    session = session_of("stranger", mine)
    assert session.stored.id == "laptop"
    assert "no such scenario" in str(session.error)
    assert session_of("founder", mine).access == "edit"


def test_a_browser_that_becomes_known_late_keeps_its_changes(
    mine: str, store: ScenarioStore
) -> None:
    session = session_of(None)
    set_cash(session, 5)
    assert store.drafts.changed("founder") == {}
    session.know_browser("founder")
    assert session_of("founder").draft.company.cash_usd == 5
    # Another tab of the browser began a draft meanwhile: both changes are kept.
    late = session_of(None)
    late.change({"plan.tokens": 10**6})
    late.know_browser("founder")
    again = session_of("founder")
    assert again.draft.plan.tokens == 10**6
    assert again.draft.company.cash_usd == 5
    assert late.draft == again.draft

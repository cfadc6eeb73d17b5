"""A session's draft has a projection, refused changes lose nothing, and widgets are redrawn."""

from collections.abc import Callable

import pytest

from finance.company.provenance import origin_of
from finance.company.scenario import Scenario, sample_scenarios
from finance.scenarios.store import ScenarioStore, StoredScenario
from pages.parts.session import ScenarioSession

TOO_LARGE = {
    "company.revenue.customers_at_launch": 10**9,
    "company.revenue.price_usd_per_customer_month": "9000000",
}
"""Each value is allowed; together they make a company too large to compute."""


pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture
def stored() -> StoredScenario:
    store = ScenarioStore()
    store.ensure(sample_scenarios())
    return store.get("laptop")


@pytest.fixture
def session(stored: StoredScenario) -> ScenarioSession:
    return ScenarioSession(stored, stored.scenario)


def test_an_edit_that_cannot_be_worked_out_is_refused(
    session: ScenarioSession, stored: StoredScenario
) -> None:
    assert not session.change(TOO_LARGE)
    assert session.error is not None
    assert str(session.error).startswith("company.revenue: ")
    assert session.draft == stored.scenario
    assert not session.kept.steps.earlier
    assert ScenarioStore().get("laptop") == stored


def test_a_file_that_cannot_be_worked_out_is_refused(
    session: ScenarioSession, stored: StoredScenario, laptop: Scenario
) -> None:
    session.import_toml(laptop.with_values(TOO_LARGE).to_toml().encode(), "too-large.toml")
    assert session.error is not None
    assert session.draft == stored.scenario
    session.import_toml(laptop.with_value("name", "Mine").to_toml().encode(), "mine.toml")
    assert session.error is None
    assert session.draft.name == "Mine"


def _undo(session: ScenarioSession, redo: bool = False) -> None:
    session.change({"name": "Mine"}, keep_input="if_accepted")
    session.undo()
    if redo:
        session.revision = 0
        session.redo()


def _leave_version(session: ScenarioSession) -> None:
    session.view_version(1)
    session.revision = 0
    session.leave_version()


CHANGES: dict[str, Callable[[ScenarioSession], object]] = {
    "change": lambda session: session.change({"name": "Mine"}),
    "change_refused": lambda session: session.change({"plan.cluster.n_devices": 0}),
    "form": lambda session: session.change({"name": "Mine"}, keep_input="if_refused"),
    "field_refused": lambda session: session.change(TOO_LARGE, keep_input="if_accepted"),
    "replace_draft": lambda session: session.replace_draft(
        session.draft.with_value("name", "Mine")
    ),
    "apply_calibration": lambda session: session.apply_calibration(None),
    "apply_profile": lambda session: session.apply_profile(None),
    "open": lambda session: session.open(session.stored),
    "open_stored": lambda session: session.open_stored("startup-1b"),
    "open_stored_refused": lambda session: session.open_stored("nope"),
    "undo": _undo,
    "redo": lambda session: _undo(session, redo=True),
    "go_to_step": lambda session: session.go_to_step(0),
    "discard_draft": lambda session: session.discard_draft(),
    "restore_version": lambda session: session.restore_version(1),
    "restore_version_refused": lambda session: session.restore_version(9),
    "view_version": lambda session: session.view_version(1),
    "view_version_refused": lambda session: session.view_version(9),
    "leave_version": _leave_version,
    "save": lambda session: session.save(),
    "save_refused": lambda session: session.save("x" * 501),
    "save_copy": lambda session: session.save_copy(),
    "import_toml": lambda session: session.import_toml(
        session.draft.with_value("name", "Mine").to_toml().encode(), "mine.toml"
    ),
    "change_list": lambda session: session.change_list("company.people", []),
    "change_list_refused": lambda session: session.change_list("company.people", [{}]),
    "drop_errors": lambda session: session.drop_errors(),
    "import_toml_refused": lambda session: session.import_toml(b"[", "bad.toml"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_way_of_changing_the_draft_raises_the_revision(
    session: ScenarioSession, change: Callable[[ScenarioSession], object]
) -> None:
    change(session)
    assert session.revision == 1


def test_every_public_method_is_covered_above() -> None:
    names = {name for name, value in vars(ScenarioSession).items() if callable(value)}
    covered = {name.removesuffix("_refused") for name in CHANGES} | {"refuse", "redraw"}
    covered |= {"change_field", "refuse_field"}  # their widget keeps its input
    covered |= {
        "open_share",
        "know_browser",
        "save_merged",
        "take_newest",
        "claim",
    }  # in test_drafts_and_shares
    assert {name for name in names if not name.startswith("_")} <= covered


def test_an_accepted_field_and_a_refused_form_keep_what_was_typed(
    session: ScenarioSession,
) -> None:
    assert session.change({"name": "Mine"}, keep_input="if_accepted")
    assert not session.change({"plan.cluster.n_devices": 0}, keep_input="if_refused")
    assert session.draft.name == "Mine"
    assert session.error is not None
    assert session.revision == 0


def test_an_edit_is_the_users_and_an_undone_edit_is_not(session: ScenarioSession) -> None:
    session.change({"company.cash_usd": "123"})
    assert origin_of(session.draft.provenance, "company.cash_usd").by == "user"
    session.undo()
    assert session.draft.provenance == {}
    assert not session.is_changed


def test_what_the_app_fills_in_is_a_default(session: ScenarioSession) -> None:
    role = {"title": "Role", "people": 1, "cost_usd_per_month": "8000"}
    people = [person.model_dump(mode="json") for person in session.draft.company.people]
    session.change({"company.people": [*people, role]}, by="default")
    added = f"company.people.{len(people)}"
    assert origin_of(session.draft.provenance, f"{added}.people").by == "default"
    session.change({f"{added}.people": 2})
    assert origin_of(session.draft.provenance, f"{added}.people").by == "user"
    assert origin_of(session.draft.provenance, f"{added}.cost_usd_per_month").by == "default"


def test_an_uploaded_file_is_imported(session: ScenarioSession, laptop: Scenario) -> None:
    session.import_toml(laptop.to_toml().encode(), "laptop.toml")
    assert origin_of(session.draft.provenance, "plan.tokens").by == "imported"
    with_origins = session.draft.to_toml().encode()
    session.change({"plan.tokens": 10**6})
    session.import_toml(with_origins, "laptop.toml")
    assert origin_of(session.draft.provenance, "plan.tokens").by == "imported"


HEADS, KV_HEADS = "plan.shape.n_heads", "plan.shape.n_kv_heads"


def test_a_refused_field_keeps_its_input_and_the_draft_its_value(
    session: ScenarioSession, stored: StoredScenario
) -> None:
    assert not session.change_field(KV_HEADS, 3, "3")
    assert session.draft == stored.scenario
    error = session.errors[KV_HEADS]
    assert (error.typed, error.value, error.error.rule) == ("3", 3, "divisor")
    assert session.revision == 0
    assert session.error is None
    assert session.change_field(KV_HEADS, 4, "4")
    assert not session.errors


def test_two_fields_that_contradict_each_other_are_accepted_together(
    session: ScenarioSession,
) -> None:
    assert not session.change_field(HEADS, 9, "9")
    assert not session.change_field("plan.cluster.n_devices", 0, "0")
    assert set(session.errors) == {HEADS, "plan.cluster.n_devices"}
    assert session.change_field("plan.cluster.n_devices", 2, "2")
    assert not session.change_field(KV_HEADS, 5, "5")
    assert session.change_field(KV_HEADS, 3, "3")
    assert (session.draft.plan.shape.n_heads, session.draft.plan.shape.n_kv_heads) == (9, 3)
    assert not session.errors


def test_an_input_that_became_valid_is_taken(session: ScenarioSession) -> None:
    assert not session.change_field("plan.cluster.n_devices", 0, "0")
    assert not session.change_field(KV_HEADS, 3, "3")
    assert session.change_field(HEADS, 6, "6")
    assert session.draft.plan.shape.n_kv_heads == 3
    assert set(session.errors) == {"plan.cluster.n_devices"}


def test_an_error_names_the_entry_that_it_is_about(session: ScenarioSession) -> None:
    entry = {"name": "Office", "currency": "EUR", "amount_per_month": "5500"}
    assert session.change({"company.spending": [entry | {"currency": "USD"}]})
    assert not session.change_field("company.spending.0.currency", "EUR", "EUR")
    error = session.errors["company.spending.0.currency"]
    assert error.names == {"company.spending.0": "Office"}


@pytest.mark.parametrize("clear", ["undo", "open", "drop_errors", "import_toml"])
def test_refused_inputs_are_dropped_with_the_draft_that_they_were_typed_into(
    session: ScenarioSession, clear: str
) -> None:
    session.change({"name": "Mine"})
    session.change_field(KV_HEADS, 3, "3")
    CHANGES[clear](session)
    assert not session.errors


def test_a_refused_list_is_explained_and_not_tried_again(session: ScenarioSession) -> None:
    assert not session.change_list("company.people", [{"title": "Engineer"}])
    assert session.error is None
    assert session.errors["company.people"].error.rule == "missing"
    assert session.change_field("company.cash_usd", "1", "1")
    assert session.errors["company.people"].error.rule == "missing"
    assert session.change_list("company.people", [])
    assert not session.errors

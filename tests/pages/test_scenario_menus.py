"""Menus of the frame without a browser: scenarios, versions, steps, share links, shared views."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from engine.paths import PROJECT_DIR
from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore
from pages.parts.page_list import PAGES, PAGES_OF_THE_MACHINE
from pages.parts.scenarios.sharing import shared_address
from tests.pages.test_pages import open_menu, open_page, widget

pytestmark = pytest.mark.usefixtures("no_caches")

CASH = "company.cash_usd"


def words(app: AppTest) -> str:
    found = " ".join(element.value for element in [*app.markdown, *app.caption])
    return found.replace("\\", "")


def button(app: AppTest, key: str):
    return app.button(key=key)


def shared_page(scenario_id: str, page: str = "cash", language: str = "en") -> AppTest:
    """Return a page as the reader of a new link to a scenario sees it."""
    _, token = ScenarioStore().shares.create(scenario_id, page=page)
    return with_token(token, page, language)


def with_token(token: str, page: str = "cash", language: str = "en") -> AppTest:
    app = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=30)
    app.query_params["lang"] = language
    app.query_params["share"] = token
    app.run()
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


def test_steps_are_listed_and_any_of_them_is_reached(mine: str) -> None:
    app = open_page("cash", scenario=mine)
    for cash in ("30000", "40000", "50000"):
        widget(app, "text_input", CASH).set_value(cash).run()
    open_menu(app, "undo_steps")
    labels = [element.label for element in app.button if (element.key or "").startswith("step.")]
    assert [label.replace("\\", "") for label in labels] == [
        "Undo: Cash in the bank: $40K → $50K",
        "Undo: Cash in the bank: $30K → $40K",
        "Undo: Cash in the bank: $24K → $30K",
    ]
    button(app, "step.1").click().run()
    assert widget(app, "text_input", CASH).value == "30,000"
    assert not button(app, "redo").disabled
    button(app, "redo").click().run()
    assert widget(app, "text_input", CASH).value == "40,000"
    button(app, "undo").click().run()
    assert widget(app, "text_input", CASH).value == "30,000"


def test_a_version_has_a_note_and_can_be_viewed_and_restored(mine: str) -> None:
    app = open_page("cash", scenario=mine)
    widget(app, "text_input", CASH).set_value("30000").run()
    open_menu(app, "versions_menu")
    (note,) = [
        element for element in app.text_input if (element.key or "").startswith("version_note#")
    ]
    note.set_value("Before the seed round")
    button(app, "save_with_note").click().run()
    assert ScenarioStore().history(mine)[0].note == "Before the seed round"
    assert not app.session_state["versions_menu"]
    open_menu(app, "versions_menu")
    button(app, "open_history").click().run()
    assert "Before the seed round" in words(app)
    assert "Cash in the bank: $24K → $30K" in words(app)
    button(app, "view.1").click().run()
    assert "You are viewing version 1" in words(app)
    assert widget(app, "text_input", CASH).value == "24,000"
    assert widget(app, "text_input", CASH).disabled
    button(app, "leave_version").click().run()
    assert widget(app, "text_input", CASH).value == "30,000"
    assert ScenarioStore().get(mine).version == 2


def test_scenarios_are_opened_duplicated_tagged_deleted_and_restored(mine: str) -> None:
    app = open_page("cash", scenario=mine)
    open_menu(app, "scenario_menu")
    app.multiselect[0].set_value(["seed"]).run()
    assert ScenarioStore().tags() == ["seed"]
    button(app, "duplicate").click().run()
    copy = app.query_params["s"]
    assert copy != mine
    assert ScenarioStore().get(copy).scenario.name.endswith("(copy)")
    open_menu(app, "scenario_menu")
    button(app, "delete").click().run()
    assert copy not in ScenarioStore().names()
    assert app.query_params["s"] != copy
    assert "It is in the trash" in words(app)
    button(app, "undo_delete").click().run()
    assert app.query_params["s"] == copy
    assert "It is in the trash" not in words(app)
    ScenarioStore().delete(mine)
    open_menu(app, "scenario_menu")
    button(app, f"restore_deleted.{mine}").click().run()
    assert app.query_params["s"] == mine
    open_menu(app, "scenario_menu")
    chooser = next(box for box in app.selectbox if (box.key or "").startswith("scenario#"))
    chooser.set_value(copy).run()
    assert app.query_params["s"] == copy
    assert not app.exception


def test_a_sample_can_be_duplicated_and_not_deleted() -> None:
    app = open_page("cash", scenario="laptop")
    open_menu(app, "scenario_menu")
    assert not [element for element in app.button if element.key == "delete"]
    button(app, "duplicate").click().run()
    assert app.query_params["s"] not in ("laptop", "startup-1b")


def test_a_link_is_made_listed_and_revoked(mine: str) -> None:
    app = open_page("funding", scenario=mine)
    open_menu(app, "share_menu")
    button(app, "create_share").click().run()
    link = app.code[0].value
    (share,) = ScenarioStore().shares.of(mine)
    assert (share.page, share.version) == ("funding", None)
    token = parse_qs(urlsplit(link).query)["share"][0]
    assert ScenarioStore().shares.find(token) == share
    assert mine not in link
    assert "1 link works" in words(app)
    reader = with_token(token)
    assert "You are reading a shared scenario until" in words(reader)
    button(app, f"revoke.{share.id}").click().run()
    assert ScenarioStore().shares.of(mine) == []
    assert not app.code
    reader.run()
    assert "was revoked" in reader.error[0].value
    assert "share" not in reader.query_params


def test_the_address_of_a_link_has_the_page_and_the_view_and_no_id() -> None:
    address = "https://plans.example/cash?s=secret-id&tab=statements&lang=zh_Hans&share=old"
    parameters = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    link = urlsplit(shared_address(address, parameters, "new"))
    assert (link.netloc, link.path) == ("plans.example", "/cash")
    found = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert found == {"share": "new", "lang": "en", "currency": "USD", "tab": "statements"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_drawn_for_a_reader_and_none_has_the_id(page, language, mine: str) -> None:
    app = shared_page(mine, page.name, language)
    assert "s" not in app.query_params
    assert app.query_params["share"]
    assert mine not in words(app)
    say = catalog(language)
    if page.name in PAGES_OF_THE_MACHINE:
        assert app.info[0].value == say("share.page_not_shared")
    else:
        assert app.title[0].value == say(page.question_key)
    fields = [
        element
        for kind in (app.text_input, app.selectbox, app.toggle, app.date_input)
        for element in kind
        if (element.key or "").startswith("field.")
    ]
    assert all(element.disabled for element in fields)
    keys = {element.key for element in app.button}
    assert not keys & {"save", "undo", "redo", "save_copy"}


def test_a_readers_edit_is_refused_also_past_the_disabled_field(mine: str) -> None:
    app = shared_page(mine)
    assert not app.session_state["scenario_session"].change({CASH: "1"})
    app.run()
    assert "read-only" in app.error[0].value
    assert widget(app, "text_input", CASH).value == "24,000"
    assert len(ScenarioStore().history(mine)) == 1


def test_the_reader_makes_a_copy_and_edits_it(mine: str) -> None:
    app = shared_page(mine)
    button(app, "make_own_copy").click().run()
    app.run()
    own = app.query_params["s"]
    assert own not in (mine, "laptop", "startup-1b")
    assert "share" not in app.query_params
    widget(app, "text_input", CASH).set_value("1").run()
    button(app, "save").click().run()
    assert ScenarioStore().get(own).scenario.company.cash_usd == 1
    assert ScenarioStore().get(mine).scenario.company.cash_usd == 24_000


def test_a_fresh_browser_with_the_id_reads_until_it_takes_over(
    laptop: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = ScenarioStore().create(laptop, browser="founder").id
    monkeypatch.setattr("pages.parts.session.known_browser", lambda: "investor")
    app = open_page("cash", scenario=owned)
    assert "belongs to another browser" in words(app)
    assert widget(app, "text_input", CASH).disabled
    assert not [element for element in app.button if element.key == "save"]
    assert len(ScenarioStore().history(owned)) == 1
    button(app, "claim").click().run()
    widget(app, "text_input", CASH).set_value("1").run()
    button(app, "save").click().run()
    assert ScenarioStore().get(owned).scenario.company.cash_usd == 1


def test_the_draft_of_a_browser_is_restored_and_can_be_discarded(
    laptop: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = ScenarioStore().create(laptop, browser="founder").id
    monkeypatch.setattr("pages.parts.session.known_browser", lambda: "founder")
    widget(open_page("cash", scenario=owned), "text_input", CASH).set_value("30000").run()
    app = open_page("cash", scenario=owned)
    assert re.search(r"Restored your draft of \d\d:\d\d", words(app))
    assert widget(app, "text_input", CASH).value == "30,000"
    button(app, "discard_draft").click().run()
    assert widget(app, "text_input", CASH).value == "24,000"
    assert "Restored your draft" not in words(app)


def test_conflicts_are_chosen_by_a_click(mine: str, laptop: Scenario) -> None:
    app = open_page("cash", scenario=mine)
    widget(app, "text_input", CASH).set_value("30000").run()
    ScenarioStore().save(mine, 1, laptop.with_values({CASH: "40000", "plan.tokens": 10**6}))
    button(app, "save").click().run()
    assert "1 field was changed on both sides" in words(app)
    assert "Cash in the bank: $24K → $30K" in words(app)
    (choice,) = [
        element
        for element in app.segmented_control
        if (element.key or "").startswith(f"merge.{CASH}")
    ]
    assert "before: $24K" in choice.label.replace("\\", "")
    choice.set_value("theirs").run()
    button(app, "save_merged").click().run()
    saved = ScenarioStore().get(mine)
    assert saved.version == 3
    assert saved.scenario.company.cash_usd == 40_000
    assert saved.scenario.plan.tokens == 10**6

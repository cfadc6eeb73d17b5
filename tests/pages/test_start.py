"""Page Start: a user's own scenario from six questions, templates, an empty one, and imports."""

from __future__ import annotations

import datetime
import io

import pytest
from openpyxl import Workbook
from streamlit.testing.v1 import AppTest

from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.scenarios.store import ScenarioStore
from finance.verdict.register import number_of_own, register
from pages.parts.page_list import PAGES
from pages.parts.start.state import STEPS
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("no_caches")

SAMPLES = {"laptop", "startup-1b"}


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def begin(language: str = "en", product: str = "vertical") -> AppTest:
    return press(open_page("start", language, scenario=None), f"start.template.{product}")


def answer(app: AppTest, path: str, typed: str) -> AppTest:
    (found,) = [
        element for element in app.text_input if (element.key or "").startswith(f"start.{path}#")
    ]
    found.set_value(typed).run()
    assert not app.exception
    return app


def choose(app: AppTest, kind: str, path: str, value: object) -> AppTest:
    (found,) = [
        element
        for element in getattr(app, kind)
        if (element.key or "").startswith(f"start.{path}#")
    ]
    found.set_value(value).run()
    assert not app.exception
    return app


def to_step(app: AppTest, step: str) -> AppTest:
    return press(app, f"start.step.{step}")


def created(app: AppTest) -> Scenario:
    """Create the scenario of the answers, and return it as it is stored."""
    before = set(ScenarioStore().names())
    press(app, "start.create")
    (made,) = set(ScenarioStore().names()) - before
    return ScenarioStore().get(made).scenario


def strip(app: AppTest) -> str:
    """Return the live results as HTML."""
    return next(
        str(item.proto.body) for item in app.get("html") if "start-strip" in item.proto.body
    )


def test_the_first_view_is_a_believable_start_up() -> None:
    app = open_page("summary", scenario=None)
    assert app.query_params["s"] == "startup-1b"


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_six_steps_draw_and_lead_to_a_scenario(language: str) -> None:
    app = begin(language)
    say = catalog(language)
    for step in STEPS:
        assert app.header[0].value == say(f"start.step.{step}.question")
        if step != STEPS[-1]:
            press(app, "start.next")
    scenario = created(app)
    assert scenario.name == say("start.new_name")
    assert scenario.company.people[0].title == say("start.role.founder")
    assert project_scenario(scenario).forecast.fits


@pytest.mark.parametrize("product", ["vertical", "api", "open_weights", "on_premise"])
def test_a_template_can_be_taken_as_it_is(product: str) -> None:
    scenario = created(begin(product=product))
    assert scenario.company.revenue_lines
    assert scenario.company.next_round is not None


def test_answers_reach_the_scenario_and_are_the_users() -> None:
    app = answer(begin(), "name", "LexBridge")
    choose(to_step(app, "size"), "selectbox", "model.base_model", "Qwen2.5-3B")
    answer(app, "model.tokens", "30B")
    to_step(app, "sales")
    answer(app, "sales.0.price", "42K")
    answer(app, "sales.0.growth_share", "6%")
    to_step(app, "money")
    answer(app, "money.cash_usd", "$2.2M")
    answer(app, "money.founders", "Ann, Bo")
    scenario = created(app)
    line = scenario.company.revenue_lines[0]
    assert scenario.name == scenario.company.name == "LexBridge"
    assert scenario.plan.tokens == 30_000_000_000
    assert scenario.plan.shape.n_layers == 36
    assert str(line.price_per_year) == "42000"  # type: ignore[union-attr]
    assert float(line.adoption.growth_share_per_month) == 0.06  # type: ignore[union-attr]
    assert scenario.company.cash_usd == 2_200_000
    assert scenario.company.capital is not None
    assert [event.holder for event in scenario.company.capital.events[:2]] == ["Ann", "Bo"]  # type: ignore[union-attr]
    mine = {path for path, origin in scenario.provenance.items() if origin.by == "user"}
    assert {"plan.tokens", "plan.shape", "company.cash_usd"} <= mine
    assert "company.people.0.cost_usd_per_month" not in mine


def test_answers_survive_going_back_and_other_views() -> None:
    app = answer(to_step(begin(), "money"), "money.cash_usd", "900k")
    press(to_step(app, "make"), "start.leave")
    press(app, "start.resume")
    to_step(app, "money")
    (cash,) = [box for box in app.text_input if (box.key or "").startswith("start.money.cash")]
    assert cash.value == "900,000"


def test_answers_survive_a_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.session.known_browser", lambda: "a" * 64)
    answer(to_step(begin(), "money"), "money.cash_usd", "900k")
    app = open_page("start", scenario=None)
    assert app.header[0].value == "What money is there?"
    (cash,) = [box for box in app.text_input if (box.key or "").startswith("start.money.cash")]
    assert cash.value == "900,000"
    press(app, "start.create")
    assert open_page("start", scenario=None).button(key="start.new")


def test_a_changed_answer_moves_the_results() -> None:
    app = to_step(begin(), "money")
    before = strip(app)
    assert strip(answer(app, "money.cash_usd", "900k")) != before


def test_the_count_of_own_assumptions_is_that_of_the_register() -> None:
    app = answer(to_step(begin(), "money"), "money.cash_usd", "900k")
    shown = next(element.value for element in app.caption if "assumptions" in element.value)
    own, stated = number_of_own(register(created(app)))
    assert shown.startswith(f"{own} of {stated} assumptions")


def test_a_refused_value_is_marked_and_nothing_changes() -> None:
    app = to_step(begin(), "money")
    before = strip(app)
    answer(app, "money.cash_usd", "a lot")
    assert any("must be a number" in element.value for element in app.markdown)
    assert app.button(key="start.create").disabled
    assert strip(app) == before
    answer(app, "money.cash_usd", "")
    assert not app.button(key="start.create").disabled


def test_impossible_answers_are_explained_in_the_strip() -> None:
    app = to_step(begin(), "size")
    choose(app, "selectbox", "model.base_model", "Qwen2.5-72B")
    answer(to_step(app, "compute"), "compute.devices", "1")
    assert "compute.devices: 1" in app.warning[0].value
    assert app.button(key="start.create").disabled


def test_another_kind_of_company_sells_other_things() -> None:
    app = begin()
    choose(app, "radio", "product", "on_premise")
    scenario = created(app)
    kinds = [line.kind for line in scenario.company.revenue_lines]  # type: ignore[union-attr]
    assert kinds == ["enterprise", "services"]


def test_role_chips_and_pasted_rows_add_people() -> None:
    app = press(to_step(begin(), "people"), "start.add.operations")
    (box,) = [area for area in app.text_area if (area.key or "").startswith("start.pasted#")]
    box.set_value("Title\tSalary\tStart\nDesigner\t96000\t3\nGhost\tmany\t3").run()
    press(app, "start.paste_add")
    assert any("Row 3" in element.value for element in app.markdown)
    people = created(app).company.people
    assert [person.title for person in people[-2:]] == ["Operations", "Designer"]
    assert people[-1].cost_usd_per_month == 8_000


def test_an_empty_scenario_opens_on_every_page() -> None:
    app = open_page("start", scenario=None)
    before = set(ScenarioStore().names())
    press(app, "start.empty")
    (made,) = set(ScenarioStore().names()) - before
    company = ScenarioStore().get(made).scenario.company
    assert (company.people, company.revenue_lines, company.training_events) == ((), (), ())
    for page in PAGES:
        open_page(page.name, scenario=made)


@pytest.mark.parametrize("product", ["vertical", "open_weights"])
def test_a_new_scenario_opens_on_every_page(product: str) -> None:
    before = set(ScenarioStore().names())
    created(begin(product=product))
    (made,) = set(ScenarioStore().names()) - before - SAMPLES
    for page in PAGES:
        open_page(page.name, scenario=made)


def test_my_scenarios_are_cards_without_the_practice_model() -> None:
    created(begin())
    app = open_page("start", scenario=None)
    opened = [button.key for button in app.button if (button.key or "").startswith("start.open.")]
    assert "start.open.startup-1b" in opened
    assert "start.open.laptop" not in opened
    assert len(opened) == 2


def sheet(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def imported(raw: bytes, name: str, kind: str = "people") -> AppTest:
    app = press(open_page("start", scenario=created_id()), "start.import")
    if kind != "people":
        app.segmented_control(key="import.kind").set_value(kind).run()
    app.file_uploader(key=f"import.file.{kind}").set_value((name, raw, "text/csv")).run()
    assert not app.exception
    return app


def created_id() -> str:
    before = set(ScenarioStore().names())
    created(begin())
    (made,) = set(ScenarioStore().names()) - before - SAMPLES
    return made


def test_people_are_imported_from_a_workbook_as_one_undoable_change() -> None:
    raw = sheet(
        [
            ["Role", "Annual salary", "Start date"],
            ["Data engineer", 120_000, datetime.datetime(2027, 6, 1)],
            ["Broken", "lots", None],
        ]
    )
    app = imported(raw, "team.xlsx")
    assert any("Row 3: Annual salary: lots" in element.value for element in app.code)
    session = app.session_state["scenario_session"]
    before = session.draft
    press(app, "import.apply")
    session = app.session_state["scenario_session"]
    assert session.draft.company.people[:-1] == before.company.people
    assert session.draft.company.people[-1].cost_usd_per_month == 10_000
    added = f"company.people.{len(before.company.people)}"
    assert session.draft.provenance[added].by == "imported"
    session.undo()
    assert session.draft == before


def test_columns_can_be_mapped_by_hand() -> None:
    app = imported(b"Wer,Was kostet es\nKoch,5000\n", "team.csv")
    assert app.warning
    for field, column in (("title", "Wer"), ("monthly_cost", "Was kostet es")):
        (box,) = [
            box
            for box in app.selectbox
            if (box.key or "").startswith(f"import.column.people.{field}")
        ]
        box.set_value(column).run()
    press(app, "import.apply")
    people = app.session_state["scenario_session"].draft.company.people
    assert (people[-1].title, people[-1].cost_usd_per_month) == ("Koch", 5_000)


def test_a_file_that_is_no_table_is_refused_in_one_line() -> None:
    app = imported(b"\x00\x01\x02", "team.csv")
    assert "\n" not in app.error[0].value
    assert "CSV or XLSX" in app.error[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_calibrate_offers_the_practice_model(language: str) -> None:
    app = open_page("calibrate", language, scenario="startup-1b")
    press(app, "calibrate.practise")
    assert app.session_state["scenario_session"].stored.id == "laptop"
    assert not [button for button in app.button if button.key == "calibrate.practise"]

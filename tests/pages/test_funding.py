"""The page Funding without a browser: its answer, events, the exit, and exchange."""

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.capital.ocf.package import MANIFEST
from finance.scenarios.store import ScenarioStore
from tests.pages.answers import answers
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("no_caches")

SAMPLE_OCF = Path(__file__).parent.parent / "finance" / "capital" / "sample_ocf"


def page(scenario: str = "startup-1b", language: str = "en") -> AppTest:
    return open_page("funding", language, scenario)


def field(app: AppTest, kind: str, name: str, form: str):
    """Return a field of a form; ``form`` is such as ``safe.new`` or ``priced_round.6``."""
    pattern = re.compile(rf"event\.{re.escape(form)}#\d+\.{re.escape(name)}$")
    (found,) = [element for element in getattr(app, kind) if pattern.match(element.key or "")]
    return found


def answer(app: AppTest) -> str:
    (found,) = answers(app)
    return found


def submit(app: AppTest, form: str) -> None:
    kind, place = form.split(".")
    name = "new" if place == "new" else "edit"
    app.button(key=f"submit.{kind}.{name}").click().run()
    assert not app.exception


def add_instead(app: AppTest) -> None:
    if app.segmented_control(key="event_doing#en").value != "add":
        app.segmented_control(key="event_doing#en").set_value("add").run()


def choose_kind(app: AppTest, kind: str) -> None:
    add_instead(app)
    (box,) = [element for element in app.selectbox if (element.key or "").startswith("add_kind#")]
    box.set_value(kind).run()


def uploader(app: AppTest):
    (found,) = [element for element in app.file_uploader if (element.key or "").startswith("ocf#")]
    return found


@pytest.mark.parametrize(("scenario", "language"), [("laptop", "zh_Hans"), ("startup-1b", "en")])
def test_it_answers_its_question_with_numbers(scenario: str, language: str) -> None:
    app = page(scenario, language)
    assert app.title[0].value == catalog(language)("funding.question")
    assert len(re.findall(r"\d+(\.\d+)?\\?%", answer(app))) >= 3
    assert 0 < len(app.metric) <= 5


def test_the_sample_s_round() -> None:
    app = page()
    assert "Raise $6M at a pre-money valuation of $24M in 2028-02" in answer(app)
    values = [element.value for element in app.metric]
    assert values[:4] == ["$26M", "88.9%", "53.1%", "40.3%"]
    table = app.table[0].value.to_string()
    assert r"its cap of \$15\,000\,000 decided" in table
    gets = app.table[1].value
    assert set(gets.iloc[:, 0]) >= {"Jonas Rey", "Meridian Growth"}


def test_an_edited_round_moves_the_answer_and_undo_brings_it_back() -> None:
    app = page()
    before = answer(app)
    field(app, "text_input", "new_money", "priced_round.6").set_value("8M")
    submit(app, "priced_round.6")
    assert "Raise $8M at a pre-money valuation of $24M" in answer(app)
    assert "vs saved" in app.metric[2].delta
    app.button(key="undo").click().run()
    assert answer(app) == before


def test_a_bad_event_is_one_line_and_changes_nothing() -> None:
    app = page()
    before = answer(app)
    choose_kind(app, "safe")
    field(app, "text_input", "amount", "safe.new").set_value("5M")
    field(app, "text_input", "cap", "safe.new").set_value("4M")
    submit(app, "safe.new")
    line = app.error[0].value
    assert all(part in line for part in ("company.capital.events", "cap", "4000000", "5,000,000"))
    assert "\n" not in line
    assert answer(app) == before
    assert ScenarioStore().get("startup-1b").version == 1
    assert field(app, "text_input", "cap", "safe.new").value == "4M"  # kept to correct


def test_what_is_added_is_saved_with_its_scenario() -> None:
    app = page()
    choose_kind(app, "note")
    field(app, "text_input", "amount", "note.new").set_value("250K")
    field(app, "text_input", "rate", "note.new").set_value("7.5")
    field(app, "text_input", "holder", "note.new").set_value("Bridge")
    field(app, "text_input", "name", "note.new").set_value("NOTE-9")
    submit(app, "note.new")
    assert not app.error
    app.button(key="save").click().run()
    capital = ScenarioStore().get(app.query_params["s"]).scenario.company.capital
    (note,) = [event for event in capital.events if event.kind == "note"]
    assert (note.holder, note.amount, note.rate) == ("Bridge", 250_000, Decimal("0.075"))
    assert note.planned


def test_forms_start_with_something_that_can_happen() -> None:
    app = page()
    for kind in ("option_grant", "stock_issue"):
        choose_kind(app, kind)
        submit(app, f"{kind}.new")
        assert not app.error
    assert any("Draft kept" in element.value for element in app.markdown)


def test_a_company_without_a_cap_table_gets_one_by_its_first_edit() -> None:
    app = page("laptop")
    assert "no cap table yet" in "".join(element.value for element in app.caption)
    field(app, "text_input", "pre_money", "priced_round.1").set_value("2.85M")
    submit(app, "priced_round.1")
    assert not app.error
    assert "at a pre-money valuation of $2.85M" in answer(app)
    app.button(key="save").click().run()
    company = ScenarioStore().get(app.query_params["s"]).scenario.company
    assert company.equity_round is None
    assert company.next_round.pre_money_usd == 2_850_000


def test_without_rounds_it_says_so() -> None:
    app = page("laptop")
    app.button(key="remove_event").click().run()
    assert not app.exception
    assert "No priced round is planned" in answer(app)
    app.button(key="remove_event").click().run()
    assert not app.exception
    assert [element.label for element in app.metric] == ["Planned to raise", "Founders own today"]


def test_the_sale_s_value_is_checked() -> None:
    app = page()
    before = app.metric[4].value
    app.text_input(key="exit_value.startup-1b").set_value("400M").run()
    assert app.metric[4].value != before
    app.text_input(key="exit_value.startup-1b").set_value("a lot").run()
    assert "a lot" in app.error[0].value
    assert app.metric[4].value == before


def test_a_package_becomes_the_beginning() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in SAMPLE_OCF.glob("*.json"):
            archive.write(path, path.name)
    assert MANIFEST in zipfile.ZipFile(packed).namelist()
    app = page()
    uploader(app).set_value(("table.zip", packed.getvalue(), "application/zip")).run()
    assert not app.exception
    assert not app.error
    assert r"The founders own" in answer(app)
    app.button(key="save").click().run()
    capital = ScenarioStore().get(app.query_params["s"]).scenario.company.capital
    assert {holding.holder for holding in capital.opening.holdings} >= {
        "Ida Example",
        "Omar Example",
    }
    assert [event.series for event in capital.events] == ["Seed", "Series A"]


def test_what_is_no_package_is_refused() -> None:
    app = page()
    uploader(app).set_value(("table.zip", b"PK no", "application/zip")).run()
    assert not app.exception
    assert "ocf.zip" in app.error[0].value
    assert app.button(key="undo").disabled

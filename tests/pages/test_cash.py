"""The page Cash without a browser: cash, statements, and indicators."""

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.metrics.statement_files import statements_of
from finance.scenarios.store import ScenarioStore
from tests.pages.answers import answer
from tests.pages.test_pages import open_page, widget
from tests.pages.test_revenue import draft_of

pytestmark = pytest.mark.usefixtures("no_caches")


def statement(app: AppTest):
    line = catalog(app.session_state["language"])("statement.line")
    return next(element.value for element in app.dataframe if line in element.value)


def test_the_answer_and_which_runway_is_which() -> None:
    app = open_page("cash")
    assert answer(app).startswith(
        "Without a round the cash is used up after 11.5 months; with $150K in month 9"
    )
    labels = [metric.label for metric in app.metric]
    assert labels[:3] == ["Runway", "With the round", "Runway, trailing"]
    assert "in month 8, at the net burn of the three months before" in {
        element.value for element in app.caption
    }


def test_a_company_that_lasts_says_so(laptop: Scenario) -> None:
    rich = laptop.with_value("company.cash_usd", "9000000")
    app = open_page("cash", scenario=ScenarioStore().create(rich).id)
    assert answer(app) == "The cash lasts more than 36 months, even without a round."


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_statements_open_up(everything: str, language: str) -> None:
    text = catalog(language)
    app = open_page("cash", language, everything, tabs={"cash": "statements"})
    assert list(statement(app).columns) == [text("statement.line"), *map(str, range(2027, 2032))]
    closed = len(statement(app))
    app.toggle(key="statement.opened").set_value(True).run()
    assert not app.exception
    assert len(statement(app)) > closed
    app.segmented_control(key=f"period.{language}").set_value("quarter").run()
    assert list(statement(app).columns)[1:3] == ["2027-Q1", "2027-Q2"]
    for name in ("cash_flow", "operating_cash", "balance_sheet"):
        app.segmented_control(key=f"statement.{language}").set_value(name).run()
        assert not app.exception
        assert len(statement(app)) > 5


def test_the_figures_of_a_statement_are_those_of_the_books(laptop: Scenario) -> None:
    revenue = (
        statement(open_page("cash", tabs={"cash": "statements"})).set_index("USD").loc["Revenue"]
    )
    cents = statements_of(project_scenario(laptop).books)["income_statement"]["revenue"][0]
    assert revenue["2028"] == round(cents[12:24].sum() / 100)


def test_every_indicator_stands_there_with_its_definition() -> None:
    app = open_page("cash", tabs={"cash": "indicators"})
    table = next(element.value for element in app.dataframe if "indicator" in element.value)
    assert list(table.columns) == ["indicator", "month 12", "month 24", "month 36"]
    assert "Rule of 40" in set(table["indicator"])
    definitions = " ".join(element.value for element in app.markdown)
    assert "Feld 2015" in definitions
    assert "Skok" in definitions


def test_money_can_be_added_and_is_marked() -> None:
    app = open_page("cash")
    app.button(key="add.company.inflows.only").click().run()
    assert not app.exception
    assert not app.error
    widget(app, "text_input", "company.inflows.0.amount_usd").set_value("5000").run()
    assert draft_of(app).company.inflows[0].amount_usd == 5000
    app.button(key="add.company.loans.only").click().run()
    assert not app.exception
    assert not app.error


def test_tax_is_switched_on_and_off() -> None:
    app = open_page("cash")

    def switch():
        (found,) = [
            element for element in app.toggle if element.key.startswith("part.company.tax#")
        ]
        return found

    switch().set_value(True).run()
    assert draft_of(app).company.tax is not None
    widget(app, "text_input", "company.tax.income_share").set_value("30").run()
    assert not app.error
    switch().set_value(False).run()
    assert draft_of(app).company.tax is None

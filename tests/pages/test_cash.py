"""The page Cash without a browser: cash, statements, and indicators."""

import pytest

from engine.text import catalog
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.metrics.statement_files import statements_of
from finance.scenarios.store import ScenarioStore
from tests.pages.answers import answer
from tests.pages.tables import html_tables
from tests.pages.test_pages import open_page, widget
from tests.pages.test_revenue import draft_of

pytestmark = pytest.mark.usefixtures("no_caches")


def test_the_answer_and_which_runway_is_which() -> None:
    app = open_page("cash")
    assert answer(app).startswith(
        "Without a round the cash is used up after 11.5 months; with $150K in month 9"
    )
    labels = [metric.label for metric in app.metric]
    assert labels[:3] == ["Runway", "With the round", "Runway, trailing, 3 months to month 8"]


def test_a_company_that_lasts_says_so(laptop: Scenario) -> None:
    rich = laptop.with_value("company.cash_usd", "9000000")
    app = open_page("cash", scenario=ScenarioStore().create(rich).id)
    assert answer(app) == "The cash lasts more than 36 months, even without a round."


@pytest.mark.parametrize(("language", "unit"), [("en", "USD"), ("zh_Hans", "美元")])
def test_statements_open_from_totals_to_accounts(everything: str, language: str, unit: str) -> None:
    say = catalog(language)
    app = open_page("cash", language, everything, tabs={"cash": "statements"})
    (table,) = html_tables(app)
    assert table.rows[0] == [unit, *map(str, range(2027, 2032))]
    assert table.n_open == 0
    names = {row[0]: kind for row, kind in zip(table.rows, table.kinds, strict=True)}
    assert names[say("statement_group.sales")] == "group"
    assert names[say("account.marketing")] == "account"
    assert names[say("account.operating_profit")] == "total"
    app.toggle(key="statement.opened").set_value(True).run()
    assert html_tables(app)[0].n_open > 4
    app.segmented_control(key=f"period.{language}").set_value("quarter").run()
    assert html_tables(app)[0].rows[0][1:3] == ["2027-Q1", "2027-Q2"]
    for name in ("cash_flow", "operating_cash", "balance_sheet"):
        app.segmented_control(key=f"statement.{language}").set_value(name).run()
        assert not app.exception
        assert "total" in html_tables(app)[0].kinds


def test_the_figures_of_a_statement_are_those_of_the_books(laptop: Scenario) -> None:
    (table,) = html_tables(open_page("cash", tabs={"cash": "statements"}))
    income = statements_of(project_scenario(laptop).books)["income_statement"]
    revenue, general = (
        round(sum(income[line][0][12:24].sum() for line in lines) / 100)
        for lines in (("revenue",), ("general_people", "other_costs"))
    )
    assert table.row("Revenue")[1] == f"{revenue:,}"
    assert table.row("General and administrative")[1] == f"-{general:,}"


def test_statements_follow_the_display_currency(laptop: Scenario) -> None:
    (usd,) = html_tables(open_page("cash", tabs={"cash": "statements"}))
    (cny,) = html_tables(open_page("cash", tabs={"cash": "statements"}, currency="CNY"))
    assert cny.rows[0][0] == "CNY"
    in_usd, in_cny = (int(table.row("Revenue")[1].replace(",", "")) for table in (usd, cny))
    assert in_cny == pytest.approx(6.652882 * in_usd, rel=1e-4)


def test_every_indicator_is_there_with_its_definition_and_trend() -> None:
    app = open_page("cash", tabs={"cash": "indicators"})
    (table,) = html_tables(app)
    assert table.rows[0] == ["indicator", "to month 12", "to month 24", "to month 36"]
    assert "section" in table.kinds
    text = " ".join(row[0] for row in table.rows)
    assert "Rule of 40 (12 months)" in text
    assert "Feld 2015" in text
    assert "Skok" in text
    (body,) = [element.proto.body for element in app.get("html") if "<table" in element.proto.body]
    assert body.count("data:image/svg+xml") > 15


def test_money_can_be_added_and_is_marked() -> None:
    app = open_page("cash", tabs={"cash": "money"})
    app.button(key="add.company.inflows").click().run()
    assert not app.exception
    assert not app.error
    widget(app, "text_input", "company.inflows.0.amount_usd").set_value("5000").run()
    assert draft_of(app).company.inflows[0].amount_usd == 5000
    app.button(key="entry_done").click().run()
    app.button(key="add.company.loans").click().run()
    assert not app.exception
    assert not app.error


def test_tax_is_switched_on_and_off() -> None:
    app = open_page("cash", tabs={"cash": "tax"})

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

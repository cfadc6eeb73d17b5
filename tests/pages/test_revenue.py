"""The pages Revenue and Costs without a browser: revenue lines are added, edited and removed."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.company.defaults import kinds_of
from finance.company.scenario import Scenario
from tests.pages.answers import answer
from tests.pages.test_pages import open_page, refusal, widget

pytestmark = pytest.mark.usefixtures("no_caches")

LINE = "company.revenue_lines.0"


def compute_options(app: AppTest):
    """Return the table that compares options for compute."""
    return next(element.value for element in app.dataframe if "way" in element.value)


def draft_of(app: AppTest) -> Scenario:
    return app.session_state["scenario_session"].draft


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_company_with_everything_is_drawn(everything: str, language: str) -> None:
    app = open_page("revenue", language, everything)
    assert "ARR" in answer(app)
    assert answer(app).count("×") == 1  # what a customer brings
    assert len(app.metric) == 5
    assert all(metric.help for metric in app.metric)
    assert len(app.get("plotly_chart")) == 1


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("tab", ["all", "people", "training", "compute", "spending"])
def test_the_costs_of_a_company_with_everything_are_drawn(
    everything: str, language: str, tab: str
) -> None:
    app = open_page("costs", language, everything, tabs={"costs": tab})
    assert not app.error
    assert answer(app)
    if tab == "all":
        table = next(element.proto.body for element in app.get("html") if "all-costs" in
                     element.proto.body)  # fmt: skip
        assert table.count("<tr>") > 12
        assert "None" not in table
    if tab == "compute":
        assert compute_options(app)["way"][0] == catalog(language)("way.as_planned")


def test_a_line_is_added_edited_and_taken_away() -> None:
    app = open_page("revenue")
    before = app.metric[0].value
    app.menu_button(key="add.company.revenue_lines").click("api_tokens").run()
    assert not app.exception
    assert not app.error
    assert app.metric[0].value != before
    widget(app, "text_input", f"{LINE}.usage.output_tokens_per_month").set_value("80M").run()
    assert draft_of(app).company.revenue_lines[0].usage.output_tokens_per_month == 80 * 10**6
    widget(app, "text_input", f"{LINE}.prices.change_share_per_year").set_value("-12.5").run()
    prices = draft_of(app).company.revenue_lines[0].prices
    assert prices.change_share_per_year == Decimal("-0.125")
    app.button(key="entry_drawer.entries.remove").click().run()
    assert draft_of(app).company.revenue_lines == ()
    assert app.metric[0].value == before
    app.button(key="undo").click().run()
    assert len(draft_of(app).company.revenue_lines) == 1


def test_lines_of_another_kind_have_other_fields() -> None:
    for page, path, kinds in (
        ("revenue", "company.revenue_lines", kinds_of("revenue_lines")),
        ("costs", "company.compute.contracts", ("gpu_backed_debt",)),
    ):
        app = open_page(page, "zh_Hans", tabs={"costs": "compute"})
        for number, kind in enumerate(kinds):
            app.menu_button(key=f"add.{path}").click(kind).run()
            assert not app.exception
            assert not app.error
            assert widget(app, "text_input", f"{path}.{number}.name").value


def test_who_comes_can_follow_another_curve() -> None:
    app = open_page("revenue")
    app.menu_button(key="add.company.revenue_lines").click("api_tokens").run()
    (curve,) = [
        element for element in app.selectbox if element.key.startswith(f"kind.{LINE}.adoption#")
    ]
    curve.set_value("bass").run()
    assert not app.error
    assert widget(app, "text_input", f"{LINE}.adoption.imitation_per_year").value == "0.4"


def test_what_is_not_allowed_is_one_line_and_changes_nothing() -> None:
    app = open_page("revenue")
    app.menu_button(key="add.company.revenue_lines").click("subscription").run()
    path = f"{LINE}.conversion_share_per_month"
    widget(app, "text_input", path).set_value("99").run()
    assert not app.exception
    assert "must be at most 92%" in refusal(app, path)
    assert widget(app, "text_input", path).value == "99"
    widget(app, "selectbox", f"{LINE}.currency").set_value("EUR").run()
    company = draft_of(app).company
    assert company.revenue_lines[0].currency == "EUR"
    assert company.exchange_rates["EUR"] == Decimal("1.1172")  # of the ECB, with its date


def test_nothing_sold_is_said() -> None:
    app = open_page("revenue")
    (switch,) = [
        element for element in app.toggle if element.key.startswith("part.company.revenue#")
    ]
    switch.set_value(False).run()
    assert not app.exception
    assert "Nothing is sold by month 36" in answer(app)


def test_more_devices_move_the_ways() -> None:
    app = open_page("costs", scenario="startup-1b", tabs={"costs": "compute"})
    before = compute_options(app).set_index("way")["cash_at_end"]
    app.number_input(key="ways.devices.64").set_value(8).run()
    after = compute_options(app).set_index("way")["cash_at_end"]
    assert after["all on demand"] == before["all on demand"]
    assert after["purchase"] != before["purchase"]

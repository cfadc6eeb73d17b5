"""The summary states the verdict, its figures, the strongest assumptions, and mends."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.scenarios.store import ScenarioStore
from finance.verdict.checks import checks
from finance.verdict.drivers import drivers
from finance.verdict.verdict import verdict
from pages.parts.summary.drivers import SHOWN
from pages.parts.summary.wording import check_in_words, rules_in_words, verdict_in_words
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("no_caches")


def opened(scenario: Scenario, language: str = "en") -> AppTest:
    return open_page("summary", language, ScenarioStore().create(scenario).id)


def shown(app: AppTest) -> str:
    texts = [str(element.value).replace("\\", "") for element in app.markdown]
    return "\n".join([*texts, *(re.sub("<[^>]+>", "", part) for part in html_parts(app))])


def html_parts(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html")]


def bars(app: AppTest) -> str:
    return next(
        element.proto.body for element in app.get("html") if "drivers" in element.proto.body
    )


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_verdict_is_the_first_sentence(startup: Scenario, language: str) -> None:
    app, say = opened(startup, language), catalog(language)
    found = verdict(checks(project_scenario(startup)))
    assert verdict_in_words(say, found) in shown(app)
    assert say("verdict.fundable") in shown(app)


def test_a_plan_that_fails_says_why(laptop: Scenario) -> None:
    app = opened(laptop)
    assert "Not yet: the burn multiple is 7.4 in the first 12 months after the launch" in shown(app)


def test_four_figures(startup: Scenario) -> None:
    app = opened(startup)
    values = {metric.label: metric.value for metric in app.metric}
    assert list(values) == ["Runway", "Raise with buffer", "ARR", "Founders keep"]
    assert values["Runway"] == "20.8 months"
    assert values["ARR"] == "$9.33M"
    assert values["Founders keep"] == "40.1%"


def test_the_five_strongest_assumptions_are_bars(startup: Scenario) -> None:
    table, found = bars(opened(startup)), drivers(startup)
    assert table.count("<tr>") == SHOWN + 1
    strongest = found.strongest(SHOWN)
    assert "Harbor 3B → Start" in table
    ends = [strongest[0].at_low.runway_months or 0, strongest[0].at_high.runway_months or 0]
    assert f"{min(ends):.1f} – {max(ends):.1f}" in table


def test_names_in_bars_are_not_html(startup: Scenario) -> None:
    named = startup.with_value("company.training_events.1.name", "<img src=x onerror=alert(1)>")
    assert "<img" not in bars(opened(named))


def test_bars_show_the_lowest_cash_where_the_cash_never_ends(startup: Scenario) -> None:
    table = bars(opened(startup.with_value("company.cash_usd", "90000000")))
    assert "Lowest cash" in table
    assert re.search(r"\$[\d.]+M – \$[\d.]+M", table)


def test_a_mend_changes_the_plan_and_can_be_undone(laptop: Scenario) -> None:
    app = opened(laptop)
    assert app.button(key="mend.cash_before_round").label == "Raise in month 6"
    app.button(key="mend.cash_before_round").click().run()
    assert not app.exception
    session = app.session_state["scenario_session"]
    assert session.draft.company.equity_round.month == 6
    assert "mend.cash_before_round" not in {button.key for button in app.button}
    app.button(key="undo").click().run()
    assert app.session_state["scenario_session"].draft == laptop


def test_a_layout_that_does_not_fit_is_mended_with_one_click(startup: Scenario) -> None:
    app = opened(startup.with_value("plan.layout.micro_batch_sequences", 64))
    assert "and a device has 80 GB" in shown(app)
    app.button(key="mend.fits").click().run()
    assert not app.exception
    assert "mend.fits" not in {button.key for button in app.button}
    assert project_scenario(app.session_state["scenario_session"].draft).forecast.fits


def test_actions_lead_to_the_pages_of_the_checks(startup: Scenario) -> None:
    found = verdict(checks(project_scenario(startup)))
    pages = [check.mend.page for check in (*found.failed, *found.cautions) if check.mend]
    links = [link.proto.page for link in opened(startup).get("page_link")]
    assert links == [*pages, "assumptions", "compare"][:3]
    assert links[0] == "calibrate"


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_check_has_its_sentence_and_rules(
    startup: Scenario, laptop: Scenario, language: str
) -> None:
    say = catalog(language)
    for scenario in (
        startup,
        laptop,
        laptop.with_value("company.revenue.price_usd_per_customer_month", "0.02"),
        laptop.with_value("company.equity_round.amount_usd", "3000"),
        laptop.with_value("company.equity_round.month", 14),
        startup.with_value("company.revenue_lines", []),
        startup.with_value("company.capital.events.5.planned", True),
        startup.with_value("company.loans.0.covenants.minimum_cash_usd", "90000000"),
        startup.with_value("plan.layout.micro_batch_sequences", 64),
    ):
        for check in checks(project_scenario(scenario)):
            sentence = check_in_words(say, check)
            assert "{" not in sentence + rules_in_words(say, check)
            assert len(sentence) < 160

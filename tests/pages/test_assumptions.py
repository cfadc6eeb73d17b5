"""The page Assumptions: every input with its origin and effect, filters, and labels."""

import pytest

from engine.text import catalog
from finance.company.scenario import Scenario
from finance.verdict.drivers import drivers
from finance.verdict.inputs import scenario_inputs
from finance.verdict.ranges import InputKind, input_ranges
from finance.verdict.register import register
from pages.parts.assumptions.table import range_basis
from pages.parts.field_words import pattern_of
from pages.parts.input_words import input_page, input_place, range_in_words, unit_in_words
from pages.parts.page_list import PAGES
from tests.finance.companies import EVERYTHING
from tests.pages.test_pages import open_page, widget

pytestmark = pytest.mark.usefixtures("no_caches")


def table(app):
    return app.dataframe[0].value


def test_inputs_are_sorted_by_what_they_move(startup: Scenario) -> None:
    app = open_page("assumptions", scenario="startup-1b")
    frame = table(app)
    assert len(frame) == sum(item.is_stated for item in scenario_inputs(startup))
    moves = frame["moves"].dropna().tolist()
    assert moves == sorted(moves, reverse=True)
    strongest = drivers(startup).drivers[0]
    assert moves[0] == round(strongest.runway_spread_months, 2)
    assert frame["input"].iloc[0] == "Research engineers · 研究工程师 → People"


def test_the_answer_counts_own_values() -> None:
    app = open_page("cash", scenario="laptop")
    widget(app, "text_input", "company.cash_usd").set_value("30000").run()
    app.switch_page("pages/assumptions.py").run()
    answer = "\n".join(element.proto.body for element in app.get("html"))
    assert "1 of " in answer
    app.segmented_control[0].set_value("user").run()
    assert not app.exception
    assert table(app)["input"].tolist() == ["Cash → Cash in the bank"]
    assert table(app)["set_by"].tolist() == ["you"]


def test_search_and_unstated_fields(startup: Scenario) -> None:
    app = open_page("assumptions", scenario="startup-1b")
    app.text_input(key="register.search").set_value("enterprise price per").run()
    assert table(app)["input"].tolist() == ["Enterprise · 企业版 → Price per year"]
    app.text_input(key="register.search").set_value("nothing like this").run()
    assert app.info
    app.text_input(key="register.search").set_value("").run()
    app.toggle(key="register.unstated").set_value(True).run()
    assert len(table(app)) == len(scenario_inputs(startup))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_input_has_a_name_a_unit_and_a_page(
    startup: Scenario, laptop: Scenario, language: str
) -> None:
    say = catalog(language)
    everything = Scenario.parse(laptop.model_dump(mode="json") | {"company": EVERYTHING})
    pages = {page.name for page in PAGES}
    for scenario in (startup, laptop, everything):
        data = scenario.model_dump(mode="json")
        for row in register(scenario, drivers(scenario)):
            path = row.input.path
            assert input_place(say, data, path, with_page=True)
            if ".changes." not in path and not path.startswith("company.exchange_rates."):
                pattern, name = pattern_of(path), path.rpartition(".")[2]
                keys = (
                    f"input_label.{name}",
                    f"field.{pattern}.label",
                    f"entry.{name}.label",
                    f"funding.field.{name}",
                )
                assert any(key in say for key in keys), path
            assert unit_in_words(say, row.unit) or not row.unit
            assert input_page(path) in pages
            if row.driver is not None:
                assert range_in_words(say, row.driver, row.unit)


def test_the_basis_of_ranges(startup: Scenario) -> None:
    say = catalog("en")
    assert range_basis(say, input_ranges()[InputKind.PRICE]) == "assumed range"
    assert "published" in range_basis(say, input_ranges()[InputKind.COMPUTE_PRICE])


def test_a_row_leads_to_its_page() -> None:
    assert input_page("company.people.0.people") == "costs"
    assert input_page("company.cash_usd") == "cash"
    assert input_page("plan.tokens") == "train"


def test_a_measured_ratio_leads_to_calibrate() -> None:
    path = "plan.calibration.step_time.value"
    assert input_page(path) == "calibrate"
    assert input_place(catalog("en"), {}, path) == "Calibration → step time, measured ÷ predicted"

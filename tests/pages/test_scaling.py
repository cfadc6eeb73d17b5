"""The page Scaling without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from engine.facts import loss_coefficients
from engine.scaling.published import published_sets
from engine.text import LANGUAGES, catalog
from tests.pages.answers import answers
from tests.pages.test_pages import open_page


def labelled(app: AppTest, kind: str, start: str):  # type: ignore[no-untyped-def]
    return next(
        element for element in app.get(kind) if element.key and element.key.startswith(start)
    )


def answer(app: AppTest) -> str:
    return answers(app)[-1]


def open_tab(tab: str, language: str = "en", scenario: str = "laptop") -> AppTest:
    return open_page("train", language, scenario, tabs={"train": tab})


@pytest.mark.parametrize(("tab", "tiles"), [("budget", 3), ("runs", 3), ("data", 9)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tile_says_what_it_stands_on(language: str, tab: str, tiles: int) -> None:
    app = open_tab(tab, language)
    assert not app.exception
    assert not app.error
    assert len(app.metric) == 4 + tiles
    assert all(metric.help for metric in app.metric)


def test_a_larger_budget_buys_a_lower_loss() -> None:
    app = open_tab("budget")
    before = answer(app)
    labelled(app, "text_input", "scaling_amount").set_value("10M").run()
    assert "$10M" in answer(app)
    loss_before, loss_after = (
        float(text.split("loss of ")[1].split()[0]) for text in (before, answer(app))
    )
    assert loss_after < loss_before


def test_published_optimum_at_a_flops_budget() -> None:
    app = open_tab("budget")
    labelled(app, "selectbox", "scaling_unit").set_value("flops").run()
    labelled(app, "text_input", "scaling_amount").set_value("1e22").run()
    # Computed by hand: (α·A/(β·B))^(1/(α+β)) · (1e22/6)^(β/(α+β)) with Besiroglu 2024, table 1.
    assert "9.05B" in answer(app)
    assert "184B" in answer(app)


@pytest.mark.parametrize("typed", ["many", "-3", "0", "nan"])
def test_a_bad_budget_is_one_line(typed: str) -> None:
    app = open_tab("budget")
    labelled(app, "text_input", "scaling_amount").set_value(typed).run()
    assert not app.exception
    assert len(app.error) == 1
    assert "\n" not in app.error[0].value


def test_our_own_ladder_foretells_its_large_runs() -> None:
    app = open_tab("runs")
    runs, error, coverage = (metric.value for metric in app.metric[4:7])
    assert runs == "23"
    assert float(error.rstrip("%")) < 2
    assert coverage == "100%"


def test_cautions_are_said_in_words() -> None:
    app = open_tab("runs")
    names = [name for name in published_sets() if name.startswith("cerebras_gpt")]
    labelled(app, "selectbox", "scaling_set").set_value(names[0]).run()
    assert not app.exception
    assert app.warning


def test_another_unique_billion_is_worth_less_when_there_is_plenty() -> None:
    app = open_tab("data", scenario="startup-1b")
    scarce = app.metric[-1].value
    labelled(app, "text_input", "scaling_unique").set_value("100T").run()
    assert scarce != "$0.00"
    assert app.metric[-1].value.startswith("$0")


def test_serving_is_priced_as_the_scenario_serves() -> None:
    totals = []
    for name in ("laptop", "startup-1b", "laptop"):
        captions = [element.value for element in open_tab("budget", scenario=name).caption]
        totals.append(next(caption for caption in captions if "with serving" in caption))
    assert totals[0] == totals[2] != totals[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_law_and_every_set_of_runs_has_a_name(language: str) -> None:
    text = catalog(language)
    assert all(f"scaling.law_label.{law}" in text for law in loss_coefficients())
    assert all(f"scaling.set_label.{name}" in text for name in published_sets())


def test_english_names_of_laws_and_sets_are_those_of_their_tables() -> None:
    text = catalog("en")
    for law, row in loss_coefficients().items():
        assert text(f"scaling.law_label.{law}") == row.label
    for name, runs in published_sets().items():
        assert text(f"scaling.set_label.{name}") == runs.label

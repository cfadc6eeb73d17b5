"""A dated training run that differs from the plan shows what differs."""

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import LANGUAGES
from finance.company.scenario import Scenario
from tests.pages.test_pages import open_page

pytestmark = pytest.mark.usefixtures("no_caches")


def open_runs(language: str = "en") -> AppTest:
    return open_page("costs", language, "startup-1b", tabs={"costs": "training"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_values_of_each_field_are_shown(startup: Scenario, language: str) -> None:
    app = open_runs(language)
    event = startup.company.training_events[1]
    (table,) = [t.value for t in app.dataframe if len(t.value) == len(event.changes)]
    cells = table.astype(str).to_numpy().tolist()
    layers = next(row for row in cells if row[2] == "28")
    assert layers[1] == str(startup.plan.shape.n_layers)
    assert not any("." in row[0] for row in cells)  # names in words, not paths


def test_a_click_makes_the_run_follow_the_plan() -> None:
    app = open_runs()
    app.button(key="follow_shape.1").click().run()
    changes = app.session_state["scenario_session"].draft.company.training_events[1].changes
    assert set(changes) == {"tokens", "layout.micro_batch_sequences", "cluster.n_devices"}
    app.button(key="follow.1").click().run()
    assert not app.exception
    assert not app.session_state["scenario_session"].draft.company.training_events[1].changes

"""The sections on compression and searches, drawn from stored results."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from engine.experiments.study import studies_dir
from engine.files import write_json
from engine.runs.folder import Run
from engine.runs.locks import hold_lock
from engine.text import catalog
from tests.engine.experiments.test_compression import table  # noqa: F401
from tests.engine.experiments.test_study import outcome, trial
from tests.engine.runs.faked import faked_run
from tests.pages.answers import answers

_COMPRESSION = """
from engine.runs.folder import Run
from pages.parts.model.compression import compression_section
compression_section(Run.find({run!r}))
"""
_TUNING = "from pages.parts.calibrate.tuning import tuning_section\ntuning_section()"


def drawn(code: str, language: str = "en") -> AppTest:
    app = AppTest.from_string(code, default_timeout=20)
    app.query_params["lang"] = language
    app.query_params["s"] = "laptop"
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def run(table) -> Run:  # noqa: F811
    compressed = faked_run([5.0] * 20)
    write_json(compressed.folder / "compression.json", table.model_dump(mode="json"))
    return compressed


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_table_is_drawn_with_its_answer(run: Run, language: str) -> None:
    app = drawn(_COMPRESSION.format(run=run.id), language)
    say = catalog(language)
    (cells,) = (element.value for element in app.dataframe)
    assert list(cells[say("compression.column_way")]) == [
        say("compression.way_as_trained"),
        say("compression.way_int8"),
    ]
    (answer,) = answers(app)
    assert "1.25" in answer
    assert "+0.010" in answer


def test_a_measured_model_is_taken_into_the_plan_and_out_again(run: Run) -> None:
    app = drawn(_COMPRESSION.format(run=run.id))

    def measured():
        return app.session_state["scenario_session"].draft.plan.serving.measured

    assert measured() is None
    app.button(key="compression_apply").click().run()
    assert not app.exception
    assert measured().way == "int8"
    app.button(key="compression_remove").click().run()
    assert measured() is None


def test_without_a_table_a_button_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.parts.model import compression as module

    started: list[str] = []

    class Ended:
        def poll(self) -> int:
            return 0

    def start(run: Run) -> Ended:
        started.append(run.id)
        return Ended()

    monkeypatch.setattr(module, "start_in_background", start)
    run = faked_run([5.0] * 20)
    app = drawn(_COMPRESSION.format(run=run.id))
    assert not app.dataframe
    app.button(key=f"compress_{run.id}").click().run()
    assert started == [run.id]


def test_one_under_way_shows_how_far_it_is_and_no_button() -> None:
    run = faked_run([5.0] * 20)
    progress = {"stage": "small", "done": 4, "of": 6, "run_id": "the-run"}
    write_json(run.folder / "compression-progress.json", progress)
    with hold_lock(run.folder / "compression.lock"):
        app = drawn(_COMPRESSION.format(run=run.id))
    assert not app.button
    assert any("the-run" in element.value for element in app.caption)


def test_one_that_ended_early_says_so_and_can_go_on() -> None:
    run = faked_run([5.0] * 20)
    (run.folder / "compression.log").write_text("run: x is not allowed")
    app = drawn(_COMPRESSION.format(run=run.id))
    assert app.error
    assert "is not allowed" in app.code[1].value
    assert app.button(key=f"compress_{run.id}")


def test_what_cannot_be_compressed_says_why() -> None:
    app = drawn(_COMPRESSION.format(run=faked_run([5.0], **{"shape.n_layers": 1}).id))
    assert "n_layers" in app.info[0].value
    assert not app.button


def test_no_search_yet() -> None:
    app = drawn(_TUNING)
    assert "engine tune" in app.code[-1].value
    assert not app.dataframe


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_searches_are_listed_the_latest_first(language: str) -> None:
    found = outcome(trial(0, "complete", 5.0), trial(1, "pruned", 5.5), trial(2, "diverged", None))
    for name in ("older", "newer"):
        folder = studies_dir() / name
        folder.mkdir(parents=True)
        write_json(folder / "outcome.json", found.model_dump(mode="json"))
        time.sleep(0.01)  # files of the same time have no order
    app = drawn(_TUNING, language)
    assert str(app.selectbox(key="tuning_study").value) == "newer"
    trials, account = (element.value for element in app.dataframe)
    say = catalog(language)
    assert list(trials[say("tuning.column_state")]) == [
        say(f"tuning.state_{state}") for state in ("complete", "pruned", "diverged")
    ]
    assert len(account) == 3

"""The page Runs without a browser, on runs written by hand and with fake supervisors."""

import json
import os

import pytest
from streamlit.testing.v1 import AppTest

from engine.machine import this_machine
from engine.recipes.checkpoints import checkpoint_dir
from engine.results import Failure
from engine.runs import lifecycle
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.job import BACK_ENDS, Job
from engine.runs.labels import about_of
from engine.runs.observing.index import summaries
from engine.runs.settings import change_settings, settings, settings_file
from engine.text import LANGUAGES, catalog
from pages.parts.run_views import wording
from pages.parts.runs.details import _VIEWS
from tests.engine.conftest import supervisors  # noqa: F401 - a fixture
from tests.engine.runs.faked import StandIns, alive, faked_run, queued, report_step
from tests.pages.answers import answer
from tests.pages.test_pages import open_page

FALLING = [6.0, 5.5, 5.0, 4.5, 4.0]


def table(app: AppTest):
    """Return the table of the ended runs."""
    return next(element.value for element in app.dataframe if "cost_usd" in element.value.columns)


def choose(app: AppTest, *runs: Run) -> None:
    """Choose runs, as selecting their rows in the table does."""
    app.session_state["runs.chosen"] = [run.id for run in runs]
    app.run()
    assert not app.exception


def view(app: AppTest, name: str) -> None:
    (control,) = [
        element for element in app.get("segmented_control") if "runs.view#" in (element.key or "")
    ]
    control.set_value(name).run()
    assert not app.exception


def describe(app: AppTest, name: str, note: str) -> None:
    (named,) = [
        element for element in app.text_input if element.label == "Name" and not element.key
    ]
    named.set_value(name)
    app.text_area[0].set_value(note)
    submit(app, "Save details", form="about")


def submit(app: AppTest, label: str, form: str) -> None:
    (button,) = [
        element
        for element in app.button
        if element.label == label and form in (element.proto.form_id or "")
    ]
    button.click().run()
    assert not app.exception


def captions(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption)


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_any_run_it_leads_to_the_first(language: str) -> None:
    app = open_page("runs", language)
    say = catalog(language)
    assert say("runs.answer_nothing") in answer(app)
    assert app.metric[0].value == "0 · 0"
    assert not app.dataframe
    assert say("runs.ready") in "".join(element.value for element in app.markdown)


def test_keys_that_are_put_together() -> None:
    en = catalog("en")
    for back_end in BACK_ENDS:
        assert f"runs.back_end.{back_end}" in en
        assert back_end == "local" or f"runs.set_up.{back_end}" in en
    for name in _VIEWS:
        assert f"runs.view_name.{name}" in en
    assert set(wording.STATES) == {*Phase, "unreadable"}


def test_what_runs_and_what_waits() -> None:
    change_settings({"monthly_spending_limit_usd": 5, "slots": min(2, this_machine().n_devices)})
    job = Job.parse({"spending_limit_usd": "0.5"})
    run = faked_run(FALLING, step_times_s=[1.0] * 5, phase=Phase.TRAINING, job=job, name="live")
    with alive(run):
        waits = queued(name="waits")
        app = open_page("runs")
        assert "One run is live, 15 s left; one run waits; " in answer(app)
        assert "of this month's $5.00 is spent" in answer(app)
        assert app.metric[0].value == "1 · 1"
        (bar,) = app.get("progress")
        assert bar.proto.value == 25
        assert bar.proto.text.startswith("Step 5 of 20 · 15 s left · $")
        assert "limit $0.50 · this machine · ranks: " in captions(app)
        assert "waits for one run before it" in captions(app)

        report_step(run, 6, 3.5, 1.0)
        app.run()
        assert app.get("progress")[0].proto.value == 30

        app.button(key=f"up.{waits.id}").click().run()
        assert waits.job.priority == 1
        assert "priority 1" in captions(app)
        app.button(key=f"cancel.{waits.id}").click().run()
        assert waits.state.phase is Phase.CANCELLED
        assert app.metric[0].value == "1 · 0"
        assert list(table(app)["name"]) == ["waits"]

        app.button(key=f"cancel.{run.id}").click().run()
        assert run.stop_reason == "cancelled"
        assert app.button(key=f"cancel.{run.id}").disabled
        app.button(key=f"details.{run.id}").click().run()
        assert run.id in captions(app)
        assert not [element for element in app.button if element.key == "delete"]


def test_a_run_that_the_months_limit_holds_says_so(supervisors: StandIns) -> None:  # noqa: F811
    queued(name="waits")
    change_settings({"monthly_spending_limit_usd": 0.01})
    faked_run(FALLING, step_times_s=[3600.0] * 5)
    app = open_page("runs")
    assert "monthly\\_spending\\_limit\\_usd" in captions(app)
    assert supervisors.started == []


def test_a_look_lets_the_queue_advance(supervisors: StandIns) -> None:  # noqa: F811
    queued(name="waits")
    app = open_page("runs")
    assert supervisors.started == ["waits"]
    assert "One run is starting; none waits" in answer(app)


def test_what_came_of_them_and_what_is_looked_for() -> None:
    good = faked_run(FALLING, name="good")
    bad = faked_run(FALLING, phase=Phase.FAILED, name="bad")
    old = faked_run(FALLING, phase=Phase.CANCELLED, name="old")
    lifecycle.tag(bad, ["paper"])
    lifecycle.archive(old)
    app = open_page("runs")
    assert "of 3 runs that ended in the last seven days 1 succeeded" in answer(app)
    assert set(table(app)["name"]) == {"good", "bad"}
    row = table(app).set_index("name").loc["good"]
    assert row["held_out_loss"] == pytest.approx(4.1)
    assert row["done"] == 100
    assert row["cost_usd"] > 0
    spending = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [bar["name"] for bar in spending["data"]] == ["succeeded", "cancelled", "failed"]

    app.toggle(key="runs.archived").set_value(True).run()
    assert set(table(app)["name"]) == {"good", "bad", "old"}
    app.multiselect(key="runs.tags").set_value(["paper"]).run()
    assert list(table(app)["name"]) == ["bad"]
    app.multiselect(key="runs.tags").set_value([]).run()
    app.multiselect(key="runs.states#en").set_value(["succeeded"]).run()
    assert list(table(app)["name"]) == ["good"]
    app.text_input(key="runs.words").set_value("nowhere").run()
    assert "No run matches the filters." in captions(app)
    assert good.folder.is_dir()


def test_a_finished_run_beside_its_forecast() -> None:
    run = faked_run(FALLING, step_times_s=[0.5] * 5)
    app = open_page("runs")
    choose(app, run)
    (line,) = [element.value for element in app.markdown if "A step took" in element.value]
    assert "A step took 500 ms, forecast " in line
    assert "held-out loss is 4.1 nats" in line
    assert not [element for element in app.button if element.key == "resume"]
    assert "CSV" in [element.proto.label for element in app.get("download_button")]


def test_a_failed_run_says_why_and_goes_on(supervisors: StandIns) -> None:  # noqa: F811
    run = faked_run(FALLING, phase=Phase.FAILED)
    run.end(Phase.FAILED, Failure(key="loss_not_finite", params={"step": 6}))
    (checkpoint_dir(run.folder, 5) / "training").mkdir(parents=True)
    app = open_page("runs")
    choose(app, run)
    assert "was no longer a finite number at step 6" in app.error[0].value
    view(app, "checkpoints")
    (cells,) = [
        element.value for element in app.dataframe if "training_bytes" in element.value.columns
    ]
    assert list(cells["step"]) == [5]
    assert cells["state"][0].startswith("damaged")  # there is no manifest
    assert app.button(key="resume").label == "Resume from step 5"
    app.button(key="resume").click().run()
    assert run.state.phase is Phase.STARTING
    assert supervisors.started == [run.recipe.name]
    assert "One run is starting" in answer(app)


def test_a_run_that_its_limit_stopped_goes_on_with_another(
    supervisors: StandIns,  # noqa: F811
) -> None:
    job = Job.parse({"spending_limit_usd": "0.01"})
    run = faked_run([5.0] * 5, step_times_s=[300.0] * 5, phase=Phase.STOPPED, job=job)
    app = open_page("runs")
    choose(app, run)
    app.button(key="resume").click().run()
    (refused,) = app.error
    assert "spending_limit_usd: $0.01 is not allowed" in refused.value
    assert run.state.phase is Phase.STOPPED
    app.number_input(key="runs.new_limit").set_value(2.5).run()
    app.button(key="resume").click().run()
    assert not app.error
    assert str(run.job.spending_limit_usd) == "2.5"
    assert run.state.phase is Phase.STARTING


def test_a_run_again(supervisors: StandIns) -> None:  # noqa: F811
    run = faked_run(FALLING)
    app = open_page("runs")
    choose(app, run)
    app.button(key="restart").click().run()
    (again,) = [other for other in all_runs() if other.id != run.id]
    assert again.recipe == run.recipe
    assert supervisors.started == [run.recipe.name]


def test_a_name_is_shown_as_it_was_typed_and_a_bad_one_is_one_line() -> None:
    run = faked_run(FALLING)
    app = open_page("runs")
    choose(app, run)
    describe(app, "**a** [b](c) :red[d]", "two\nlines")
    about = about_of(run)
    assert (about.name, about.note) == ("**a** [b](c) :red[d]", "two\nlines")
    assert app.subheader[0].value == r"\*\*a\*\* \[b\]\(c\) \:red\[d\]"
    assert any(element.value == "two\nlines" for element in app.text)

    describe(app, "  ", "lost")
    assert app.error[0].value == 'name: "" is not allowed: must have at least 1 character'
    assert about_of(run) == about


def test_deleted_and_back(supervisors: StandIns) -> None:  # noqa: F811
    first, second, kept = (faked_run(FALLING, name=name) for name in ("one", "two", "kept"))
    app = open_page("runs")
    choose(app, first, second)
    app.button(key="delete_all").click().run()
    assert [run.id for run in all_runs()] == [kept.id]
    assert list(table(app)["name"]) == ["kept"]
    assert any("Deleted: " in element.value for element in app.markdown)
    app.button(key="undo_delete").click().run()
    assert len(all_runs()) == 3
    assert any("2 runs chosen" in element.value for element in app.subheader)
    assert not [element for element in app.button if element.key == "undo_delete"]

    choose(app, first)
    app.button(key="delete").click().run()
    app.session_state["runs.trash"] = True
    app.run()
    app.button(key=f"restore.{first.id}").click().run()
    assert first.state.phase is Phase.SUCCEEDED
    choose(app, first)
    app.button(key="delete").click().run()
    app.session_state["runs.trash"] = True
    app.run()
    app.button(key="purge").click().run()
    assert lifecycle.deleted_runs() == []
    assert len(all_runs()) == 2


def test_a_folder_that_cannot_be_read_is_a_row_with_its_line() -> None:
    run = faked_run(FALLING)
    (run.folder / "state.json").write_text("{", "utf-8")
    app = open_page("runs")
    assert [list(state) for state in table(app)["state"]] == [["unreadable"]]
    choose(app, run)
    assert "state.json" in app.error[0].value.replace("\\", "")
    app.button(key="delete").click().run()
    assert not run.folder.is_dir()


@pytest.mark.parametrize("name", ["recipe.toml", "result.json", "metrics.jsonl"])
@pytest.mark.parametrize("page", ["calibrate", "models"])
def test_it_keeps_no_other_page_from_the_others(page: str, name: str) -> None:
    faked_run(FALLING, name="whole")
    (faked_run(FALLING, name="broken").folder / name).write_text("{\n", "utf-8")
    app = open_page(page)
    assert not app.error


def test_several_are_laid_over_each_other_on_calibrate() -> None:
    first, second, _ = (faked_run(FALLING, name=name) for name in ("one", "two", "three"))
    app = open_page("runs")
    choose(app, first, second)
    app.button(key="compare").click().run()
    assert not app.exception
    assert app.title[0].value == catalog("en")("calibrate.question")
    assert {app.selectbox(key="run_choice").value, *app.multiselect(key="other_runs").value} == {
        first.id,
        second.id,
    }


def test_limits_are_set_here_and_bad_ones_change_nothing() -> None:
    settings_file().write_text("# ours\nslots = 1\n", "utf-8")
    app = open_page("runs")
    app.number_input(key="runs.monthly_limit").set_value(12.5)
    submit(app, "Save limits", form="installation")
    assert settings_file().read_text("utf-8") == (
        "# ours\nslots = 1\nmonthly_spending_limit_usd = 12.5\n"
    )
    assert "of $12.50" in captions(app)
    app.number_input(key="runs.monthly_limit").set_value(0.001)
    submit(app, "Save limits", form="installation")
    (refused,) = app.error
    assert refused.value.startswith("monthly_spending_limit_usd: 0.001 is not allowed")
    assert settings().monthly_spending_limit_usd == 12.5


def test_settings_that_are_not_allowed_are_one_line_and_runs_are_still_shown() -> None:
    run = faked_run(FALLING)
    settings_file().write_text("slots = 0\n", "utf-8")
    app = open_page("runs")
    assert [element.value for element in app.error] == [
        "slots: 0 is not allowed: must be at least 1"
    ]
    assert list(table(app)["name"]) == [run.recipe.name]


def test_a_back_end_that_is_set_up_is_offered_and_says_what_it_lacks() -> None:
    settings_file().write_text("[slurm]\nnodes = 2\nslots_per_node = 2\n", "utf-8")
    app = open_page("runs")
    lines = [element.value for element in app.markdown]
    assert any("not set up" in line for line in lines)
    app.switch_page("pages/calibrate.py").run()
    (pills,) = [element for element in app.get("pills") if element.key == "calibrate.back_end#en"]
    assert list(pills.options) == ["this machine", "Slurm"]


def test_the_table_is_made_of_what_the_index_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other files of an ended run are read only when the run is shown."""
    runs = [faked_run(FALLING, name=name) for name in ("one", "two")]
    for run in runs:
        for path in (run.folder, *run.folder.iterdir()):
            os.utime(path, (1.7e9, 1.7e9))  # unchanged for years
    summaries()

    def read(self: Run) -> None:
        raise AssertionError(self.id)

    monkeypatch.setattr(Run, "recipe", property(read))
    monkeypatch.setattr(Run, "state", property(read))
    assert set(table(open_page("runs"))["name"]) == {"one", "two"}

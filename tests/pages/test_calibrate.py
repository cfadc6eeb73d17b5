"""The page Calibrate without a browser, on runs whose folders are written by hand."""

import json
from pathlib import Path
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from engine.corpora.packages import PACKAGES
from engine.documents import InputError
from engine.files import write_json
from engine.machine import this_machine
from engine.recipes import depth_preset
from engine.recipes.recipe import ModelClass, Recipe
from engine.runs import lifecycle
from engine.runs.estimate import estimate
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.job import Job
from engine.runs.launching import control
from engine.runs.settings import change_settings, corpus_folders, settings_file
from engine.text import LANGUAGES, catalog
from pages.parts.calibrate import recipe as calibrate_recipe
from pages.parts.figures.lanes import spread_heights
from pages.parts.run_views.runs import run_labels
from tests.engine.conftest import supervisors  # noqa: F401 - a fixture
from tests.engine.runs.faked import StandIns, alive, faked_run, report_step, smoke
from tests.pages.answers import answer
from tests.pages.test_pages import open_page

FALLING = [6.0, 5.5, 5.0, 4.5, 4.0]


def chart(app: AppTest, key: str) -> dict:
    (found,) = [element.proto for element in app.get("plotly_chart") if key in element.proto.id]
    return json.loads(found.spec)


def recipe_shown(app: AppTest) -> str:
    return next(element.value for element in app.code if "schema_version" in element.value)


def choose(app: AppTest, kind: str, key: str, value: object) -> None:
    """Set a field whose key may end with the language."""
    (found,) = [element for element in app.get(kind) if (element.key or "").split("#")[0] == key]
    found.set_value(value).run()
    assert not app.exception


def upload(app: AppTest, recipe: Recipe) -> None:
    """Upload a recipe to the form of the next run."""
    choose(app, "segmented_control", "calibrate.source", "upload")
    uploader = app.file_uploader(key="calibrate.upload")
    uploader.set_value(("recipe.toml", recipe.to_toml().encode(), "text/plain")).run()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Runs that the page has started, without their processes."""
    runs: list[Run] = []

    def start(run: Run) -> None:
        run.publish()
        run.end(Phase.CANCELLED)
        runs.append(run)

    monkeypatch.setattr(control, "start", start)
    return runs


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_any_run_it_says_what_one_takes(language: str) -> None:
    app = open_page("calibrate", language)
    say = catalog(language)
    assert "0.0073" in answer(app)  # two cores for 4.4 minutes at $0.05 an hour
    assert not app.error
    assert any(say("calibrate.no_runs") == element.value for element in app.caption)
    (figures,) = app.table
    assert len(figures.value) == 4
    assert "0.0073" in figures.value.iloc[1, 1]
    assert "0.0063" in figures.value.iloc[1, 2]
    commands = [element.value for element in app.code if "engine" in element.value]
    assert commands[0] == "python -m engine train recipe.toml"
    assert "deepspeed.launcher.runner" in commands[1]
    assert not app.button(key="start").disabled


def test_a_recipe_that_is_shown_is_the_one_that_starts(started: list[Run]) -> None:
    app = open_page("calibrate")
    app.number_input(key="calibrate.seed").set_value(7).run()
    choose(app, "selectbox", "calibrate.option.layout.zero_stage", 3)
    choose(app, "number_input", "calibrate.option.steps", 120)
    choose(app, "number_input", "calibrate.option.checkpoint_every_steps", 40)
    choose(app, "multiselect", "calibrate.option.trackers", ["tensorboard"])
    shown = recipe_shown(app)
    app.button(key="start").click().run()
    (run,) = started
    recipe = run.recipe
    assert recipe.to_toml().strip() == shown
    assert (recipe.seed, recipe.layout.zero_stage, recipe.steps) == (7, 3, 120)
    assert (recipe.checkpoint_every_steps, recipe.trackers) == (40, ("tensorboard",))
    assert app.selectbox(key="run_choice").value == run.id


def test_options_survive_a_look_at_another_page() -> None:
    app = open_page("calibrate")
    choose(app, "number_input", "calibrate.option.steps", 77)
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/calibrate.py").run()
    assert "steps = 77" in recipe_shown(app)


def test_where_and_how_it_runs(started: list[Run]) -> None:
    app = open_page("calibrate")
    app.number_input(key="calibrate.priority").set_value(3).run()
    app.number_input(key="calibrate.spending_limit_usd").set_value(0.005).run()
    (refused,) = app.error
    assert refused.value.startswith("spending_limit_usd: 0.005 is not allowed")
    assert app.button(key="start").disabled
    app.number_input(key="calibrate.spending_limit_usd").set_value(12.5).run()
    app.button(key="start").click().run()
    assert started[0].job == Job.parse({"priority": 3, "spending_limit_usd": "12.5"})


def test_a_run_goes_where_it_is_sent(started: list[Run]) -> None:
    settings_file().write_text("[slurm]\nnodes = 2\nslots_per_node = 2\n", "utf-8")
    app = open_page("calibrate")
    assert "2 × CPU core" in " ".join(element.value for element in app.markdown)
    choose(app, "pills", "calibrate.back_end", "slurm")
    choose(app, "number_input", "calibrate.option.n_ranks", 4)
    assert "4 × CPU core" in " ".join(element.value for element in app.markdown)
    app.button(key="start").click().run()
    (run,) = started
    assert (run.job.back_end, run.recipe.n_ranks) == ("slurm", 4)


def test_a_name_of_a_run_is_shown_as_it_was_typed() -> None:
    run = faked_run(FALLING, phase=Phase.FAILED)
    lifecycle.rename(run, "<b>*a*</b> [b](c), a long one")
    app = open_page("calibrate")
    assert app.error[0].value.startswith(r"\<b\>\*a\*\<\/b\> \[b\]\(c\)\, a long one · ")
    (note,) = chart(app, "curves")["layout"]["annotations"]
    assert note["text"].startswith("&lt;b&gt;*a*&lt;/b&gt; […·")


def test_a_run_that_costs_more_than_its_limit_is_refused_and_leaves_nothing() -> None:
    app = open_page("calibrate")
    choose(app, "number_input", "calibrate.minutes", 600.0)
    widen = app.number_input(key="calibrate.spending_limit_usd")
    widen.set_value(0.01).run()
    choose(app, "number_input", "calibrate.option.steps", 50_000)
    app.button(key="start").click().run()
    (refused,) = app.error
    assert refused.value.startswith("spending_limit_usd: $0.01 is not allowed: ")
    assert all_runs() == []
    app.number_input(key="calibrate.spending_limit_usd").set_value(None).run()
    assert not app.error


def test_behind_another_run_it_waits(supervisors: StandIns) -> None:  # noqa: F811
    running = faked_run(FALLING, phase=Phase.TRAINING, name="running")
    change_settings({"slots": running.recipe.n_ranks})
    with alive(running):
        app = open_page("calibrate")
        app.button(key="start").click().run()
        (waits,) = [run for run in all_runs() if run.id != running.id]
        assert waits.state.phase is Phase.QUEUED
        assert any(
            element.proto.label == "Waiting in the queue: 1" for element in app.get("page_link")
        )
    assert supervisors.started == []


def test_a_recipe_from_a_file(started: list[Run]) -> None:
    app = open_page("calibrate")
    choose(app, "segmented_control", "calibrate.source", "upload")
    assert app.button(key="start").disabled
    uploader = app.file_uploader(key="calibrate.upload")
    uploader.set_value(("mine.toml", smoke(name="mine").to_toml().encode(), "text/plain")).run()
    assert "131K parameters" in " ".join(element.value for element in app.markdown)
    app.button(key="start").click().run()
    assert started[0].recipe == smoke(name="mine")


@pytest.mark.parametrize("family", get_args(ModelClass))
def test_a_recipe_from_a_depth(
    family: str, started: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depth_preset, "best_measured_precision", lambda machine: "fp32")
    app = open_page("calibrate")
    choose(app, "segmented_control", "calibrate.source", "depth")
    app.selectbox(key="calibrate.family").set_value(family).run()
    app.number_input(key="calibrate.depth").set_value(4).run()
    app.number_input(key="calibrate.minutes").set_value(0.5).run()
    assert any(element.value.startswith("L4 · d256 · H4/") for element in app.caption)
    app.button(key="start").click().run()
    (run,) = started
    assert (run.recipe.model_class, run.recipe.shape.n_layers) == (family, 4)
    assert run.forecast.step_time_s.value * run.recipe.steps <= 31


def test_the_precision_that_the_machine_does_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate_recipe, "best_measured_precision", lambda machine: "fp32")
    app = open_page("calibrate")
    choose(app, "selectbox", "calibrate.option.layout.precision", "auto")
    assert 'precision = "fp32"' in recipe_shown(app)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"\xff", ("mine.toml", "UTF-8")),
        (b"steps = 1", ("name", "required")),
        (smoke().to_toml().replace("kv_heads = 1", "kv_heads = 3").encode(), ("n_kv_heads", "3")),
        (smoke().to_toml().replace("4e-3", "nan").replace("0.004", "nan").encode(),
         ("peak_learning_rate", "nan")),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line(content: bytes, parts: tuple[str, ...]) -> None:
    app = open_page("calibrate")
    choose(app, "segmented_control", "calibrate.source", "upload")
    app.file_uploader(key="calibrate.upload").set_value(("mine.toml", content, "text/plain")).run()
    (line,) = {element.value for element in app.error}
    assert all(part in line for part in parts)
    assert "\n" not in line
    assert app.button(key="start").disabled


def test_more_ranks_than_cores_are_refused_beside_the_field() -> None:
    app = open_page("calibrate")
    choose(app, "number_input", "calibrate.option.n_ranks", this_machine().n_devices + 1)
    assert {element.value for element in app.error} == {
        f"n_ranks: {this_machine().n_devices + 1} is not allowed: "
        f"must be at most {this_machine().n_devices}"
    }
    assert app.button(key="start").disabled


def test_a_text_that_is_none_is_refused_before_anything_starts(
    started: list[Run], tmp_path: Path
) -> None:
    app = open_page("calibrate")
    upload(app, smoke(**{"corpus.source": str(tmp_path / "nowhere")}))
    assert not app.error
    app.button(key="start").click().run()
    (error,) = app.error
    assert "corpus.source" in error.value
    assert not started
    assert all_runs() == []
    choose(app, "segmented_control", "calibrate.source", "scenario")
    assert not app.error


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", ["/etc/passwd", "{home}/texts/../../secret", "{home}/texts/l"])
def test_a_text_outside_the_allowed_folders_is_refused(
    started: list[Run], home: Path, tmp_path: Path, source: str, language: str
) -> None:
    (tmp_path / "secret").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "secret" / name).write_text(f"hunter2 in {name}, and a few words more", "utf-8")
    (home / "texts").mkdir()
    (home / "texts" / "l").symlink_to(tmp_path / "secret")
    source = source.format(home=home)
    app = open_page("calibrate", language)
    upload(app, smoke(**{"corpus.source": source}))
    app.button(key="start").click().run()
    assert not app.exception
    (error,) = app.error
    refused = InputError(
        "corpus.source", source, "corpus_folder", packages=", ".join(PACKAGES),
        folders=", ".join(map(str, corpus_folders())),
    )  # fmt: skip
    assert error.value == refused.in_language(language)
    assert str(home / "texts") in error.value
    assert all_runs() == started == []


def test_a_text_of_the_home_folder_is_trained_on(started: list[Run], home: Path) -> None:
    (home / "texts").mkdir()
    for name in ("a.txt", "b.txt"):
        (home / "texts" / name).write_text(" ".join(f"{name} {n}" for n in range(9_000)), "utf-8")
    app = open_page("calibrate")
    upload(app, smoke(**{"corpus.source": f"{home}/texts/../texts"}))
    app.button(key="start").click().run()
    assert not app.exception
    assert started[0].recipe.corpus.source == str((home / "texts").resolve())


def test_a_finished_run_answers_the_question() -> None:
    wrong = faked_run(FALLING, step_times_s=[10.0] * 5)
    pace_s = wrong.forecast.step_time_s.value
    run = faked_run(FALLING, step_times_s=[1.02 * pace_s] * 5)
    app = open_page("calibrate")
    app.selectbox(key="run_choice").set_value(run.id).run()
    assert answer(app).startswith("Yes")
    assert "1.02×" in answer(app)
    app.selectbox(key="run_choice").set_value(wrong.id).run()
    assert answer(app).startswith("No")
    assert app.metric[0].label == "Step time"
    assert not app.button(key="apply").disabled


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_noisy_measurement_asks_before_it_is_applied(language: str, started: list[Run]) -> None:
    say = catalog(language)
    noisy = faked_run(FALLING, other_load_share=0.765)
    app = open_page("calibrate", language)
    app.selectbox(key="run_choice").set_value(noisy.id).run()
    assert say("calibrate.noisy", load="76.5%") in {element.value for element in app.warning}
    again, anyway = app.button(key="measure_again"), app.button(key="apply")
    assert (again.label, anyway.label) == (
        say("calibrate.measure_again"),
        say("calibrate.apply_anyway"),
    )
    order = [button.key for button in app.button if button.key in ("measure_again", "apply")]
    assert order == ["measure_again", "apply"]
    again.click().run()
    assert not app.exception
    (run,) = started
    assert run.recipe == noisy.recipe
    assert app.selectbox(key="run_choice").value == run.id


def test_a_noisy_calibration_applied_anyway_is_marked_on_the_overview() -> None:
    noisy = faked_run(FALLING, other_load_share=0.5)
    app = open_page("calibrate")
    app.selectbox(key="run_choice").set_value(noisy.id).run()
    app.button(key="apply").click().run()
    assert not app.exception
    calibration = app.session_state["scenario_session"].draft.plan.calibration
    assert calibration.noisy_load_share == 0.5
    app.switch_page("pages/summary.py").run()
    shown = [element.value.replace("\\", "") for element in app.markdown]
    assert any("noisy machine (50% load)" in text for text in shown)


def test_a_calm_repetition_is_applied_without_a_question() -> None:
    noisy = faked_run(FALLING, other_load_share=0.5)
    calm = faked_run(FALLING)
    app = open_page("calibrate")
    for run in (noisy, calm):
        app.selectbox(key="run_choice").set_value(run.id).run()
        assert app.button(key="apply").label == "Apply the calibration"
    app.button(key="apply").click().run()
    calibration = app.session_state["scenario_session"].draft.plan.calibration
    assert calibration.run_ids == (calm.id,)


def test_runs_lie_over_each_other_in_colours_of_their_own() -> None:
    first, second, third = (
        faked_run(FALLING, name=f"run {n}", held_out={3: 5.2}) for n in range(3)
    )
    app = open_page("calibrate")
    app.selectbox(key="run_choice").set_value(first.id).run()
    app.multiselect(key="other_runs").set_value([second.id, third.id]).run()

    def colors() -> dict[str, str]:
        notes = chart(app, "curves")["layout"]["annotations"]
        return {note["text"].split(" · ")[0]: note["font"]["color"] for note in notes}

    spec = chart(app, "curves")
    lines = [trace for trace in spec["data"] if trace["mode"] == "lines"]
    assert len(lines) == 6  # each run has a smooth and a raw line
    before = colors()
    assert set(before) == {"run 0", "run 1", "run 2"}
    assert len(set(before.values())) == 3
    assert chart(app, "ratios")["data"][0]["marker"]["color"] == before["run 0"]

    app.multiselect(key="other_runs").set_value([third.id]).run()
    assert colors() == {name: before[name] for name in ("run 0", "run 2")}
    (table,) = [element.value for element in app.dataframe if "run" in element.value.columns]
    assert len(table) == 2


def test_losses_are_drawn_against_what_was_asked_for() -> None:
    run = faked_run(FALLING, held_out={3: 5.2})
    app = open_page("calibrate")
    recipe = run.recipe
    choose(app, "segmented_control", "calibrate.axis", "tokens")
    raw, smooth, held_out = chart(app, "curves")["data"]
    tokens = [recipe.tokens_per_step * step for step in range(1, 6)]
    assert raw["x"] == smooth["x"] == tokens
    assert raw["y"] == FALLING
    assert held_out["x"] == [tokens[2], tokens[4]]
    assert chart(app, "curves")["layout"]["xaxis"]["type"] == "linear"
    app.toggle(key="calibrate.log_x").set_value(True).run()
    assert chart(app, "curves")["layout"]["xaxis"]["type"] == "log"


def test_runs_that_do_not_compare_are_said_to() -> None:
    run, other = faked_run(FALLING), faked_run(FALLING, name="small", tokenizer_vocab=300)
    app = open_page("calibrate")
    app.selectbox(key="run_choice").set_value(run.id).run()
    assert not app.warning
    app.multiselect(key="other_runs").set_value([other.id]).run()
    assert any("cannot be compared" in element.value for element in app.warning)


def test_a_live_run_has_a_meter_and_a_button_that_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cancelled = []
    monkeypatch.setattr(control, "cancel", lambda run: cancelled.append(run.id))
    pace_s = estimate(smoke(), None, this_machine()).forecast.step_time_s.value
    run = faked_run(FALLING, step_times_s=[pace_s] * 5, phase=Phase.TRAINING)
    with alive(run):
        app = open_page("calibrate")
        assert app.button(key="start").label == "Queue the run"
        assert "Being measured" in answer(app)
        assert [metric.label for metric in app.metric] == [
            *("Spent so far", "Time left", "Tokens per second", "Held-out loss"),
        ]
        # 5 of 20 steps, each as forecast
        assert any(element.value.startswith("25% of the $") for element in app.caption)
        band = chart(app, "meter")["layout"]["shapes"][0]
        cost = run.forecast.cost_usd
        assert (band["x0"], band["x1"]) == (cost.low, cost.high)
        assert chart(app, "meter")["data"][0]["x"] == pytest.approx([cost.value / 4])
        assert any("within the bounds" in element.value for element in app.markdown)

        report_step(run, 6, 3.5, 100 * pace_s)
        app.run()
        assert chart(app, "curves")["data"][0]["y"] == [*FALLING, 3.5]
        assert any("outside the bounds" in element.value for element in app.markdown)

        app.button(key=f"cancel.{run.id}").click().run()
        assert cancelled == [run.id]


def test_while_the_text_is_prepared_its_share_is_shown() -> None:
    run = faked_run([], phase=Phase.PREPARING)
    write_json(run.folder / "preparing.json", {"share": 0.4, "stage": "an unknown one"})
    with alive(run, Phase.PREPARING):
        app = open_page("calibrate")
        (bar,) = app.get("progress")
        assert bar.proto.value == 40
        assert bar.proto.text == "Preparing the text: an unknown one, 40%"


def test_a_failed_run_says_why() -> None:
    run = faked_run(FALLING, phase=Phase.TRAINING)  # but no process holds its lock
    app = open_page("calibrate")
    assert run.state.phase is Phase.FAILED
    assert "ended without a measurement" in answer(app)
    assert "supervisor of this run was killed" in app.error[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cancelled_run_is_compared_by_its_steps(language: str) -> None:
    say = catalog(language)
    pace_s = estimate(smoke(), None, this_machine()).forecast.step_time_s.value
    run = faked_run(
        [5.0] * 286, step_times_s=[1.02 * pace_s] * 286, phase=Phase.CANCELLED, steps=1000
    )
    app = open_page("calibrate", language)
    assert answer(app) == say("calibrate.verdict_steps_inside", ratio="1.02", settled="283")
    assert not app.error
    assert app.info[-1].value.replace("\\", "").startswith(run_labels([run])[run.id])
    assert [metric.label for metric in app.metric] == [
        say("quantity.step_time_s"),
        say("quantity.tokens_per_s"),
    ]
    assert len(chart(app, "ratios")["data"][0]["x"]) == 2
    note = say("calibrate.steps_note", settled="283", done="286", steps="1,000")
    assert note in {element.value for element in app.caption}
    assert "apply" not in {button.key for button in app.button}


def test_a_cancelled_run_with_few_steps_is_not_compared() -> None:
    faked_run(FALLING, phase=Phase.CANCELLED, steps=1000)
    app = open_page("calibrate")
    assert "ended without a measurement" in answer(app)
    assert not app.metric


def test_labels_tell_runs_apart() -> None:
    runs = [faked_run(FALLING), faked_run(FALLING), faked_run(FALLING, name="other")]
    labels = run_labels(runs)
    assert len(set(labels.values())) == 3
    assert labels[runs[2].id].startswith("other · ")


def test_names_at_the_edge_stand_apart() -> None:
    assert spread_heights([0.2, 0.8], 0.1) == [0.2, 0.8]
    assert spread_heights([], 0.1) == []
    crowded = spread_heights([0.97, 0.96, 0.98, 0.3], 0.1)
    assert crowded == pytest.approx([0.9, 0.8, 1.0, 0.3])

"""Is the forecast right? Train a sample for real, and hold the forecast against it."""

from __future__ import annotations

import threading

import pandas as pd
import streamlit as st

from engine import quantities
from engine.comparison import Comparison, compare
from engine.documents import InputError
from engine.forecast import forecast
from engine.machine import Machine, this_machine
from engine.report import comparison_rows
from engine.runs import launch
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.measured import calibration_of
from engine.runs.progress import Progress
from engine.training.recipe import CorpusChoice, Recipe
from engine.training.sample import run_plan, sample_recipe
from engine.training.texts import read_documents
from finance.outlook import calibration_effect, with_calibration
from finance.report import effect_rows
from pages.parts.charts import draw, loss_chart, ratio_chart
from pages.parts.frame import run_in_frame
from pages.parts.session import desk, draft, text
from pages.parts.tiles import Tile, tiles


def _recipe_form() -> None:
    say = text()
    left, middle, right = st.columns(3)
    left.number_input(
        say("calibrate.minutes"),
        min_value=0.2,
        max_value=1440.0,
        value=10.0,
        step=1.0,
        help=say("calibrate.minutes_help"),
        key="calibrate.minutes",
    )
    middle.text_input(
        say("calibrate.corpus"),
        value="sotu",
        help=say("calibrate.corpus_help"),
        key="calibrate.corpus",
    )
    right.number_input(
        say("calibrate.seed"),
        min_value=0,
        max_value=2**31 - 1,
        value=1,
        help=say("calibrate.seed_help"),
        key="calibrate.seed",
    )


def _recipe(machine: Machine) -> Recipe:
    """The run that the fields ask for; InputError if something in it is not allowed."""
    asked = st.session_state
    source = asked["calibrate.corpus"].strip()
    return sample_recipe(
        draft().plan,
        machine,
        desk().stored.id,
        budget_s=60 * asked["calibrate.minutes"],
        corpus=CorpusChoice.parse({"source": source}, where="corpus"),
    ).with_value("seed", asked["calibrate.seed"])


def _preview(recipe: Recipe, machine: Machine) -> None:
    say, plan = text(), draft().plan
    expected = forecast(run_plan(recipe, plan, machine))
    language = say.language
    st.markdown(
        say(
            "calibrate.preview",
            parameters=quantities.count(expected.parameters_total, language),
            tokens=quantities.count(recipe.tokens, language),
            steps=quantities.number(recipe.steps, language),
            ranks=recipe.n_ranks,
            device=machine.device.name,
            duration=quantities.duration(expected.step_time_s.value * recipe.steps, language),
            cost=quantities.usd(expected.cost_usd.value, language),
        )
    )
    if machine.device.accelerator != plan.cluster.accelerator:
        st.info(
            say(
                "calibrate.other_device", here=machine.device.name, planned=plan.cluster.accelerator
            ),
            icon=":material/info:",
        )
    with st.expander(say("calibrate.recipe"), icon=":material/receipt_long:"):
        st.code(recipe.to_toml(), language="toml")
        st.download_button(
            say("calibrate.download_recipe"),
            recipe.to_toml(),
            "recipe.toml",
            key="download_recipe",
            on_click="ignore",
        )
        st.caption(say("calibrate.command_note"))
        st.code("python -m engine train recipe.toml", language="bash")


@st.cache_resource
def _starting() -> threading.Lock:
    """Held while a session looks for a live run and starts its own."""
    return threading.Lock()


def _start() -> None:
    """Start the run that stands in the fields now, not when they were drawn."""
    at, machine = desk(), this_machine()
    at.error = None
    try:
        recipe = _recipe(machine)
        read_documents(recipe.corpus)
        plan = run_plan(recipe, at.draft.plan, machine)
    except InputError as error:
        at.error = error
        return
    with _starting():
        if not _is_busy():
            run = Run.create(recipe, plan)
            launch.start(run)
            st.session_state["shown_run"] = run.id


def _is_busy() -> bool:
    return any(not launch.look(run).is_over for run in all_runs())


def _choose_run() -> Run | None:
    say, runs = text(), all_runs()
    if not runs:
        st.caption(say("calibrate.no_runs"))
        return None
    by_id = {run.id: run for run in runs}
    wanted = st.session_state.get("shown_run")
    ids = list(by_id)
    chosen = st.selectbox(
        say("calibrate.run"),
        ids,
        index=ids.index(wanted) if wanted in by_id else 0,
        format_func=lambda one: f"{one} · {say(f'phase.{by_id[one].state.phase}')}",
        key=f"run_choice#{len(ids)}",
    )
    st.session_state["shown_run"] = chosen
    return by_id[chosen]


def _watch(run: Run) -> None:
    """The run's live state; turned off once it is over, when the whole page is drawn anew."""
    say = text()
    progress = _progress_of(run.id).update()
    phase = launch.look(run)
    language = say.language
    if phase is Phase.TRAINING and progress.seconds_left is not None:
        label = say(
            "calibrate.progress",
            step=progress.steps_done,
            steps=progress.recipe.steps,
            left=quantities.duration(progress.seconds_left, language),
            cost=quantities.usd(progress.cost_usd, language),
        )
    else:
        label = say(f"phase_note.{phase}")
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(progress.share_done, text=label)
    button.button(
        say("calibrate.cancel"),
        key="cancel",
        icon=":material/stop_circle:",
        on_click=launch.cancel,
        args=(run,),
    )
    if progress.metrics:
        draw(loss_chart(progress), "live_loss")
    if phase.is_over:
        st.rerun()


def _progress_of(run_id: str) -> Progress:
    """This session's reader of a run, which goes on from where it stopped."""
    readers: dict[str, Progress] = st.session_state.setdefault("progress", {})
    if run_id not in readers:
        readers[run_id] = Progress(Run.find(run_id))
    return readers[run_id]


def _outcome(run: Run) -> None:
    """A run that is over: what it measured, or why it did not."""
    say, state = text(), run.state
    if state.phase is not Phase.SUCCEEDED:
        why = state.failure.in_language(say.language) if state.failure else ""
        st.error(say(f"phase_note.{state.phase}") + " " + why, icon=":material/error:")
        return
    result = run.result
    assert result is not None
    rows = compare(run.forecast, run.plan, result)
    _verdict(rows)
    tiles(
        [
            Tile(
                label=say("quantity.step_time_s"),
                value=quantities.duration(result.step_time_s, say.language),
                note=say(
                    "calibrate.step_spread",
                    low=quantities.duration(result.step_time_s_p10, say.language),
                    high=quantities.duration(result.step_time_s_p90, say.language),
                ),
                help=say("basis.measured_step_time"),
            ),
            Tile(
                label=say("quantity.tokens_per_s"),
                value=f"{quantities.count(result.tokens_per_s, say.language)}/s",
            ),
            Tile(
                label=say("quantity.mfu"),
                value=quantities.share(result.mfu, say.language),
                note=say(
                    "calibrate.of_peak",
                    achieved=quantities.si(result.achieved_flops_per_s, "FLOP/s", say.language),
                    peak=quantities.si(result.peak_flops_per_s, "FLOP/s", say.language),
                ),
                help=say("basis.measured_mfu"),
            ),
            Tile(
                label=say("calibrate.held_out_loss"),
                value=say("unit.nats", n=quantities.number(result.held_out_loss, say.language)),
                note=say(
                    "model.bits_per_byte_value",
                    n=quantities.number(result.bits_per_byte, say.language),
                ),
                help=say("basis.held_out_loss"),
            ),
            Tile(
                label=say("calibrate.load"),
                value=f"{result.other_load_share:.1%}",
                note=say(
                    "calibrate.load_noisy"
                    if result.other_load_share > 0.1
                    else "calibrate.load_calm"
                ),
                help=say("basis.load"),
            ),
        ]
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(say("calibrate.ratios"))
        draw(ratio_chart(rows), "ratios", height=400)
    with right:
        st.subheader(say("calibrate.curve"))
        draw(loss_chart(_progress_of(run.id).update()), "loss", height=400)
    head, cells = comparison_rows(say, rows)
    st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
    _apply(run)


def _verdict(rows: list[Comparison]) -> None:
    say = text()
    step = next(row for row in rows if row.quantity == "step_time_s")
    key = "calibrate.verdict_inside" if step.inside_interval else "calibrate.verdict_outside"
    st.markdown(f"#### {say(key, ratio=f'{step.ratio:.2f}')}")


def _apply(run: Run) -> None:
    """What the run's calibration changes, why, and the button that takes it over."""
    say, at = text(), desk()
    calibration = calibration_of(run)
    applied = at.draft.plan.calibration == calibration
    effect = calibration_effect(
        with_calibration(at.draft, None) if applied else at.draft, calibration
    )
    st.subheader(say("calibrate.effect"))
    if not effect.speed_counts:
        st.warning(
            say(
                "calibrate.does_not_count",
                measured=calibration.accelerator,
                planned=at.draft.plan.cluster.accelerator,
            ),
            icon=":material/info:",
        )
        return
    st.markdown(
        say(
            "calibrate.why",
            n=len(calibration.run_ids),
            device=calibration.device,
            ratio=f"{calibration.step_time.value:.3f}",
            low=f"{calibration.step_time.low:.3f}",
            high=f"{calibration.step_time.high:.3f}",
        )
    )
    head, cells = effect_rows(say, effect)
    st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
    if applied:
        key = "calibrate.applied_unsaved" if at.is_changed else "calibrate.applied"
        st.success(say(key, n=len(calibration.run_ids)), icon=":material/check:")
        st.button(
            say("calibrate.remove"),
            key="remove",
            icon=":material/cancel:",
            on_click=at.apply_calibration,
            args=(None,),
        )
        return
    st.button(
        say("calibrate.apply"),
        key="apply",
        type="primary",
        icon=":material/check_circle:",
        on_click=at.apply_calibration,
        args=(calibration,),
    )


def page() -> None:
    say = text()
    st.title(say("calibrate.question"))
    st.markdown(say("calibrate.intro"))
    try:
        machine = this_machine()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    with st.container(border=True):
        _recipe_form()
        try:
            _preview(_recipe(machine), machine)
        except InputError as error:
            st.error(error.in_language(say.language), icon=":material/block:")
        busy = _is_busy()
        if busy:
            st.caption(say("calibrate.one_at_a_time"))
        st.button(
            say("calibrate.start"),
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            disabled=busy,
        )
    run = _choose_run()
    if run is None:
        return
    if launch.look(run).is_over:
        _outcome(run)
    else:
        st.fragment(_watch, run_every=1.0)(run)
    with st.expander(say("calibrate.log"), icon=":material/terminal:"):
        st.code(run.log_tail()[-8000:] or "…", language=None)


run_in_frame(page)

"""Page Calibrate: train a sample of the plan, and compare its forecast with what was measured."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.experiments.profiler import can_be_profiled
from engine.machine import this_machine
from engine.runs.estimate import Estimate
from engine.runs.folder import Phase, Run
from engine.runs.launching.reconcile import reconcile_all
from engine.runs.settings import settings
from pages.parts.calibrate.job import chosen_machine
from pages.parts.calibrate.machine_profile import machine_section
from pages.parts.calibrate.outcome import outcome_section, verdict
from pages.parts.calibrate.practice import practice_offer
from pages.parts.calibrate.preview import recipe_section
from pages.parts.calibrate.tuning import tuning_section
from pages.parts.frame import run_in_frame
from pages.parts.run_views.live import watch
from pages.parts.run_views.runs import curves_section, run_labels, shown_run
from pages.parts.session import text
from pages.parts.tiles import show_answer

_MOST_WATCHED = 4


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("calibrate.question"))
    try:
        allowed = settings()
        machine, here = chosen_machine(allowed), this_machine()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    summaries = [summary for summary in reconcile_all() if summary.unreadable is None]
    runs = [Run.find(summary.run_id) for summary in summaries]
    live = [
        run
        for run, summary in zip(runs, summaries, strict=True)
        if summary.phase and summary.phase.is_live
    ]
    n_queued = sum(summary.phase is Phase.QUEUED for summary in summaries)
    shown = shown_run(runs)
    answer = st.container()
    for run in live[:_MOST_WATCHED]:
        watch(run, run_labels(runs)[run.id])
    if n_queued:
        label = say("calibrate.queued", n=n_queued)
        st.page_link("pages/runs.py", label=label, icon=":material/hourglass_empty:")
    practice_offer(machine)
    estimate = recipe_section(machine, allowed, busy=bool(live or n_queued))
    show_answer(_answer(shown, estimate), answer)
    answer.caption(say("calibrate.intro"))
    _runs_section(runs, shown)
    if can_be_profiled(here):
        machine_section(here, busy=bool(live))
    _search_section()


def _answer(shown: Run | None, estimate: Estimate | None) -> str:
    """Return the answer in a sentence: a verdict, or what a verdict would take and cost."""
    say = text()
    if shown is not None and shown.state.phase.is_over:
        return verdict(shown)
    if shown is not None:
        key, expected = "calibrate.verdict_live", shown.forecast
    elif estimate is not None:
        key, expected = "calibrate.verdict_none_but", estimate.forecast
    else:
        return say("calibrate.verdict_none_yet")
    duration_s = expected.step_time_s.value * expected.steps
    return say(
        key,
        duration=quantities.duration(duration_s, say.language),
        cost=quantities.usd(expected.cost_usd.value, say.language),
    )


def _runs_section(runs: Sequence[Run], shown: Run | None) -> None:
    """Draw the loss curves of the runs, and compare the shown run with its forecast."""
    say = text()
    if shown is None:
        st.caption(say("calibrate.no_runs"))
        return
    curves_section(runs, shown)
    if shown.state.phase.is_over:
        outcome_section(shown, run_labels(runs)[shown.id])
    with st.expander(say("calibrate.log"), icon=":material/terminal:"):
        st.code(shown.log_tail()[-8000:] or "…", language=None, height=360)


def _search_section() -> None:
    """Draw the searches of this machine; they are read only when the section is open."""
    section = st.expander(
        text()("calibrate.search"),
        icon=":material/travel_explore:",
        key="calibrate.search",
        on_change="rerun",
    )
    if section.open:
        with section:
            tuning_section()


run_in_frame(page)

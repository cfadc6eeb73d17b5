"""Is the forecast right? Train a sample for real, and hold the forecast against it."""

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
from pages.parts.calibrate.job import asked_machine
from pages.parts.calibrate.machine_profile import machine_section
from pages.parts.calibrate.outcome import outcome_section, verdict
from pages.parts.calibrate.preview import recipe_section
from pages.parts.calibrate.tuning import tuning_section
from pages.parts.frame import run_in_frame
from pages.parts.run_views.live import watch
from pages.parts.run_views.runs import curves_section, run_labels, shown_run
from pages.parts.session import text

_MOST_WATCHED = 4


def page() -> None:
    say = text()
    st.title(say("calibrate.question"))
    try:
        allowed = settings()
        machine, here = asked_machine(allowed), this_machine()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    seen = [one for one in reconcile_all() if one.unreadable is None]
    runs = [Run.find(one.run_id) for one in seen]
    live = [run for run, one in zip(runs, seen, strict=True) if one.phase and one.phase.is_live]
    n_queued = sum(one.phase is Phase.QUEUED for one in seen)
    shown = shown_run(runs)
    answer = st.container()
    for run in live[:_MOST_WATCHED]:
        watch(run, run_labels(runs)[run.id])
    if n_queued:
        label = say("calibrate.queued", n=n_queued)
        st.page_link("pages/runs.py", label=label, icon=":material/hourglass_empty:")
    quoted = recipe_section(machine, allowed, busy=bool(live or n_queued))
    answer.markdown(f"#### {_answer(shown, quoted)}")
    answer.caption(say("calibrate.intro"))
    _seen_runs(runs, shown)
    if can_be_profiled(here):
        machine_section(here, busy=bool(live))
    _search_section()


def _answer(shown: Run | None, quoted: Estimate | None) -> str:
    """The question answered in a sentence, as far as it can be."""
    say = text()
    if shown is not None and shown.state.phase.is_over:
        return verdict(shown)
    if shown is not None:
        key, expected = "calibrate.verdict_live", shown.forecast
    elif quoted is not None:
        key, expected = "calibrate.verdict_none_but", quoted.forecast
    else:
        return say("calibrate.verdict_none_yet")
    duration_s = expected.step_time_s.value * expected.steps
    return say(
        key,
        duration=quantities.duration(duration_s, say.language),
        cost=quantities.usd(expected.cost_usd.value, say.language),
    )


def _seen_runs(runs: Sequence[Run], shown: Run | None) -> None:
    """The runs of this machine: over each other, and one beside its forecast."""
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
    """Searches of this machine; looked up once somebody wants to see them."""
    place = st.expander(
        text()("calibrate.search"),
        icon=":material/travel_explore:",
        key="calibrate.search",
        on_change="rerun",
    )
    if place.open:
        with place:
            tuning_section()


run_in_frame(page)

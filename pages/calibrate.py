"""Is the forecast right? Train a sample for real, and hold the forecast against it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.machine import this_machine
from engine.runs import launch
from engine.runs.folder import Run, all_runs
from engine.runs.profiler import can_be_profiled
from engine.runs.quote import Quote
from pages.parts.calibrate_live import watch
from pages.parts.calibrate_outcome import outcome_section, verdict
from pages.parts.calibrate_preview import recipe_section
from pages.parts.calibrate_runs import curves_section, run_labels, shown_run
from pages.parts.frame import run_in_frame
from pages.parts.machine_profile import machine_section
from pages.parts.session import text
from pages.parts.tuning import tuning_section

_MOST_WATCHED = 4


def page() -> None:
    say = text()
    st.title(say("calibrate.question"))
    try:
        machine = this_machine()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    runs = all_runs()
    live = [run for run in runs if not launch.look(run).is_over]
    shown = shown_run(runs)
    answer = st.container()
    for run in live[:_MOST_WATCHED]:
        watch(run, run_labels(runs)[run.id])
    quoted = recipe_section(machine, busy=bool(live))
    answer.markdown(f"#### {_answer(shown, quoted)}")
    answer.caption(say("calibrate.intro"))
    _seen_runs(runs, shown)
    if can_be_profiled(machine):
        machine_section(machine, busy=bool(live))
    _search_section()


def _answer(shown: Run | None, quoted: Quote | None) -> str:
    """The question answered in a sentence, as far as it can be."""
    say = text()
    if shown is not None and launch.look(shown).is_over:
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
    if launch.look(shown).is_over:
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

"""The next run's back end, its priority in the queue, and its spending limit."""

from __future__ import annotations

import streamlit as st

from engine.machine import Machine
from engine.runs.back_ends import back_end
from engine.runs.job import BackEndName, Job
from engine.runs.settings import Settings
from pages.parts.session import text

_BACK_END = "calibrate.back_end"
_PRIORITY = "calibrate.priority"
_LIMIT = "calibrate.spending_limit_usd"


def chosen_machine(allowed: Settings) -> Machine:
    """Return the machine of the chosen back end; recipes and forecasts are made for it."""
    return back_end(_chosen(allowed)).machine(allowed)


def chosen_job(allowed: Settings) -> Job:
    """Return the job that the fields describe.

    Raises
    ------
    InputError
        For the first field that is not allowed.
    """
    return Job.parse(
        {
            "back_end": _chosen(allowed),
            "priority": st.session_state.get(_PRIORITY, 0),
            "spending_limit_usd": st.session_state.get(_LIMIT),
        }
    )


def job_form(allowed: Settings) -> None:
    """Draw the fields of the job; back ends can be chosen if more than this machine is set up."""
    say = text()
    with st.expander(say("calibrate.where"), icon=":material/dns:"):
        if len(allowed.configured) > 1:
            key = f"{_BACK_END}#{say.language}"
            st.session_state[key] = _chosen(allowed)
            st.pills(
                say("calibrate.back_end"),
                allowed.configured,
                format_func=lambda name: say(f"runs.back_end.{name}"),
                required=True,
                key=key,
                on_change=_choose,
                args=(key,),
            )
        left, right = st.columns(2)
        left.number_input(
            say("calibrate.priority"),
            min_value=-100,
            max_value=100,
            value=0,
            help=say("calibrate.priority_help"),
            key=_PRIORITY,
            persist_state="session",
        )
        right.number_input(
            say("calibrate.spending_limit"),
            min_value=0.0,
            value=None,
            step=1.0,
            format="%.12g",
            placeholder=say("runs.no_limit"),
            help=say("calibrate.spending_limit_help"),
            key=_LIMIT,
            persist_state="session",
        )


def _choose(key: str) -> None:
    st.session_state[_BACK_END] = st.session_state[key]


def _chosen(allowed: Settings) -> BackEndName:
    chosen = st.session_state.get(_BACK_END)
    return next((name for name in allowed.configured if name == chosen), "local")

"""The six steps of a new company: step bar, one question a screen, and the live results."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from engine.documents import InputError
from pages.parts.session import scenario_session, text
from pages.parts.start.company_steps import ensure_sales, money_step, people_step, sales_step
from pages.parts.start.model_steps import compute_step, make_step, size_step
from pages.parts.start.opening import open_new
from pages.parts.start.result import LiveResult, draw_strip, live_result, started
from pages.parts.start.state import STEPS, StartState, start_state

_DRAWN: dict[str, Callable[[], None]] = {
    "make": make_step,
    "size": size_step,
    "compute": compute_step,
    "sales": sales_step,
    "people": people_step,
    "money": money_step,
}


@st.fragment
def draw_wizard() -> None:
    """Draw the current step. It is a fragment, so that a typed value redraws the step only."""
    state, say = start_state(), text()
    _step_bar(state)
    step = STEPS[state.step]
    if step == "sales":
        ensure_sales(state)
    with st.container(border=True, key="start_step"):
        st.header(say(f"start.step.{step}.question"), anchor=False)
        st.caption(say(f"start.step.{step}.note"))
        _DRAWN[step]()
    result = live_result(state)
    if not isinstance(result, InputError):
        st.caption(say("start.mine", own=result.own, n=result.stated))
    with st.container(key="start_footer"):
        draw_strip(result)
        _navigation(state, result)


def _step_bar(state: StartState) -> None:
    say = text()
    with st.container(horizontal=True, key="start_steps", gap="small"):
        for number, step in enumerate(STEPS):
            st.button(
                f"{number + 1} {say(f'start.step.{step}.title')}",
                key=f"start.step.{step}",
                type="primary" if number == state.step else "tertiary",
                on_click=state.go,
                args=(number,),
            )


def _navigation(state: StartState, result: LiveResult | InputError) -> None:
    say = text()
    last = state.step == len(STEPS) - 1
    refused = isinstance(result, InputError)
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.step == 0:
            if st.button(say("start.leave"), key="start.leave", icon=":material/close:"):
                state.show("home")
                st.rerun()
        else:
            st.button(
                say("start.back"),
                key="start.back",
                icon=":material/arrow_back:",
                on_click=state.go,
                args=(state.step - 1,),
            )
        if not last:
            st.button(
                say("start.next"),
                key="start.next",
                type="primary",
                icon=":material/arrow_forward:",
                on_click=state.go,
                args=(state.step + 1,),
            )
        create = st.button(
            say("start.create" if last else "start.skip"),
            key="start.create",
            type="primary" if last else "secondary",
            icon=":material/done_all:",
            disabled=refused or bool(state.errors),
            help=None if last else say("start.skip_help"),
        )
    if state.errors:
        st.markdown(f":red[:material/error: {say('start.mend_first')}]")
    if create:
        _create(state)


def _create(state: StartState) -> None:
    """Store the scenario, open it, and show its summary."""
    try:
        made = started(state)
    except InputError as error:
        scenario_session().refuse(error)
        return
    open_new(made.scenario)
    state.finish()
    st.switch_page("pages/summary.py")

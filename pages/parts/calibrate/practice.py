"""Offer of the practice model, whose whole run fits on this machine."""

from __future__ import annotations

import streamlit as st

from engine.machine import Machine
from pages.parts.session import scenario_session, text

PRACTICE_SCENARIO = "laptop"
"""Sample whose training run takes minutes on any machine."""


def practice_offer(machine: Machine) -> None:
    """Offer the practice model if the plan that is open is for other devices than this machine."""
    session, say = scenario_session(), text()
    planned = session.draft.plan.cluster.accelerator
    if session.stored.id == PRACTICE_SCENARIO or planned == machine.device.accelerator:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say("calibrate.practice", planned=planned))
        st.button(
            say("calibrate.practise"),
            key="calibrate.practise",
            icon=":material/exercise:",
            on_click=session.open_stored,
            args=(PRACTICE_SCENARIO,),
        )

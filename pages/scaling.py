"""Page Scaling: scaling laws for a budget, for your own runs, and for repeated data."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import run_in_frame
from pages.parts.scaling.budget import draw_budget
from pages.parts.scaling.repeated import draw_repeated
from pages.parts.scaling.runs import draw_runs
from pages.parts.session import text

_TABS = ("budget", "runs", "repeated")


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("scaling.question"))
    answer = st.container()
    budget, runs, repeated = st.tabs([say(f"scaling.tab.{name}") for name in _TABS])
    with budget:
        spent = draw_budget(answer)
    with runs:
        draw_runs()
    with repeated:
        draw_repeated(spent)


run_in_frame(page)

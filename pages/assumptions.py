"""Page Assumptions: every input with its value, its origin and what it moves."""

from __future__ import annotations

import streamlit as st

from finance.verdict.register import number_of_own, register, register_csv
from pages.parts.assumptions.table import draw_table
from pages.parts.found_drivers import found_drivers
from pages.parts.frame import run_in_frame
from pages.parts.session import draft, text
from pages.parts.tiles import show_answer


def page() -> None:
    """Draw the page."""
    say, scenario = text(), draft()
    st.title(say("assumptions.question"))
    own, n = number_of_own(register(scenario))
    key = "answer_none" if own == 0 else "answer_all" if own == n else "answer"
    show_answer(say(f"assumptions.{key}", own=own, n=n))
    rows = register(scenario, found_drivers(scenario, st.empty()))
    draw_table(rows)
    st.download_button(
        say("assumptions.download"),
        register_csv(rows),
        "assumptions.csv",
        "text/csv",
        key="register.download",
        icon=":material/download:",
        on_click="ignore",
    )


run_in_frame(page)

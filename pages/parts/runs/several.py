"""Actions on several chosen runs: compare, archive or delete them together."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.runs import lifecycle
from engine.runs.observing.summary import Summary
from pages.parts.run_views.charts import RUN_COLORS
from pages.parts.run_views.runs import compare_runs
from pages.parts.run_views.wording import run_action, run_of, show_refusal
from pages.parts.runs.choice import delete
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown


def several_section(chosen: Sequence[Summary]) -> None:
    """Draw the actions for all chosen runs."""
    say = text()
    with st.container(border=True):
        st.subheader(say("runs.chosen", n=len(chosen)))
        st.caption(" · ".join(escaped_markdown(summary.name) for summary in chosen))
        row = st.container(horizontal=True)
        comparable = [summary.run_id for summary in chosen if not summary.unreadable]
        if row.button(
            say("runs.compare"),
            key="compare",
            type="primary",
            icon=":material/stacked_line_chart:",
            help=say("runs.compare_help", n=len(RUN_COLORS)),
            disabled=not 1 <= len(comparable) <= len(RUN_COLORS),
        ):
            compare_runs(comparable)
            st.switch_page("pages/calibrate.py")
        row.button(
            say("runs.archive"),
            key="archive_all",
            icon=":material/archive:",
            on_click=run_action,
            args=("details", _archive_all, chosen),
        )
        row.button(
            say("runs.delete"),
            key="delete_all",
            icon=":material/delete:",
            on_click=delete,
            args=(chosen,),
        )
        show_refusal("details")


def _archive_all(chosen: Sequence[Summary]) -> None:
    for summary in chosen:
        lifecycle.archive(run_of(summary))

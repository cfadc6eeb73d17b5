"""Page Runs: every run of this installation, running, queued or ended."""

from __future__ import annotations

import streamlit as st

from engine.documents import InputError
from engine.runs.launching.reconcile import reconcile_all
from engine.runs.settings import Settings, settings
from pages.parts.frame import run_in_frame
from pages.parts.runs.history import history_section
from pages.parts.runs.installation import installation_section
from pages.parts.runs.now import now_section
from pages.parts.session import text


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("runs.question"))
    try:
        allowed = settings()
    except InputError as error:  # nothing starts until they are corrected; the page still works
        st.error(error.in_language(say.language), icon=":material/block:")
        allowed = Settings()
    summaries = reconcile_all()
    now_section(summaries, allowed)
    history_section(summaries)
    installation_section(allowed)


run_in_frame(page)

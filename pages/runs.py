"""What runs, what waits, what came of it? Every run of this installation."""

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
    say = text()
    st.title(say("runs.question"))
    try:
        allowed = settings()
    except InputError as error:  # nothing starts before it is put right; all else goes on
        st.error(error.in_language(say.language), icon=":material/block:")
        allowed = Settings()
    seen = reconcile_all()
    now_section(seen, allowed)
    history_section(seen)
    installation_section(allowed)


run_in_frame(page)

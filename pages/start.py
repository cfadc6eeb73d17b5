"""Page Start: my scenarios, and new ones from six questions, a template or a spreadsheet."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import run_in_frame
from pages.parts.session import text
from pages.parts.start.home import draw_home
from pages.parts.start.importing import draw_import
from pages.parts.start.state import start_state
from pages.parts.start.wizard import draw_wizard


def page() -> None:
    """Draw the page."""
    say, view = text(), start_state().view
    if view == "new":
        st.title(say("start.new_question"), anchor=False)
        draw_wizard()
    elif view == "import":
        st.title(say("start.import_question"), anchor=False)
        draw_import()
    else:
        st.title(say("start.question"), anchor=False)
        draw_home()


run_in_frame(page)

"""Page Start: my scenarios, and new ones."""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import run_in_frame
from pages.parts.session import text


def page() -> None:
    """Draw the page."""
    st.title(text()("start.question"))


run_in_frame(page)

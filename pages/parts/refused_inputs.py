"""One line above every page that names the inputs that are not accepted, with ways to them."""

from __future__ import annotations

import streamlit as st

from pages.parts.field_errors import entry_names
from pages.parts.field_words import page_of, place_in_words
from pages.parts.jump import prepare_jump
from pages.parts.page_list import OPEN_PAGE
from pages.parts.session import scenario_session, text
from pages.parts.user_text import escaped_markdown

MOST_NAMED = 4
"""Greatest number of inputs that the line names."""


def draw_refused_inputs() -> None:
    """Draw the line, if an input is not accepted; a click on a name leads to the field."""
    session, say = scenario_session(), text()
    if not session.errors:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="refused_inputs"):
        line = say("field_error.summary", n=len(session.errors))
        st.markdown(f":red[:material/error: {line}]", width="content")
        for path in list(session.errors)[:MOST_NAMED]:
            _way_to(path)
        if len(session.errors) > MOST_NAMED:
            st.markdown("…", width="content")
        st.button(
            say("field_error.discard"),
            key="discard_refused",
            type="tertiary",
            icon=":material/settings_backup_restore:",
            help=say("field_error.discard_help"),
            on_click=session.drop_errors,
        )


def _way_to(path: str) -> None:
    """Draw a button that leads to the field of a refused input."""
    page, session = page_of(path), scenario_session()
    is_here = page in (None, st.session_state.get(OPEN_PAGE))
    names = entry_names(session.draft.model_dump(mode="json"), path)
    name = place_in_words(text(), path, names, with_page=not is_here)
    is_clicked = st.button(
        escaped_markdown(name),
        key=f"jump.{path}",
        type="tertiary",
        on_click=prepare_jump,
        args=(path,),
    )
    if is_clicked and not is_here:
        st.switch_page(f"pages/{page}.py")

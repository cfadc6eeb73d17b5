"""One line above every page that names the inputs that are not accepted, with links to them."""

from __future__ import annotations

import html
from collections.abc import Iterable

import streamlit as st

from pages.parts.field_errors import entry_names
from pages.parts.field_words import page_of, place_in_words
from pages.parts.fields import anchor_of
from pages.parts.page_list import OPEN_PAGE, PAGES
from pages.parts.session import ScenarioSession, scenario_session, text
from pages.parts.user_text import escaped_markdown

PAGE_NAMES = frozenset(page.name for page in PAGES)
MOST_NAMED = 5
"""Greatest number of inputs that the line names."""


def draw_refused_inputs() -> None:
    """Draw the line, if an input is not accepted; a link leads to each field."""
    session, say = scenario_session(), text()
    if not session.errors:
        return
    here, elsewhere = _by_page(list(session.errors)[:MOST_NAMED])
    names = [_link(session, path) for path in here]
    line = say("field_error.summary", n=len(session.errors))
    with st.container(horizontal=True, vertical_alignment="center", key="refused_inputs"):
        st.markdown(
            f":red[:material/error: {line}] {say('field_error.between').join(names)}",
            unsafe_allow_html=True,
            width="content",
        )
        for path, page in elsewhere.items():
            name = escaped_markdown(_name(session, path, with_page=True))
            st.page_link(f"pages/{page}.py", label=name, width="content")
        st.button(
            say("field_error.discard"),
            key="discard_refused",
            type="tertiary",
            icon=":material/settings_backup_restore:",
            help=say("field_error.discard_help"),
            on_click=session.drop_errors,
        )


def _by_page(paths: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Return the paths of fields on the open page, and those on other pages with their page."""
    here, elsewhere, open_page = list[str](), dict[str, str](), st.session_state.get(OPEN_PAGE)
    for path in paths:
        page = page_of(path)
        if page is None or page == open_page or page not in PAGE_NAMES:
            here.append(path)
        else:
            elsewhere[path] = page
    return here, elsewhere


def _link(session: ScenarioSession, path: str) -> str:
    """Return a link to the field of a refused input on the open page, by its name."""
    name = html.escape(_name(session, path, with_page=False))
    return f'<a href="#{anchor_of(path)}" target="_self">{escaped_markdown(name)}</a>'


def _name(session: ScenarioSession, path: str, *, with_page: bool) -> str:
    names = entry_names(session.draft.model_dump(mode="json"), path)
    return place_in_words(text(), path, names, with_page=with_page)

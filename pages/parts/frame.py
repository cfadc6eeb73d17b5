"""The frame of every page: the bar above it with the scenario, its actions, and the language."""

from __future__ import annotations

import runpy
from collections.abc import Callable

import streamlit as st

from engine.paths import PROJECT_DIR
from engine.text import LANGUAGES
from pages.parts.currency_choice import choose_currency, show_rate
from pages.parts.page_list import OPEN_PAGE, PAGES_OF_THE_MACHINE, SHOWS_SHARED
from pages.parts.refused_inputs import draw_refused_inputs
from pages.parts.scenarios.banners import draw_banners
from pages.parts.scenarios.browser import ask_browser_to_keep_id
from pages.parts.scenarios.files import draw_files
from pages.parts.scenarios.menu import draw_deleted_line, draw_scenario_menu
from pages.parts.scenarios.saving import draw_save, draw_saved_state
from pages.parts.scenarios.sharing import draw_share, end_revoked_share
from pages.parts.scenarios.undo import draw_undo
from pages.parts.session import ScenarioSession, scenario_session, text
from pages.parts.streamlit_private import page_runs_without_app
from pages.parts.tiles import reserve_strip

_LANGUAGE_CHANGED = "language_changed"


def run_in_frame(page: Callable[[], None]) -> None:
    """Draw a page; run ``app.py`` first if the server has not, so that the page has its frame.

    A new server runs the requested page without ``app.py``. The first user who follows a link to
    a page would see it without navigation.
    """
    if page_runs_without_app():
        runpy.run_path(str(PROJECT_DIR / "app.py"))
    else:
        _draw_in_frame(page)


@st.fragment
def _draw_in_frame(page: Callable[[], None]) -> None:
    """Draw the bar and the page.

    Both are one fragment, so that a changed field does not run ``app.py`` and draw the navigation.
    """
    is_shared = scenario_session().share is not None
    if (
        st.session_state.pop(_LANGUAGE_CHANGED, False)
        or st.session_state.get(SHOWS_SHARED, is_shared) != is_shared
    ):
        st.rerun()  # the navigation is drawn by app.py
    draw_frame()
    if is_shared and st.session_state.get(OPEN_PAGE) in PAGES_OF_THE_MACHINE:
        st.title(text()("share.share"), anchor=False)
        st.info(text()("share.page_not_shared"), icon=":material/visibility_off:")
    else:
        page()


def draw_frame() -> None:
    """Draw the bar, and below it what a user must know about the open scenario."""
    session, say = scenario_session(), text()
    end_revoked_share(session)
    ask_browser_to_keep_id(session.know_browser)
    _set_address(session)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="top_bar"):
        draw_scenario_menu()
        draw_saved_state(session)
        if not session.is_read_only:
            draw_save(session)
            draw_undo(session)
        st.space("stretch")
        if not session.is_read_only:
            draw_share()
            draw_files(session)
        _language()
        choose_currency()
    show_rate()
    draw_banners(session)
    draw_deleted_line()
    reserve_strip()
    if session.error is not None:
        st.error(session.error.in_language(say.language), icon=":material/block:")
    draw_refused_inputs()


def _set_address(session: ScenarioSession) -> None:
    """Set the scenario in the address, because navigation drops the query string.

    A shared view keeps its token there, and never has the id, with which its owner edits.
    """
    if session.share is not None:
        st.query_params.pop("s", None)
        st.query_params["share"] = session.share_token
    else:
        st.query_params.pop("share", None)
        st.query_params["s"] = session.stored.id


def _language() -> None:
    st.selectbox(
        text()("frame.language"),
        options=list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        index=list(LANGUAGES).index(st.session_state["language"]),
        key="language_choice",
        on_change=_choose_language,
        label_visibility="collapsed",
        width=120,
    )


def _choose_language() -> None:
    st.session_state["language"] = st.session_state["language_choice"]
    st.session_state[_LANGUAGE_CHANGED] = True
    scenario_session().redraw()  # a select box returns its option by label, and labels changed

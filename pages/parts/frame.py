"""The frame of every page: the bar above it with the scenario, its actions, and the language."""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from engine.paths import PROJECT_DIR
from engine.text import LANGUAGES
from pages.parts.currency_choice import choose_currency, show_rate
from pages.parts.fields import field
from pages.parts.refused_inputs import draw_refused_inputs
from pages.parts.session import ScenarioSession, scenario_session, store, text
from pages.parts.streamlit_private import page_runs_without_app

FORM_STYLE = PROJECT_DIR / "pages" / "styles" / "forms.css"
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
    if st.session_state.pop(_LANGUAGE_CHANGED, False):
        st.rerun()  # the titles in the navigation are drawn by app.py
    draw_frame()
    page()


def draw_frame() -> None:
    """Draw the bar, and below it the error or the conflict of the last action."""
    session, say = scenario_session(), text()
    st.html(FORM_STYLE)
    # Navigation drops the query string. Set it again, so that the address is always a share link.
    st.query_params["s"] = session.stored.id
    with st.container(horizontal=True, vertical_alignment="center", key="top_bar"):
        _choose_scenario(session)
        _saved_state(session)
        _save(session)
        st.space("stretch")
        _exchange(session)
        _language()
        choose_currency()
    show_rate()
    if session.error is not None:
        st.error(session.error.in_language(say.language), icon=":material/block:")
    draw_refused_inputs()
    if session.conflict is not None:
        with st.container(border=True):
            st.warning(say("frame.conflict", version=session.conflict.current_version))
            st.button(
                say("frame.open_theirs", version=session.conflict.current_version),
                key="open_theirs",
                on_click=session.open_stored,
                args=(session.stored.id,),
            )


def _choose_scenario(session: ScenarioSession) -> None:
    say = text()
    names = store().names()
    counted = Counter(names.values())
    labels = {
        scenario_id: name if counted[name] == 1 else f"{name} ({scenario_id})"
        for scenario_id, name in names.items()
    }
    ids = list(labels)
    # A select box returns its option by label, so other labels need a box with another key.
    key = f"scenario#{session.revision}.{hash(tuple(labels.items()))}"
    st.selectbox(
        say("frame.scenario"),
        options=ids,
        index=ids.index(session.stored.id),
        format_func=labels.__getitem__,
        key=key,
        on_change=_open_chosen,
        args=(key,),
        help=say("frame.scenario_help"),
        label_visibility="collapsed",
        width=260,
    )


def _saved_state(session: ScenarioSession) -> None:
    say = text()
    if session.is_changed:
        st.badge(say("frame.unsaved"), icon=":material/edit:", color="orange")
    else:
        st.badge(
            say("frame.saved", version=session.stored.version),
            icon=":material/check:",
            color="green",
        )


def _save(session: ScenarioSession) -> None:
    say = text()
    st.button(
        say("frame.save"),
        key="save",
        type="primary",
        icon=":material/save:",
        on_click=session.save,
        disabled=not session.is_changed,
    )
    st.button(
        say("frame.undo"),
        key="undo",
        icon=":material/undo:",
        on_click=session.undo,
        disabled=not session.kept.steps.earlier,
    )
    st.button(
        say("frame.copy"),
        key="save_copy",
        icon=":material/content_copy:",
        on_click=session.save_copy,
    )


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


def _exchange(session: ScenarioSession) -> None:
    say = text()
    with st.popover(say("frame.share"), icon=":material/share:"):
        field("name")
        st.caption(say("frame.share_help"))
        st.code(_share_link(session), language=None)
        st.download_button(
            say("frame.download"),
            session.draft.to_toml(),
            f"{session.stored.id}.toml",
            key="download",
            icon=":material/download:",
            on_click="ignore",
        )
        uploaded = st.file_uploader(
            say("frame.upload"),
            type=["toml"],
            key=f"upload#{session.revision}",
            help=say("frame.upload_help"),
        )
        if uploaded is not None:
            session.import_toml(uploaded.getvalue(), uploaded.name)
            st.rerun()


def _share_link(session: ScenarioSession) -> str:
    """Return the address of the app in this browser, with the saved scenario."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, "/", f"s={session.stored.id}", ""))


def _open_chosen(key: str) -> None:
    scenario_session().open_stored(st.session_state[key])


def _choose_language() -> None:
    st.session_state["language"] = st.session_state["language_choice"]
    st.session_state[_LANGUAGE_CHANGED] = True
    scenario_session().redraw()  # a select box returns its option by label, and labels changed

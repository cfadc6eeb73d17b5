"""Saved state, saving with a note, and the history of versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from finance.scenarios.store import SavedVersion
from finance.scenarios.tables import NOTE_LENGTH
from pages.parts.scenarios.banners import local_time
from pages.parts.scenarios.browser import keeps_no_id
from pages.parts.scenarios.wording import described_all, draw_changes
from pages.parts.session import ScenarioSession, scenario_session, store, text
from pages.parts.user_text import escaped_markdown

_MOST_VERSIONS = 50
_MENU = "versions_menu"
_OPEN_HISTORY = "opens_history"
_ACTED = "versions_menu_acted"


def draw_saved_state(session: ScenarioSession) -> None:
    """Draw whether the draft is saved: as a version, or as a draft of this browser."""
    say = text()
    color: Literal["gray", "orange", "green"]
    if session.is_read_only:
        label, color, icon = say("saving.read_only"), "gray", ":material/visibility:"
    elif session.is_sample and not session.is_changed:
        label, color, icon = say("saving.sample"), "gray", ":material/school:"
    elif session.is_changed:
        key = "draft_in_tab" if keeps_no_id() else "draft"
        label, color, icon = say(f"saving.{key}"), "orange", ":material/edit:"
    else:
        when = local_time(session.stored.saved_at, say.language)
        words = say("saving.saved", version=session.stored.version, when=when)
        label, color, icon = words, "green", ":material/check:"
    st.badge(label, icon=icon, color=color, help=_help(session))


def draw_save(session: ScenarioSession) -> None:
    """Draw the button that saves, and the menu with a note, a copy and the history."""
    say = text()
    st.button(
        say("saving.save"),
        key="save",
        type="primary",
        icon=":material/save:",
        on_click=session.save,
        disabled=not session.is_changed or session.conflict is not None,
    )
    with st.container(width="content"):
        _versions_menu()
    if st.session_state.pop(_OPEN_HISTORY, False):
        st.dialog(say("history.title"), width="large")(_history)()


@st.fragment
def _versions_menu() -> None:
    if st.session_state.pop(_ACTED, False):
        st.rerun()  # a button in a fragment runs only the fragment again
    session, say = scenario_session(), text()
    menu = st.popover(
        say("saving.versions"),
        icon=":material/history:",
        type="tertiary",
        key=_MENU,
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        key = f"version_note#{session.revision}"
        st.text_input(
            say("saving.note"),
            key=key,
            max_chars=NOTE_LENGTH,
            placeholder=say("saving.note_example"),
        )
        st.button(
            say("saving.save_with_note"),
            key="save_with_note",
            icon=":material/save:",
            on_click=_save_with_note,
            args=(key,),
            disabled=not session.is_changed or session.conflict is not None,
        )
        st.button(
            say("saving.copy"),
            key="save_copy",
            icon=":material/content_copy:",
            on_click=_save_copy,
        )
        st.button(
            say("saving.history"),
            key="open_history",
            icon=":material/history:",
            on_click=_open_history,
            disabled=session.is_sample,
        )


def _save_with_note(key: str) -> None:
    scenario_session().save(st.session_state[key].strip())
    _close()


def _save_copy() -> None:
    scenario_session().save_copy()
    _close()


def _open_history() -> None:
    st.session_state[_OPEN_HISTORY] = True
    _close()


def _act(action: Callable[[int], None], version: int) -> None:
    action(version)
    st.session_state[_ACTED] = True


def _close() -> None:
    st.session_state[_MENU] = False
    st.session_state[_ACTED] = True


def _help(session: ScenarioSession) -> str | None:
    say = text()
    if session.is_read_only:
        return None
    if session.is_sample:
        return say("saving.sample_help")
    return say("draft.in_this_tab" if keeps_no_id() else "saving.draft_help")


def _history() -> None:
    if st.session_state.pop(_ACTED, False):
        st.rerun()  # closes the dialog and draws the page
    session, say = scenario_session(), text()
    versions = store().history(session.stored.id)
    shown = versions[:_MOST_VERSIONS]
    tab_list, tab_compare = st.tabs([say("history.list"), say("history.compare")])
    with tab_list:
        for place, version in enumerate(shown):
            before = versions[place + 1] if place + 1 < len(versions) else None
            _version(session, version, before)
    with tab_compare:
        _compare(versions)


def _version(session: ScenarioSession, version: SavedVersion, before: SavedVersion | None) -> None:
    say = text()
    with st.container(border=True, gap="small"):
        when = local_time(version.saved_at, say.language)
        by = "here" if version.browser == session.browser else "elsewhere"
        author = "" if version.browser is None else f" · {say(f'history.saved_{by}')}"
        with st.container(horizontal=True, vertical_alignment="center"):
            note = f" — {escaped_markdown(version.note)}" if version.note else ""
            title = say("history.version", version=version.version)
            st.markdown(f"**{title}**{note}  \n:small[{when}{author}]", width="stretch")
            st.button(
                say("history.view"),
                key=f"view.{version.version}",
                icon=":material/visibility:",
                on_click=_act,
                args=(session.view_version, version.version),
            )
            st.button(
                say("history.restore"),
                key=f"restore.{version.version}",
                icon=":material/restore:",
                on_click=_act,
                args=(session.restore_version, version.version),
            )
        if before is None:
            st.caption(say("history.first"))
        else:
            draw_changes(described_all(before.document, version.document))


def _compare(versions: list[SavedVersion]) -> None:
    say = text()
    by_number = {version.version: version for version in versions}
    if len(by_number) < 2:
        st.caption(say("history.single"))
        return
    left, right = st.columns(2)
    options = list(by_number)
    old = left.selectbox(
        say("history.from"),
        options,
        index=1,
        format_func=lambda number: say("history.version", version=number),
        key="compare_from",
    )
    new = right.selectbox(
        say("history.to"),
        options,
        index=0,
        format_func=lambda number: say("history.version", version=number),
        key="compare_to",
    )
    draw_changes(described_all(by_number[old].document, by_number[new].document), most=None)

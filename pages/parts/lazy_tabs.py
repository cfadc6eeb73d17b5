"""Tabs of which only the open one is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pages.parts.session import text


def open_tab_key(name: str) -> str:
    """Return the key in the session's state of the code of the open tab.

    ``name`` is the name of the group of tabs.
    """
    return f"open_tab.{name}"


def open_tab(name: str, code: str) -> None:
    """Open a tab in the next run of its page."""
    st.session_state[open_tab_key(name)] = code
    st.session_state[_requested_key(name)] = code


def lazy_tabs(name: str, drawn: Mapping[str, Callable[[], None]], label_prefix: str) -> None:
    """Draw tabs, and the content of the open one.

    Parameters
    ----------
    name
        Name of the group of tabs, unique in the app. The open tab survives a change of page and
        of language.
    drawn
        Function that draws the content of each tab, by the tab's code.
    label_prefix
        Start of the catalog keys of the labels; the tab's code follows it.
    """
    say, key = text(), f"tabs.{name}#{text().language}"
    labels = {code: say(f"{label_prefix}{code}") for code in drawn}
    opened = st.session_state.get(open_tab_key(name))
    requested = st.session_state.pop(_requested_key(name), None)
    if requested in labels:
        st.session_state[key] = labels[requested]
    containers = st.tabs(
        list(labels.values()),
        default=None if opened is None else labels.get(opened),
        key=key,
        on_change=_remember,
        args=(name, key, {label: code for code, label in labels.items()}),
    )
    for container, draw_content in zip(containers, drawn.values(), strict=True):
        if container.open:
            with container:
                draw_content()


def _requested_key(name: str) -> str:
    return f"requested_tab.{name}"


def _remember(name: str, key: str, codes: Mapping[str, str]) -> None:
    st.session_state[open_tab_key(name)] = codes[st.session_state[key]]

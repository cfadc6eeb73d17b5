"""How a run is named, badged and acted on, on every part of the page Runs."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Literal

import streamlit as st

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.folder import Run
from engine.runs.observing.overview import state_of
from engine.runs.observing.summary import Summary
from pages.parts.session import text

BadgeColor = Literal["red", "orange", "blue", "green", "gray"]

STATES: dict[str, tuple[str, BadgeColor]] = {
    "queued": (":material/hourglass_empty:", "gray"),
    "starting": (":material/play_circle:", "blue"),
    "preparing": (":material/play_circle:", "blue"),
    "training": (":material/play_circle:", "blue"),
    "succeeded": (":material/check_circle:", "green"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/cancel:", "gray"),
    "stopped": (":material/pause_circle:", "orange"),
    "unreadable": (":material/broken_image:", "red"),
}
"""Icon and colour of each."""

_REFUSED = "runs.refused"


def run_of(one: Summary) -> Run:
    """Its folder, which may be one that cannot be read."""
    return Run(runs_dir() / one.run_id)


def state_word(state: str) -> str:
    return text()("runs.unreadable" if state == "unreadable" else f"phase.{state}")


def state_badge(one: Summary) -> None:
    state = state_of(one)
    icon, color = STATES[state]
    st.badge(state_word(state), icon=icon, color=color)


def local(time: datetime.datetime | None) -> datetime.datetime | None:
    """By the clock on this machine's wall, as pandas and people want it."""
    return None if time is None else time.astimezone().replace(tzinfo=None)


def act(place: str, action: Callable[..., object], *args: object) -> None:
    """Do what a button is for; why that is not allowed is said at its ``place``."""
    st.session_state.pop(_REFUSED, None)
    try:
        action(*args)
    except InputError as error:
        st.session_state[_REFUSED] = (place, error)


def say_refused(place: str) -> None:
    """The line about what was refused here last, if anything was."""
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == place:
        st.error(refused[1].in_language(text().language), icon=":material/block:")

"""Names, badges and actions of runs, for all sections of the page Runs."""

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
"""Icon and colour of each state."""

_REFUSED = "runs.refused"


def run_of(summary: Summary) -> Run:
    """Return the run of a summary; its folder may be unreadable."""
    return Run(runs_dir() / summary.run_id)


def state_name(state: str) -> str:
    """Return the name of a state in the session's language."""
    return text()("runs.unreadable" if state == "unreadable" else f"phase.{state}")


def state_badge(summary: Summary) -> None:
    """Draw the state of a run as a badge."""
    state = state_of(summary)
    icon, color = STATES[state]
    st.badge(state_name(state), icon=icon, color=color)


def local_time(time: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time in this machine's time zone, without the zone, as pandas needs it."""
    return None if time is None else time.astimezone().replace(tzinfo=None)


def run_action(section: str, action: Callable[..., object], *args: object) -> None:
    """Call a button's action; if it is refused, :func:`show_refusal` shows why in ``section``."""
    st.session_state.pop(_REFUSED, None)
    try:
        action(*args)
    except InputError as error:
        st.session_state[_REFUSED] = (section, error)


def show_refusal(section: str) -> None:
    """Show the error of the last action if it was refused in this section."""
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == section:
        st.error(refused[1].in_language(text().language), icon=":material/block:")

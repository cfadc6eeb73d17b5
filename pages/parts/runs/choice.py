"""Which runs the page is about, and which were deleted last: known by their ids."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.runs import lifecycle
from engine.runs.observing.summary import Summary
from pages.parts.run_views.wording import act, run_of

_CHOSEN = "runs.chosen"
_DELETED = "runs.deleted"


def choose(run_ids: Sequence[str]) -> None:
    """Make these the runs whose details stand below the table."""
    st.session_state[_CHOSEN] = list(run_ids)


def chosen_ids() -> list[str]:
    found: list[str] = st.session_state.get(_CHOSEN, [])
    return found


def delete(runs: Sequence[Summary]) -> None:
    """Move them to the trash; what was deleted last can be had back by one button."""
    act("history", _delete, runs)


def _delete(runs: Sequence[Summary]) -> None:
    gone: dict[str, str] = {}
    st.session_state[_DELETED] = gone
    for one in runs:
        lifecycle.delete(run_of(one))
        gone[one.run_id] = one.name


def deleted() -> dict[str, str]:
    """Names by ids of what was deleted last."""
    found: dict[str, str] = st.session_state.get(_DELETED, {})
    return found


def undo() -> None:
    """Bring back what was deleted last."""
    gone = dict(deleted())
    forget_deleted()
    for run_id in gone:
        act("history", lifecycle.restore, run_id)
    choose(list(gone))


def forget_deleted() -> None:
    st.session_state.pop(_DELETED, None)

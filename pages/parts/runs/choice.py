"""The chosen runs and those deleted last, by their ids in the session state."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.runs import lifecycle
from engine.runs.observing.summary import Summary
from pages.parts.run_views.wording import run_action, run_of

_CHOSEN = "runs.chosen"
_DELETED = "runs.deleted"


def choose(run_ids: Sequence[str]) -> None:
    """Make these the runs whose details are below the table."""
    st.session_state[_CHOSEN] = list(run_ids)


def chosen_ids() -> list[str]:
    """Return the ids of the chosen runs."""
    found: list[str] = st.session_state.get(_CHOSEN, [])
    return found


def delete(runs: Sequence[Summary]) -> None:
    """Move runs to the trash; :func:`undo` restores those deleted last."""
    run_action("history", _delete, runs)


def _delete(runs: Sequence[Summary]) -> None:
    gone: dict[str, str] = {}
    st.session_state[_DELETED] = gone
    for summary in runs:
        lifecycle.delete(run_of(summary))
        gone[summary.run_id] = summary.name


def deleted() -> dict[str, str]:
    """Return the names of the runs deleted last, by id."""
    found: dict[str, str] = st.session_state.get(_DELETED, {})
    return found


def undo() -> None:
    """Restore the runs deleted last, and choose them."""
    gone = dict(deleted())
    forget_deleted()
    for run_id in gone:
        run_action("history", lifecycle.restore, run_id)
    choose(list(gone))


def forget_deleted() -> None:
    """Remove the offer to restore the runs deleted last."""
    st.session_state.pop(_DELETED, None)

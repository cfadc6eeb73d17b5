"""The entry that the drawer shows, kept in the session's state as the path of the entry."""

from __future__ import annotations

import streamlit as st

LIST_PATHS = (
    *(f"company.{name}" for name in ("people", "spending", "data", "revenue_lines")),
    *(f"company.{name}" for name in ("training_events", "inflows", "loans")),
    "company.compute.contracts",
)
"""Paths of the lists whose entries are edited in the drawer."""
_OPENED = "opened_entry"


def opened_entry() -> str | None:
    """Return the path of the entry that the drawer shows."""
    opened: str | None = st.session_state.get(_OPENED)
    return opened


def open_entry(path: str) -> None:
    """Show an entry in the drawer."""
    st.session_state[_OPENED] = path


def close_entry() -> None:
    """Close the drawer."""
    st.session_state.pop(_OPENED, None)


def entry_of(path: str) -> str | None:
    """Return the path of the entry that a field belongs to, None if it is outside the lists."""
    for table in LIST_PATHS:
        if path.startswith(f"{table}."):
            return f"{table}.{path.removeprefix(f'{table}.').partition('.')[0]}"
    return None

"""Inputs of an event's form that are not yet applied.

A session keeps them when the form is closed, so that the form shows them again, and marks the event
until they are applied or discarded.
"""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from finance.capital.events import Event
from pages.parts.session import scenario_session

_TYPED = "funding_typed_events"
_OPEN = "funding_open_event"

Typed = dict[str, Any]
"""Values of the widgets that differ from those of the event, by the name of the field."""


def open_event() -> tuple[str, int | None] | None:
    """Return the kind and the index of the event whose form is open; the index of a new is None."""
    found: tuple[str, int | None] | None = st.session_state.get(_OPEN)
    return found


def show_event(kind: str, index: int | None) -> None:
    """Open the form of an event, or of a new event of a kind."""
    st.session_state[_OPEN] = (kind, index)


def close_event() -> None:
    """Close the form; what is typed is kept."""
    st.session_state.pop(_OPEN, None)


def event_key(kind: str, event: Event | None) -> str:
    """Return a key of what is typed for an event, which other events do not move."""
    content = "new" if event is None else event.model_dump_json()
    of = f"{scenario_session().stored.id}.{content}"
    return f"{kind}.{hashlib.sha256(of.encode()).hexdigest()[:16]}"


def typed_for(key: str) -> Typed:
    """Return what is typed for an event; empty if nothing is."""
    found: Typed = st.session_state.setdefault(_TYPED, {}).get(key, {})
    return found


def keep_typed(key: str, typed: Typed) -> None:
    """Keep what is typed for an event; nothing typed is forgotten."""
    kept = st.session_state.setdefault(_TYPED, {})
    if typed:
        kept[key] = typed
    else:
        kept.pop(key, None)

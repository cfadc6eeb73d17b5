"""Actions on scenarios in a list, with the open one among them."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from engine.documents import InputError
from finance.scenarios.store import SaveConflictError
from pages.parts.scenarios.stored import is_sample_id
from pages.parts.session import FIRST_SCENARIO, scenario_session, store, text

_DELETED = "deleted_scenario"


def open_scenario(scenario_id: str) -> None:
    """Open a scenario, with this browser's draft of it."""
    scenario_session().open_stored(scenario_id)


def duplicate(scenario_id: str) -> None:
    """Open a copy of a scenario's newest version, under a name that says so."""
    session, say = scenario_session(), text()
    try:
        scenario = store().get(scenario_id).scenario
        name = say("scenarios.copy_name", name=scenario.name)[:_MOST_CHARS]
        copy = store().create(scenario.with_value("name", name), browser=session.browser)
    except InputError as error:
        session.refuse(error)
    else:
        session.open(copy)


def rename(scenario_id: str, name: str) -> None:
    """Give a scenario another name; of one that is not open, as its next version."""
    session = scenario_session()
    if scenario_id == session.stored.id:
        session.change({"name": name})
        return
    try:
        newest = store().get(scenario_id)
        renamed = newest.scenario.with_value("name", name)
        if renamed != newest.scenario:
            store().save(scenario_id, newest.version, renamed, browser=session.browser)
    except InputError as error:
        session.refuse(error)
    except SaveConflictError:  # saved by another session in this instant: rename that version
        rename(scenario_id, name)


def set_tags(scenario_id: str, tags: Collection[str]) -> None:
    """Replace the tags of a scenario."""
    try:
        store().set_tags(scenario_id, tags)
    except InputError as error:
        scenario_session().refuse(error)


def delete(scenario_id: str) -> None:
    """Move a scenario to the trash; :func:`undo_delete` and the trash bring it back."""
    session = scenario_session()
    if is_sample_id(scenario_id):
        session.refuse(InputError("scenario", scenario_id, "sample_stays"))
        return
    try:
        name = store().names()[scenario_id]
        store().delete(scenario_id)
    except (InputError, KeyError):
        session.refuse(InputError("scenario", scenario_id, "known_scenario"))
        return
    st.session_state[_DELETED] = (scenario_id, name)
    if scenario_id == session.stored.id:
        session.open_stored(FIRST_SCENARIO)


def restore(scenario_id: str) -> None:
    """Take a scenario out of the trash, and open it."""
    try:
        store().restore(scenario_id)
    except InputError as error:
        scenario_session().refuse(error)
        return
    st.session_state.pop(_DELETED, None)
    scenario_session().open_stored(scenario_id)


def last_deleted() -> tuple[str, str] | None:
    """Return id and name of the scenario that this session has deleted last, if it still is."""
    deleted: tuple[str, str] | None = st.session_state.get(_DELETED)
    return deleted


def forget_deleted() -> None:
    """Show no longer that a scenario was deleted; the trash keeps it."""
    st.session_state.pop(_DELETED, None)


_MOST_CHARS = 120
"""Greatest number of characters of a scenario's name."""

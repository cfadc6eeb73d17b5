"""Menu of the open scenario: its name and tags, other scenarios, a copy, and the trash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from finance.scenarios.tables import TAG_LENGTH
from pages.parts.fields import field
from pages.parts.scenarios.actions import (
    delete,
    duplicate,
    forget_deleted,
    last_deleted,
    open_scenario,
    restore,
    set_tags,
)
from pages.parts.scenarios.banners import local_time
from pages.parts.scenarios.listing import Card, cards
from pages.parts.session import ScenarioSession, scenario_session, store, text
from pages.parts.user_text import escaped_markdown

_MOST_IN_TRASH = 20
_MOST_NAME_CHARS = 32
"""Greatest number of characters of a name on the button of the menu."""


def draw_scenario_menu() -> None:
    """Draw the button with the scenario's name, and the menu below it."""
    with st.container(width="content"):
        _menu()


@st.fragment
def _menu() -> None:
    session = scenario_session()
    menu = st.popover(
        escaped_markdown(_short(session.draft.name)),
        icon=":material/folder_open:",
        key="scenario_menu",
        on_change="rerun",
        wrap=False,
    )
    if menu.open:
        with menu:
            _contents(session)


def _contents(session: ScenarioSession) -> None:
    listed = cards()
    _choose(session, listed)
    open_card = next((card for card in listed if card.id == session.stored.id), None)
    if open_card is not None and not session.is_read_only:
        field("name")
        if not session.is_sample:
            _tags(open_card)
        _buttons(open_card)
    _trash()


def _choose(session: ScenarioSession, listed: Sequence[Card]) -> None:
    say = text()
    labels = labels_of(listed)
    ids = list(labels)
    # A select box returns its option by label, so other labels need a box with another key.
    key = f"scenario#{session.revision}.{hash(tuple(labels.items()))}"
    is_listed = session.stored.id in labels
    chosen = st.selectbox(
        say("scenarios.open"),
        options=ids,
        index=ids.index(session.stored.id) if is_listed else None,
        format_func=labels.__getitem__,
        key=key,
        help=say("scenarios.open_help"),
    )
    if chosen is not None and chosen != session.stored.id:
        open_scenario(chosen)
        st.rerun()


def labels_of(listed: Sequence[Card]) -> dict[str, str]:
    """Return the label of each scenario by id; equal names have the time of the last save."""
    say = text()
    counted = Counter(card.name for card in listed)
    labels = {}
    for card in listed:
        parts = [card.name]
        if counted[card.name] > 1 and card.group != "sample":
            parts.append(local_time(card.saved_at, say.language))
        if card.group != "mine":
            parts.append(say(f"scenarios.group.{card.group}"))
        labels[card.id] = " · ".join(parts)
    return labels


def _tags(card: Card) -> None:
    say = text()
    key = f"tags.{card.id}#{'|'.join(card.tags)}"
    chosen = st.multiselect(
        say("scenarios.tags"),
        sorted({*store().tags(), *card.tags}),
        default=list(card.tags),
        accept_new_options=True,
        key=key,
        help=say("scenarios.tags_help", n=TAG_LENGTH),
    )
    if sorted(chosen) != sorted(card.tags):
        set_tags(card.id, chosen)
        st.rerun()


def _buttons(card: Card) -> None:
    say = text()
    with st.container(horizontal=True):
        if st.button(say("scenarios.duplicate"), key="duplicate", icon=":material/content_copy:"):
            duplicate(card.id)
            st.rerun()
        if card.is_deletable and st.button(
            say("scenarios.delete"), key="delete", icon=":material/delete:", type="tertiary"
        ):
            delete(card.id)
            st.rerun()


def _trash() -> None:
    say = text()
    deleted = [card for card in cards(deleted=True) if card.group == "mine"]
    if not deleted:
        return
    st.caption(say("scenarios.trash", n=len(deleted)))
    for card in deleted[:_MOST_IN_TRASH]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(escaped_markdown(card.name), width="stretch")
            if st.button(
                say("scenarios.restore"),
                key=f"restore_deleted.{card.id}",
                type="tertiary",
                icon=":material/restore_from_trash:",
            ):
                restore(card.id)
                st.rerun()


def draw_deleted_line() -> None:
    """Draw that a scenario was deleted, with the button that brings it back."""
    deleted = last_deleted()
    if deleted is None:
        return
    say, (scenario_id, name) = text(), deleted
    with st.container(horizontal=True, vertical_alignment="center", key="deleted_line"):
        words = say("scenarios.deleted", name=escaped_markdown(name))
        st.markdown(f":material/delete: {words}", width="content")
        st.button(
            say("scenarios.undo_delete"),
            key="undo_delete",
            type="tertiary",
            icon=":material/undo:",
            on_click=restore,
            args=(scenario_id,),
        )
        st.button(
            say("scenarios.close"),
            key="forget_deleted",
            type="tertiary",
            icon=":material/close:",
            on_click=forget_deleted,
        )


def _short(name: str) -> str:
    return name if len(name) <= _MOST_NAME_CHARS else f"{name[: _MOST_NAME_CHARS - 1]}…"

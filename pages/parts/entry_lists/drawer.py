"""The drawer that edits one entry of a list, beside the page.

The drawer reruns alone while its fields are edited, so that an edit costs little. A strip at its
top shows what the entry costs and what it does to the runway. The page is drawn again when the
drawer is closed.
"""

from __future__ import annotations

import html
from decimal import Decimal
from typing import Any

import streamlit as st

from engine import quantities
from engine.document_paths import field_name, parent_path, value_or_none
from finance.metrics.cash_report import runway_text
from pages.parts.entry_lists.cells import cell, change_in_words, total_of
from pages.parts.entry_lists.changes import duplicate_entry, remove_entry
from pages.parts.entry_lists.document_fields import document_fields
from pages.parts.entry_lists.figures import context_of, totals_of
from pages.parts.entry_lists.lists import LISTS, SUMMED, EntryList, entry_name
from pages.parts.entry_lists.opened import close_entry, opened_entry
from pages.parts.fields import option_label
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.user_text import escaped_markdown

WIDTH_PX = 560
_BEFORE = "runway_before_entry"
"""Key of the path of the opened entry and the runway when it was opened."""


def draw_drawer(path: str) -> None:
    """Draw the drawer if an entry of the list at ``path`` is open."""
    opened = opened_entry()
    if opened is None or parent_path(opened) != path:
        return
    entry = value_or_none(draft(), opened)
    if entry is None:
        close_entry()
        return
    title = entry_name(entry).replace("\n", " ") or " "
    dialog = st.dialog(title, width=WIDTH_PX, position="right", on_dismiss=close_entry)
    dialog(_body)(opened)


def _body(path: str) -> None:
    entry = value_or_none(draft(), path)
    if entry is None:  # an undo has removed it
        close_entry()
        st.rerun()
    table = field_name(parent_path(path))
    design = LISTS.get(table, EntryList(()))
    if kind := getattr(entry, "kind", None):
        st.caption(option_label("kind", kind))
    strip = st.empty()
    document_fields(path, design.advanced)
    if getattr(entry, "changes", None):
        _changes(path, entry)
    _strip(strip, path, design)
    _buttons(path)


def _strip(place: Any, path: str, design: EntryList) -> None:
    """Show the entry's own total, and the runway with its change since the drawer was opened."""
    say, (now, _) = text(), projections()
    shown = runway_text(say, now.runway_months, now.horizon_months)
    before: tuple[str, Decimal | None] | None = st.session_state.get(_BEFORE)
    if before is None or before[0] != path:
        before = (path, now.runway_months)
        st.session_state[_BEFORE] = before
    if before[1] != now.runway_months:
        was = runway_text(say, before[1], now.horizon_months)
        shown = say("entry_table.from_to", before=was, after=shown)
    figures = {say("quantity.runway_months"): shown}
    for code in design.columns:
        if code in SUMMED and path in (totals := totals_of(now)):
            amount = quantities.usd(total_of(code, totals[path]), say.language)
            figures[say(f"entry_table.column.{code}")] = amount
        if code == "cost":
            entry = value_or_none(now.scenario, path)
            context = context_of(now, with_run_costs=True)
            figures[say("entry_table.column.cost")] = cell(context, code, path, entry)
    cells = "".join(
        f"<span><small>{html.escape(label)}</small>{html.escape(value)}</span>"
        for label, value in figures.items()
    )
    place.html(f'<div class="entry-strip">{cells}</div>')


def _changes(path: str, entry: Any) -> None:
    """Show in which fields a training run differs from the plan, each with a way to undo it."""
    say = text()
    st.markdown(f"**{say('entry_table.column.differs')}**", help=say("entry_table.differs_help"))
    is_read_only = scenario_session().is_read_only
    with st.container(gap="xxsmall"):
        for place, value in entry.changes.items():
            left, right = st.columns([4, 2], vertical_alignment="center")
            left.markdown(escaped_markdown(change_in_words(say, place, value)))
            right.button(
                say("entry_table.as_plan_button"),
                key=f"as_plan.{path}.{place}",
                type="tertiary",
                on_click=_take_from_plan,
                args=(path, [place]),
                disabled=is_read_only,
            )
    st.button(
        say("entry_table.as_plan_all"),
        key=f"as_plan_all.{path}",
        icon=":material/sync:",
        on_click=_take_from_plan,
        args=(path, list(entry.changes)),
        disabled=is_read_only,
    )


def _take_from_plan(path: str, places: list[str]) -> None:
    changes = dict(value_or_none(draft(), f"{path}.changes") or {})
    for place in places:
        changes.pop(place)
    scenario_session().change({f"{path}.changes": changes})


def _buttons(path: str) -> None:
    say = text()
    table, index = parent_path(path), int(field_name(path))
    is_read_only = scenario_session().is_read_only
    with st.container(horizontal=True, key="entry_buttons"):
        if st.button(say("entry_table.done"), key="entry_done", type="primary"):
            close_entry()
            st.rerun()
        changes = (
            ("entry_table.duplicate", ":material/content_copy:", duplicate_entry),
            ("entries.remove", ":material/delete:", remove_entry),
        )
        for label, icon, change in changes:
            if st.button(
                say(label),
                key=f"entry_drawer.{label}",
                type="tertiary",
                icon=icon,
                on_click=change,
                args=(table, index),
                disabled=is_read_only,
            ):
                st.rerun()

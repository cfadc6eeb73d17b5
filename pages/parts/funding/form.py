"""A form for one event of the cap table, in the units in which people agree on it.

The event's document validates it. A form changes all of an event at once, or nothing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from finance.funding.event_entries import event_from_form, form_value, new_name
from finance.funding.ownership import names_in
from finance.funding.rounds import Funding, with_event
from pages.parts.funding.fields import KINDS, EventField
from pages.parts.session import scenario_session, text

INDEX = "funding_event_index"
"""Key in the session state of the chosen event's index."""


def event_form(plan: Funding, kind: str, index: int | None = None) -> None:
    """Draw the form of the event at ``index``, or of a new event of that kind."""
    say, revision = text(), scenario_session().revision
    prefix = f"event.{kind}.{'new' if index is None else index}#{revision}"
    existing = {} if index is None else _document(plan, index)
    values = {field: _value(plan, kind, field, existing) for field in KINDS[kind]}
    with st.form(prefix, border=False):
        _widgets(plan, prefix, {field: values[field] for field in values if not field.rare})
        if any(field.rare for field in values):
            with st.expander(say("funding.events.more"), icon=":material/tune:"):
                _widgets(plan, prefix, {field: values[field] for field in values if field.rare})
        st.form_submit_button(
            say("funding.events.add" if index is None else "funding.events.apply"),
            key=f"submit.{kind}.{'new' if index is None else 'edit'}",
            type="primary",
            icon=":material/add:" if index is None else ":material/check:",
            on_click=_take,
            args=(plan, kind, index, prefix),
        )


def _widgets(plan: Funding, prefix: str, values: Mapping[EventField, Any]) -> None:
    """Draw the fields, two in a row."""
    fields = list(values)
    for start in range(0, len(fields), 2):
        row = fields[start : start + 2]
        for column, field in zip(st.columns(2, vertical_alignment="bottom"), row, strict=False):
            with column:
                _widget(plan, field, f"{prefix}.{field.name}", values[field])


def _document(plan: Funding, index: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan.steps[index].event.model_dump_json())
    return found


def _value(plan: Funding, kind: str, field: EventField, existing: Mapping[str, Any]) -> Any:
    """Return the value that the field shows: the event's, or the start of a new event."""
    if existing:
        return form_value(existing, field.name, field.kind)
    if field.name in ("name", "series"):
        return new_name(names_in(text()), plan.capital, kind, field.name)
    if field.name in ("holder", "lead"):
        return text()("funding.investors")
    if field.name == "date":
        return plan.last.date + datetime.timedelta(days=30)
    return field.start if field.start is not None else form_value({}, field.name, field.kind)


def _widget(plan: Funding, field: EventField, key: str, value: Any) -> None:
    say = text()
    name = field.name.replace(".", "_")
    label, help_key = say(f"funding.field.{name}"), f"funding.help.{name}"
    help_text = say(help_key) if help_key in say else None
    match field.kind:
        case "date":
            st.date_input(
                label, value, key=key, help=help_text,
                min_value=datetime.date(1990, 1, 1), max_value=datetime.date(2100, 1, 1),
            )  # fmt: skip
        case "switch":
            st.toggle(label, bool(value), key=key, help=help_text)
        case "choice":
            options = [*field.options, *([] if value in field.options else [value])]
            st.selectbox(
                label, options, index=options.index(value), key=key, help=help_text,
                format_func=lambda option: say(f"funding.option.{option}"),
            )  # fmt: skip
        case "many":
            holders = [owner for owner in plan.owners if owner]
            st.multiselect(
                label, dict.fromkeys([*holders, *value]), value, key=key, help=help_text,
                placeholder="–",
            )  # fmt: skip
        case _:
            st.text_input(label, value, key=key, help=help_text)


def _take(plan: Funding, kind: str, index: int | None, prefix: str) -> None:
    session, existing = scenario_session(), {} if index is None else _document(plan, index)
    typed = {
        field.name: (field.kind, st.session_state[f"{prefix}.{field.name}"])
        for field in KINDS[kind]
    }
    event = event_from_form(existing | {"kind": kind}, typed)
    changes = with_event(plan.capital, event, index)
    if session.change(changes, keep_input="if_refused"):
        st.session_state[INDEX] = changes["company.capital"]["events"].index(event)

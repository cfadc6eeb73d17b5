"""A small form for one event: what people agree on, in their own units.

The documents validate what comes of it; a form changes all of an event at once or nothing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from finance.funding.event_entries import event_from_form, form_value, new_name
from finance.funding.rounds import Funding, with_event
from pages.parts.funding.fields import KINDS, EventField
from pages.parts.session import scenario_session, text

PLACE = "funding_place"
"""Of the chosen event, in the session."""


def event_form(seen: Funding, kind: str, place: int | None = None) -> None:
    """The form of the event in ``place``, or of a new one of that kind."""
    say, revision = text(), scenario_session().revision
    prefix = f"event.{kind}.{'new' if place is None else place}#{revision}"
    there = {} if place is None else _document(seen, place)
    values = {one: _value(seen, kind, one, there) for one in KINDS[kind]}
    with st.form(prefix, border=False):
        _widgets(seen, prefix, {one: values[one] for one in values if not one.rare})
        if any(one.rare for one in values):
            with st.expander(say("funding.events.more"), icon=":material/tune:"):
                _widgets(seen, prefix, {one: values[one] for one in values if one.rare})
        st.form_submit_button(
            say("funding.events.add" if place is None else "funding.events.apply"),
            key=f"submit.{kind}.{'new' if place is None else 'edit'}",
            type="primary",
            icon=":material/add:" if place is None else ":material/check:",
            on_click=_take,
            args=(seen, kind, place, prefix),
        )


def _widgets(seen: Funding, prefix: str, values: Mapping[EventField, Any]) -> None:
    """Two in a row."""
    fields = list(values)
    for start in range(0, len(fields), 2):
        row = fields[start : start + 2]
        for column, field in zip(st.columns(2, vertical_alignment="bottom"), row, strict=False):
            with column:
                _widget(seen, field, f"{prefix}.{field.name}", values[field])


def _document(seen: Funding, place: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(seen.steps[place].event.model_dump_json())
    return found


def _value(seen: Funding, kind: str, field: EventField, there: Mapping[str, Any]) -> Any:
    """What the field shows: as the event has it, or what a new one starts with."""
    if there:
        return form_value(there, field.name, field.kind)
    if field.name in ("name", "series"):
        return new_name(seen.capital, kind, field.name)
    if field.name in ("holder", "lead"):
        return text()("funding.investors")
    if field.name == "date":
        return seen.last.date + datetime.timedelta(days=30)
    return field.start if field.start is not None else form_value({}, field.name, field.kind)


def _widget(seen: Funding, field: EventField, key: str, value: Any) -> None:
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
                format_func=lambda one: say(f"funding.option.{one}"),
            )  # fmt: skip
        case "many":
            holders = [one for one in seen.owners if one]
            st.multiselect(label, dict.fromkeys([*holders, *value]), value, key=key, help=help_text)
        case _:
            st.text_input(label, value, key=key, help=help_text)


def _take(seen: Funding, kind: str, place: int | None, prefix: str) -> None:
    session, there = scenario_session(), {} if place is None else _document(seen, place)
    typed = {
        field.name: (field.kind, st.session_state[f"{prefix}.{field.name}"])
        for field in KINDS[kind]
    }
    event = event_from_form(there | {"kind": kind}, typed)
    changes = with_event(seen.capital, event, place)
    if session.change(changes, keep_input="if_refused"):
        st.session_state[PLACE] = changes["company.capital"]["events"].index(event)

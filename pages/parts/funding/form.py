"""The drawer with the form of one event: fields with their errors, the effect, apply and remove.

Every input is tried on the draft at once, so that an error is shown at its field before the event
is applied. An event changes as a whole or not at all.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine import quantities
from finance.capital.roles import HolderRole
from finance.company.scenario import Scenario
from finance.funding.event_entries import event_from_form, form_value, new_date, new_name
from finance.funding.ownership import names_in
from finance.funding.refusals import Refusal
from finance.funding.rounds import Changes, Funding, funding, with_event, without_event
from finance.funding.wording import event_text
from pages.parts.funding.before_after import draw_change
from pages.parts.funding.changes import tried_on_draft
from pages.parts.funding.fields import FIRST_ROLES, KINDS, ROLE, EventField
from pages.parts.funding.typed_events import (
    Typed,
    close_event,
    event_key,
    keep_typed,
    open_event,
    typed_for,
)
from pages.parts.session import draft, scenario_session, text
from pages.parts.streamlit_private import Container
from pages.parts.user_text import escaped_markdown


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of one event."""

    plan: Funding
    kind: str
    index: int | None
    """Index of the event; None for a new one."""

    @property
    def existing(self) -> dict[str, Any]:
        if self.index is None:
            return {}
        found: dict[str, Any] = json.loads(self.plan.steps[self.index].event.model_dump_json())
        return found

    @property
    def key(self) -> str:
        event = None if self.index is None else self.plan.steps[self.index].event
        return event_key(self.kind, event)


def draw_open_event(plan: Funding) -> None:
    """Draw the drawer of the event that is open, if there is one."""
    opened = open_event()
    if opened is None:
        return
    kind, index = opened
    if index is not None and (index >= len(plan.steps) or plan.steps[index].event.kind != kind):
        close_event()  # another scenario is open
        return
    say = text()
    title = say("funding.events.edit_title" if index is not None else "funding.events.add_title",
                kind=say(f"funding.kind.{kind}"))  # fmt: skip
    drawer = st.dialog(title, width="medium", position="right", on_dismiss=close_event)
    drawer(_draw)(_Form(plan, kind, index))


def _draw(form: _Form) -> None:
    say = text()
    if form.index is not None:
        step = form.plan.steps[form.index]
        st.caption(escaped_markdown(event_text(say, step.event, form.plan.currency)))
    if form.kind not in KINDS:
        st.caption(say("funding.events.in_document"))
        if _remove_button():
            _remove(form)
        return
    fields = KINDS[form.kind]
    places = _places(fields)
    shown = {field: _shown(form, field) for field in fields}
    typed = typed_for(form.key)
    values: dict[str, Any] = {}
    for field in fields:
        with places[field.name]:
            values[field.name] = _widget(form, field, typed.get(field.name, shown[field]))
    keep_typed(
        form.key,
        {field.name: values[field.name] for field in fields if values[field.name] != shown[field]},
    )
    changes = _changes(form, values)
    outcome = tried_on_draft(changes)
    is_untouched = form.index is None and not typed_for(form.key)
    if isinstance(outcome, Refusal) and not is_untouched:
        _show_refusal(form, outcome, changes, places)
    _buttons(form, changes, outcome, typed_for(form.key))
    if isinstance(outcome, Scenario):
        _effect(form, changes, outcome)


def _places(fields: Sequence[EventField]) -> dict[str, Container]:
    """Return a place for each field: two in a row, rare ones in an expander."""
    places = {}
    for rare in (False, True):
        some = [field for field in fields if field.rare == rare]
        if not some:
            continue
        box = st.container()
        if rare:
            box = box.expander(text()("funding.events.more"), icon=":material/tune:")
        for start in range(0, len(some), 2):
            row = some[start : start + 2]
            for column, field in zip(box.columns(2), row, strict=False):
                places[field.name] = column.container()
    return places


def _shown(form: _Form, field: EventField) -> Any:
    """Return the value that the field shows first: the event's, or the start of a new event."""
    plan, existing = form.plan, form.existing
    if field.name == ROLE:
        holder = existing.get("holder") or existing.get("lead")
        known = None if holder is None else plan.roles.get(holder)
        return (known or FIRST_ROLES[form.kind]).value
    if existing:
        return form_value(existing, field.name, field.kind)
    if field.name in ("name", "series"):
        return new_name(names_in(text()), plan.capital, form.kind, field.name)
    if field.name in ("holder", "lead"):
        return text()("funding.investors") if form.kind != "stock_issue" else ""
    if field.name == "date":
        company = draft().company
        return new_date(plan.capital, company.first_month, company.horizon_months)
    return field.start if field.start is not None else form_value({}, field.name, field.kind)


def _widget(form: _Form, field: EventField, value: Any) -> Any:
    """Draw a field and return its value."""
    say = text()
    name = field.name.replace(".", "_")
    label, help_key = say(f"funding.field.{name}"), f"funding.help.{name}"
    help_text = say(help_key) if help_key in say else None
    key = f"event.{form.key}.{field.name}#{scenario_session().revision}.{say.language}"
    match field.kind:
        case "date":
            return st.date_input(
                label, value, key=key, help=help_text,
                min_value=datetime.date(1990, 1, 1), max_value=datetime.date(2100, 1, 1),
            )  # fmt: skip
        case "switch":
            return st.toggle(label, bool(value), key=key, help=help_text)
        case "choice":
            options = [*field.options, *([] if value in field.options else [value])]
            table = "role" if field.name == ROLE else "option"
            return st.selectbox(
                label, options, index=options.index(value), key=key, help=help_text,
                format_func=lambda option: say(f"funding.{table}.{option}"),
            )  # fmt: skip
        case "many":
            holders = [owner for owner in form.plan.owners if owner]
            return st.multiselect(
                label, list(dict.fromkeys([*holders, *value])), value, key=key, help=help_text,
                placeholder="–",
            )  # fmt: skip
    return st.text_input(label, value, key=key, help=help_text)


def _changes(form: _Form, values: Mapping[str, Any]) -> Changes:
    """Return the changes that the typed values make, the holder's role included."""
    fields = KINDS[form.kind]
    typed = {field.name: (field.kind, values[field.name]) for field in fields if field.name != ROLE}
    event = event_from_form(form.existing | {"kind": form.kind}, typed)
    holder = str(values.get("holder") or values.get("lead") or "")
    roles = {}
    if ROLE in values and holder and form.plan.roles.get(holder) != values[ROLE]:
        roles[holder] = HolderRole(values[ROLE])
    return with_event(form.plan.capital, event, form.index, roles)


def _own_place(form: _Form, changes: Changes) -> int:
    """Return the index of the form's event among the events that are tried."""
    events = changes["company.capital"]["events"]
    others = [
        json.loads(step.event.model_dump_json())
        for index, step in enumerate(form.plan.steps)
        if index != form.index
    ]
    for place, other in enumerate(others):
        if events[place] != other:
            return place
    return len(others)


def _show_refusal(
    form: _Form, refused: Refusal, changes: Changes, places: Mapping[str, Container]
) -> None:
    """Show a reason at its field, or above the buttons if it is about another event."""
    if refused.place == _own_place(form, changes):
        for name, place in places.items():
            if refused.field == name or refused.field.startswith(f"{name}."):
                with place:
                    _error(refused.at_field)
                return
    _error(refused.sentence)


def _error(sentence: str) -> None:
    st.markdown(
        f'<span class="field-error" role="alert">:red[:material/error: '
        f"{escaped_markdown(sentence)}]</span>",
        unsafe_allow_html=True,
    )


def _buttons(form: _Form, changes: Changes, outcome: Scenario | Refusal, typed: Typed) -> None:
    say, is_new, removed = text(), form.index is None, False
    with st.container(horizontal=True):
        applied = st.button(
            say("funding.events.add" if is_new else "funding.events.apply"),
            key="apply_event",
            type="primary",
            icon=":material/add:" if is_new else ":material/check:",
            disabled=scenario_session().is_read_only
            or isinstance(outcome, Refusal)
            or not (is_new or typed),
        )
        if typed and st.button(
            say("funding.events.discard"),
            key="discard_typed",
            type="tertiary",
            icon=":material/settings_backup_restore:",
        ):
            keep_typed(form.key, {})
            scenario_session().redraw()
            st.rerun()
        if not is_new:
            st.space("stretch")
            removed = _remove_button()
    if removed:
        _remove(form)
    if applied and scenario_session().change(changes):
        keep_typed(form.key, {})
        close_event()
        st.rerun()


def _remove_button() -> bool:
    return st.button(
        text()("funding.events.remove"),
        key="remove_event",
        icon=":material/delete:",
        type="tertiary",
        disabled=scenario_session().is_read_only,
    )


def _remove(form: _Form) -> None:
    """Remove the event, or say why it cannot be removed."""
    assert form.index is not None  # only an event of the plan can be removed
    changes = without_event(form.plan.capital, form.index)
    outcome = tried_on_draft(changes)
    if isinstance(outcome, Refusal):
        _error(outcome.sentence)
    elif scenario_session().change(changes):
        keep_typed(form.key, {})
        close_event()
        st.rerun()


def _effect(form: _Form, changes: Changes, outcome: Scenario) -> None:
    """Show the effect of the event as typed: what it assumes, and the table before and after it."""
    say = text()
    after = funding(outcome.company, names_in(say))
    step = after.steps[_own_place(form, changes)]
    if step.event.date < after.first_month:
        st.info(
            say(
                "funding.events.before_plan",
                first_month=f"{after.first_month:%Y-%m}",
                cash=quantities.usd(outcome.company.cash_usd, say.language),
            ),
            icon=":material/event_busy:",
        )
    draw_change(after, step)

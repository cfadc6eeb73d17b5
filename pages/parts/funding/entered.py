"""Fields of the scenario that have a computed value until another is entered."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import streamlit as st

from engine import quantities
from engine.document_paths import value_at
from engine.documents import InputError
from finance.capital.exact import cents_of
from pages.parts.fields import draw_error, field_texts
from pages.parts.session import draft, scenario_session, text


def effective_field(path: str, computed: Decimal | Fraction, unit: str = "USD") -> None:
    """Draw a field for an amount that shows the computed amount while none is entered.

    An emptied field goes back to the computed amount.
    """
    session, say = scenario_session(), text()
    value, error = value_at(draft(), path), session.errors.get(path)
    effective = computed if value is None else value
    shown = quantities.exact(cents_of(Fraction(effective)), say.language)
    key = f"field.{path}#{session.revision}.{computed}"
    label, help_text = field_texts(path)
    st.text_input(
        say("field_error.with_unit", label=label, unit=unit),
        value=error.typed if error is not None else shown,
        key=key,
        help=help_text,
        disabled=session.is_read_only,
        on_change=_take_amount,
        args=(path, key),
    )
    if error is not None:
        draw_error(path, error)


def effective_date(path: str, computed: datetime.date, earliest: datetime.date) -> None:
    """Draw a field for a day that shows the computed day while none is entered."""
    session = scenario_session()
    value = value_at(draft(), path)
    key = f"field.{path}#{session.revision}.{computed}"
    label, help_text = field_texts(path)
    st.date_input(
        label,
        value=max(value or computed, earliest),
        min_value=earliest,
        max_value=datetime.date(2200, 1, 1),
        key=key,
        help=help_text,
        disabled=session.is_read_only,
        on_change=_take_date,
        args=(path, key),
    )


def _take_amount(path: str, key: str) -> None:
    session, typed = scenario_session(), st.session_state[key]
    if not typed.strip():
        session.change_field(path, None, typed)
        return
    number = quantities.parse_number(typed, ("US$", "USD", "$"))
    if number is None:
        session.refuse_field(path, InputError(path, typed, "number"), typed)
        return
    session.change_field(path, f"{number.normalize():f}", typed)


def _take_date(path: str, key: str) -> None:
    typed: datetime.date | None = st.session_state[key]
    scenario_session().change_field(path, None if typed is None else typed.isoformat(), typed)

"""Input fields of the scenario: label, unit and help from the catalog, bounds from the document.

``field(path)`` draws the widget that fits the type of the field at a dotted path, and writes what
is typed into the draft. A number in a path is an index in a list. The document validates every
value again, because a widget's limits are checked in the browser only.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import streamlit as st

from engine import quantities
from engine.document_paths import field_name, value_at
from engine.documents import InputError
from engine.facts import accelerators
from engine.plan import on_accelerator
from pages.parts.kinds import FieldKind, is_count, is_percent, kind_of
from pages.parts.session import scenario_session, text


def fields(prefix: str, names: Sequence[str]) -> None:
    """Draw fields of one part of the scenario, two in a row."""
    for start in range(0, len(names), 2):
        for column, name in zip(
            st.columns(2, vertical_alignment="bottom"), names[start : start + 2], strict=False
        ):
            with column:
                field(f"{prefix}.{name}")


def field(
    path: str,
    *,
    options: Mapping[str, str] | None = None,
    on_change: Callable[..., None] | None = None,
) -> None:
    """Draw one field of the session's draft.

    Parameters
    ----------
    path
        Dotted path, such as ``plan.cluster.n_devices``. The catalogs have its texts under
        ``field``.
    options
        Values and their labels, if the value is chosen from a table.
    on_change
        Called with the path and the widget's key instead of writing the value to the draft.
    """
    value, kind = value_at(scenario_session().draft, path), kind_of(scenario_session().draft, path)
    key = f"field.{path}#{scenario_session().revision}"
    label, help_text = field_texts(path)
    common: dict[str, Any] = {
        "label": label,
        "help": help_text,
        "key": key,
        "on_change": on_change or _take,
    }
    if options is not None or get_origin(kind.type) is Literal:
        labels = options or {value: option_label(path, value) for value in get_args(kind.type)}
        choices = list(labels)
        st.selectbox(
            options=choices,
            index=choices.index(value),
            args=(path, key),
            format_func=lambda choice: labels[choice],
            **common,
        )
    elif kind.type is bool:
        st.toggle(value=value, args=(path, key), **common)
    elif kind.type is datetime.date:
        st.date_input(value=value, args=(path, key, _iso_date), **common)
    elif kind.type is str:
        st.text_input(value=value, args=(path, key), **common)
    elif is_count(path):
        shown = "" if value is None else _short_count(value)
        st.text_input(value=shown, args=(path, key, _parse_count), **common)
    else:
        _number_field(path, key, value, kind, common)


def _number_field(
    path: str, key: str, value: Any, kind: FieldKind, common: Mapping[str, Any]
) -> None:
    low, high = kind.low, kind.high
    if is_percent(path):
        st.number_input(
            value=None if value is None else float(value) * 100,
            min_value=100 * (low or 0.0),
            step=1.0,
            format="%.12g",
            args=(path, key, _from_percent),
            **common,
        )
    elif kind.type is int:
        st.number_input(
            value=value,
            min_value=None if low is None else int(low),
            max_value=None if high is None else int(high),
            step=1,
            args=(path, key),
            **common,
        )
    else:
        shown = 0.0 if value is None else float(value)
        st.number_input(
            value=None if value is None else shown,
            min_value=low,
            max_value=high,
            format="%.15g",
            step=max(_step(shown), 0.01 if path.endswith("_usd") else 0.0),
            args=(path, key, _as_typed),
            **common,
        )


def field_texts(path: str) -> tuple[str, str | None]:
    """Return a field's label and help.

    They are the texts of its path, or else those of all fields with its name.
    """
    say = text()
    names = [name for name in path.split(".") if not name.isdigit()]
    own = f"field.{'.'.join(names)}"
    key = own if f"{own}.label" in say else f"entry.{names[-1]}"
    return say(f"{key}.label"), say(f"{key}.help") if f"{key}.help" in say else None


def option_label(path: str, option: object) -> str:
    """Return the label of a value that is chosen from a list."""
    say, name = text(), field_name(path)
    for table in ("option", "entry_option"):
        if (key := f"{table}.{name}.{option}") in say:
            return say(key)
    return str(option)


def accelerator_field() -> None:
    """Draw the choice of the plan's accelerator.

    Choosing another also sets a precision that it supports and a published price of it.
    """
    field(
        "plan.cluster.accelerator",
        options={row.accelerator: row.name for row in accelerators().values()},
        on_change=_take_accelerator,
    )


def _take_accelerator(path: str, key: str) -> None:
    session = scenario_session()
    plan = on_accelerator(session.draft.plan, st.session_state[key])
    session.replace_draft(session.draft.model_copy(update={"plan": plan}))


def _take(path: str, key: str, convert: Any = None) -> None:
    typed = st.session_state[key]
    session = scenario_session()
    try:
        value = convert(path, typed) if convert else typed
    except InputError as error:
        session.refuse(error)
    else:
        session.change({path: value}, keep_input="if_accepted")


def _parse_count(path: str, typed: str) -> int | None:
    if not typed.strip() and kind_of(scenario_session().draft, path).optional:
        return None
    count = quantities.parse_count(typed)
    if count is None:
        raise InputError(path, typed, "count")
    return count


def _iso_date(_path: str, typed: datetime.date) -> str:
    return typed.isoformat()


def _from_percent(_path: str, typed: float | None) -> str | None:
    return None if typed is None else from_percent(typed)


def from_percent(typed: float) -> str:
    """Return a share from a percentage: 12.5 becomes "0.125"."""
    return str(round(Decimal(repr(typed)) / 100, 6))


def _as_typed(_path: str, typed: float | None) -> str | None:
    """Return the decimal that was typed, not the binary float nearest to it."""
    return None if typed is None else repr(typed)


def _short_count(value: int) -> str:
    for suffix, size in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if value >= size and value * 1000 % size == 0:
            return f"{Decimal(value) / size:f}{suffix}"
    return str(value)


def _step(value: float) -> float:
    """Return a step of the buttons − and +: a power of ten of about a twentieth of the value."""
    if value <= 0:
        return 1.0
    exponent = len(f"{value / 20:.0f}") - 1 if value >= 20 else -len(f"{20 / value:.0f}")
    return float(f"1e{exponent}")

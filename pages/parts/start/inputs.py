"""Inputs of the six questions: an empty field has a default, which its placeholder shows.

Below each field is the default's source in a few words, or why the text in it was refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from engine import quantities
from engine.documents import InputError
from finance.spreadsheets import cells
from finance.start.defaults import StartDefault
from pages.parts.session import text
from pages.parts.start.state import start_state

Parse = Callable[[str, str], object]
Show = Callable[[Any], str]


def amount(path: str, label: str, default: StartDefault | None, *, help_text: str = "") -> None:
    """Draw a field for an amount in USD: 30000, 30K, 1.2M or 12万."""
    typed_field(path, label, default, parse_amount, show_amount, help_text=help_text)


def count(path: str, label: str, default: StartDefault | None, *, help_text: str = "") -> None:
    """Draw a field for a count: 20B, 3000亿 or 40."""
    typed_field(path, label, default, parse_count, show_count, help_text=help_text)


def percent(path: str, label: str, default: StartDefault | None, *, help_text: str = "") -> None:
    """Draw a field for a share, which is typed and shown in per cent."""
    typed_field(path, label, default, parse_percent, show_percent, help_text=help_text)


def typed_field(
    path: str,
    label: str,
    default: StartDefault | None,
    parse: Parse,
    show: Show,
    *,
    help_text: str = "",
) -> None:
    """Draw a text field for the answer at ``path``.

    Parameters
    ----------
    default
        Default that holds while the field is empty; None if the field must be filled.
    parse
        Function of the path and the text that returns the value, or raises InputError.
    show
        Function that returns the text of a value.
    """
    state, say = start_state(), text()
    value = state.value(path)
    key = f"start.{path}#{state.revision}"
    st.text_input(
        label,
        value="" if value is None else show(value),
        placeholder="" if default is None else _shown_default(default, show),
        help=_help(help_text, default) or None,
        key=key,
        on_change=_take_text,
        args=(path, key, parse, show),
    )
    if (error := state.errors.get(path)) is not None:
        field_error(error)
    elif default is not None and value is None:
        st.caption(say("start.default_note", basis=basis_text(default)))


def field_error(error: InputError) -> None:
    """Show why the value of the field above was refused, without its path."""
    say = text()
    reason = say(f"error.{error.rule}", **error.params)
    st.markdown(f":red[:material/error: {say('start.refused', reason=reason)}]")


def choice(
    path: str,
    label: str,
    options: Mapping[Any, str],
    *,
    help_text: str = "",
    on_choice: Callable[[Any], None] | None = None,
) -> None:
    """Draw a list of which one option is chosen; None among the options is the default."""
    state = start_state()
    values = list(options)
    value = state.value(path)
    key = f"start.{path}#{state.revision}"
    st.selectbox(
        label,
        values,
        index=values.index(value) if value in values else 0,
        format_func=options.__getitem__,
        help=help_text or None,
        key=key,
        on_change=_take_choice,
        args=(path, key, on_choice),
    )
    if (error := state.errors.get(path)) is not None:
        field_error(error)


def segments(path: str, label: str, options: Mapping[str, str], default: str) -> str:
    """Draw a row of options of which one is chosen, and return it."""
    state = start_state()
    values = list(options)
    value = state.value(path) or default
    key = f"start.{path}#{state.revision}"
    st.segmented_control(
        label,
        values,
        default=value,
        format_func=options.__getitem__,
        key=key,
        on_change=_take_choice,
        args=(path, key, None),
        required=True,
    )
    return str(value)


def basis_text(default: StartDefault) -> str:
    """Return the kind of a default's source in a few words: "published, 2025-05"."""
    say = text()
    return say(f"start.basis.{default.confidence}", as_of=default.as_of)


def _shown_default(default: StartDefault, show: Show) -> str:
    try:
        return show(default.number)
    except ArithmeticError:  # a name
        return default.value


def _help(help_text: str, default: StartDefault | None) -> str:
    parts: Sequence[str] = [help_text] if help_text else []
    if default is not None:
        note = f" {default.notes}." if default.notes and text().language == "en" else ""
        source = text()("start.default_source", source=default.source)
        parts = [*parts, f"{source}{note}"]
    return "\n\n".join(parts)


def parse_amount(path: str, typed: str) -> str:
    """Return an amount in USD as text; InputError if it is none."""
    return f"{cells.amount(path, typed):f}"


def parse_count(path: str, typed: str) -> int:
    """Return a count; InputError if it is none."""
    found = quantities.parse_count(typed)
    if found is None:
        raise InputError(path, typed, "count")
    return found


def parse_percent(path: str, typed: str) -> str:
    """Return a share from a number of per cent; InputError if it is none."""
    return str(cells.amount(path, typed.replace("％", "%").rstrip("% ")) / 100)


def parse_text(path: str, typed: str) -> str:
    """Return the text as it was typed."""
    return typed


def show_amount(value: object) -> str:
    """Return an amount with separators, and with cents only where it has any."""
    exact = Decimal(str(value))
    return f"{exact:,.0f}" if exact == exact.to_integral_value() else f"{exact:,.2f}"


def show_count(value: object) -> str:
    """Return a count as 20B, or in Chinese as 200亿."""
    return quantities.count(float(Decimal(str(value))), text().language)


def show_percent(value: object) -> str:
    """Return a share in per cent."""
    return f"{(Decimal(str(value)) * 100).normalize():f}%"


def _take_text(path: str, key: str, parse: Parse, show: Show) -> None:
    state = start_state()
    typed = str(st.session_state[key]).strip()
    if not typed:
        state.set({path: None})
        return
    try:
        value = parse(path, typed)
    except InputError as error:
        state.errors[path] = error
    else:
        state.set({path: value})
        if path not in state.errors:
            st.session_state[key] = show(value)  # 36000 becomes 36,000


def _take_choice(path: str, key: str, on_choice: Callable[[Any], None] | None) -> None:
    chosen = st.session_state[key]
    if on_choice is not None:
        on_choice(chosen)
    else:
        start_state().set({path: chosen})

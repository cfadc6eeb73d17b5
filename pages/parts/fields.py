"""Input fields of the scenario: label, unit and help from the catalog, bounds from the document.

``field(path)`` draws the widget that fits the type of the field at a dotted path and puts what
is typed into the draft. The document validates again: a widget's limits hold in the browser
only.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from engine import quantities
from engine.documents import InputError
from engine.facts import accelerators
from engine.plan import on_accelerator
from finance.scenario import Scenario
from pages.parts.session import desk, text


def fields(prefix: str, names: Sequence[str]) -> None:
    """Fields of one part of the scenario, two in a row."""
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
    """One field of the scenario in hand.

    Parameters
    ----------
    path
        As in ``plan.cluster.n_devices``; its texts stand below ``field`` in the catalogs.
    options
        Values and their labels, for text that is chosen from a table.
    on_change
        What takes the value instead of the draft's field alone.
    """
    say = text()
    info = _info(path)
    value: Any = desk().draft
    for part in path.split("."):
        value = getattr(value, part)
    key = f"field.{path}#{desk().revision}"
    common: dict[str, Any] = {
        "label": say(f"field.{path}.label"),
        "help": say(f"field.{path}.help"),
        "key": key,
        "on_change": on_change or _take,
    }
    kind = _kind(info)
    if options is not None or get_origin(kind) is Literal:
        labels = options or {one: _option(path, one) for one in get_args(kind)}
        choices = list(labels)
        st.selectbox(
            options=choices,
            index=choices.index(value),
            args=(path, key),
            format_func=lambda one: labels[one],
            **common,
        )
    elif kind is bool:
        st.toggle(value=value, args=(path, key), **common)
    elif kind is datetime.date:
        st.date_input(value=value, args=(path, key, _iso_date), **common)
    elif kind is str:
        st.text_input(value=value, args=(path, key), **common)
    elif path in _COUNTS:
        st.text_input(value=_short_count(value), args=(path, key, _parse_count), **common)
    elif path.endswith(("_share", "_share_per_month")):
        st.number_input(
            value=None if value is None else float(value) * 100,
            min_value=0.0,
            step=1.0,
            format="%.12g",
            args=(path, key, _from_percent),
            **common,
        )
    elif kind is int:
        low, high = _bounds(info)
        st.number_input(
            value=value,
            min_value=None if low is None else int(low),
            max_value=None if high is None else int(high),
            step=1,
            args=(path, key),
            **common,
        )
    else:
        low, high = _bounds(info)
        st.number_input(
            value=float(value),
            min_value=low,
            max_value=high,
            format="%.15g",
            step=max(_step(float(value)), 0.01 if path.endswith("_usd") else 0.0),
            args=(path, key, _as_typed),
            **common,
        )


_COUNTS = frozenset({"plan.tokens", "company.revenue.tokens_per_customer_month"})
"""Counts that people write as 3T or 300亿."""


def accelerator_field() -> None:
    """The plan's accelerator. What hangs on it moves along: a precision that it has, and a
    published price in place of the other device's."""
    field(
        "plan.cluster.accelerator",
        options={row.accelerator: row.name for row in accelerators().values()},
        on_change=_take_accelerator,
    )


def _take_accelerator(path: str, key: str) -> None:
    at = desk()
    at.error = None
    at.replace_draft(
        at.draft.model_copy(update={"plan": on_accelerator(at.draft.plan, st.session_state[key])})
    )


def _take(path: str, key: str, convert: Any = None) -> None:
    typed = st.session_state[key]
    at = desk()
    try:
        changed = at.change({path: convert(path, typed) if convert else typed})
    except InputError as error:
        at.error, changed = error, False
    if not changed:
        at.revision += 1  # show the value that still holds


def _parse_count(path: str, typed: str) -> int:
    count = quantities.parse_count(typed)
    if count is None:
        raise InputError(path, typed, "count")
    return count


def _iso_date(_path: str, typed: datetime.date) -> str:
    return typed.isoformat()


def _from_percent(_path: str, typed: float | None) -> str | None:
    if typed is None:
        return None
    return str(round(Decimal(repr(typed)) / 100, 6))


def _as_typed(_path: str, typed: float) -> str:
    """The decimal that was typed, not the binary float nearest to it."""
    return repr(typed)


def _short_count(value: int) -> str:
    for suffix, size in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if value >= size and value * 1000 % size == 0:
            return f"{Decimal(value) / size:f}{suffix}"
    return str(value)


def _option(path: str, option: object) -> str:
    say = text()
    key = f"option.{path.rsplit('.', 1)[-1]}.{option}"
    return say(key) if key in say else str(option)


def _info(path: str) -> FieldInfo:
    kind: Any = Scenario
    *parents, name = path.split(".")
    for parent in parents:
        kind = _without_none(kind.model_fields[parent].annotation)
    info: FieldInfo = kind.model_fields[name]
    return info


def _kind(info: FieldInfo) -> Any:
    """The field's type without ``None``."""
    return _without_none(info.annotation)


def _without_none(kind: Any) -> Any:
    if isinstance(kind, types.UnionType):
        return next(one for one in get_args(kind) if one is not type(None))
    return kind


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for one in info.metadata:
        if isinstance(one, Ge | Gt):
            low = one.ge if isinstance(one, Ge) else one.gt
        elif isinstance(one, Le | Lt):
            high = one.le if isinstance(one, Le) else one.lt
    return _as_float(low), _as_float(high)


def _as_float(bound: Any) -> float | None:
    return None if bound is None else float(bound)


def _step(value: float) -> float:
    """About a twentieth of the value, as 1, 2 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    exponent = len(f"{value / 20:.0f}") - 1 if value >= 20 else -len(f"{20 / value:.0f}")
    return float(f"1e{exponent}")

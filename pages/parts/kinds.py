"""Kinds of fields of a document: their types, their bounds, and how their values are written.

A kind depends on the class and the name of a field only, so each is computed once per process.
"""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from engine.document_paths import field_name, parent_path, value_at
from engine.documents import Document
from finance.books.months import MAX_MONTHS
from finance.numbers.money import MAX_USD

_COUNTS = frozenset(
    {
        "tokens",
        "market",
        "tokens_per_customer_month",
        "input_tokens_per_month",
        "output_tokens_per_month",
    }
)
"""Names of counts that are written as 3T or 300亿."""
_SHARE = re.compile(r"(^|_)share(_|$)")
_MONTH = re.compile(r"(^|_)month$")
_USD = re.compile(r"(^|_)usd(_|$)")
_CALENDAR_MONTHS = frozenset({"last_fiscal_month"})

Style = Literal[
    "choice", "switch", "date", "text", "month", "currency", "calendar_month", "count", "whole",
    "number", "percent",
]  # fmt: skip
"""Way in which a field is edited. A ``month`` counts from the company's first month, and a
``count`` is written in short form, such as 3T."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """The type of a field and its bounds in the document."""

    type: Any
    """The annotation without ``None``."""
    optional: bool
    low: float | None
    high: float | None

    def style(self, name: str) -> Style:
        """Return how a field of this kind with the name ``name`` is edited."""
        if get_origin(self.type) is Literal:
            return "choice"
        if name == "currency":
            return "currency"
        if self.type in _STYLES:
            return _STYLES[self.type]
        if name in _CALENDAR_MONTHS:
            return "calendar_month"
        if is_count(name):
            return "count"
        if is_percent(name):
            return "percent"
        if self.type is not int:
            return "number"
        return "month" if _MONTH.search(name) and self.high == MAX_MONTHS else "whole"

    def is_in_currency(self, name: str) -> bool:
        """Return whether the field is an amount in the currency of its document."""
        return self.type is Decimal and self.high == float(MAX_USD) and not is_usd(name)


_STYLES: dict[Any, Style] = {str: "text", bool: "switch", datetime.date: "date"}


def kind_of(document: Document, path: str) -> FieldKind:
    """Return the kind of the field at a dotted path; its parent must be a document."""
    parent: Document = value_at(document, parent_path(path))
    return kind_in_class(type(parent), field_name(path))


@cache
def kind_in_class(document: type[Document], name: str) -> FieldKind:
    """Return the kind of the field ``name`` of a document's class."""
    return field_kind(document.model_fields[name])


def field_kind(info: FieldInfo) -> FieldKind:
    """Return the kind of a field of a document's class."""
    kind, metadata, optional = info.annotation, list(info.metadata), False
    if get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
        rest = [part for part in get_args(kind) if part is not type(None)]
        kind, optional = rest[0], True
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        for extra in more:
            metadata += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    low, high = _bounds(metadata)
    return FieldKind(kind, optional, low, high)


def is_count(path: str) -> bool:
    """Return whether the field is a count that is written in short form."""
    return field_name(path) in _COUNTS


def is_percent(path: str) -> bool:
    """Return whether the field is a share, which is written in percent."""
    return _SHARE.search(field_name(path)) is not None


def is_usd(path: str) -> bool:
    """Return whether the field is an amount in USD."""
    return _USD.search(field_name(path)) is not None


def union_kinds(kind: Any) -> dict[str, type[Document]]:
    """Return the documents of a union by their ``kind``; an empty dict if it is no union."""
    if get_origin(kind) is Annotated:
        return union_kinds(get_args(kind)[0])
    if get_origin(kind) not in (Union, types.UnionType):
        return {}
    return {
        get_args(document.model_fields["kind"].annotation)[0]: document
        for document in get_args(kind)
    }


def _bounds(metadata: Iterable[Any]) -> tuple[float | None, float | None]:
    low = high = None
    for bound in metadata:
        if isinstance(bound, Ge | Gt):
            low = bound.ge if isinstance(bound, Ge) else bound.gt
        elif isinstance(bound, Le | Lt):
            high = bound.le if isinstance(bound, Le) else bound.lt
    return _as_float(low), _as_float(high)


def _as_float(bound: Any) -> float | None:
    return None if bound is None else float(bound)

"""What a field of a document takes: its type, its bounds, and how people write its values."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from engine.document_paths import field_name, parent_path, value_at
from engine.documents import Document

_COUNTS = frozenset(
    {
        "tokens",
        "market",
        "tokens_per_customer_month",
        "input_tokens_per_month",
        "output_tokens_per_month",
    }
)
"""Counts that people write as 3T or 300亿."""
_SHARE = re.compile(r"(^|_)share(_|$)")


@dataclass(frozen=True, slots=True)
class FieldKind:
    """The type of a field and the bounds that its document names."""

    type: Any
    """Without ``None``."""
    optional: bool
    low: float | None
    high: float | None


def kind_of(document: Document, path: str) -> FieldKind:
    """The kind of the field at a dotted path; what stands above it must be a document."""
    parent = value_at(document, parent_path(path))
    return field_kind(type(parent).model_fields[field_name(path)])


def field_kind(info: FieldInfo) -> FieldKind:
    """What a field of a document's class takes."""
    kind, metadata, optional = info.annotation, list(info.metadata), False
    if get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind):
        rest = [one for one in get_args(kind) if one is not type(None)]
        kind, optional = rest[0], True
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        for one in more:
            metadata += one.metadata if isinstance(one, FieldInfo) else [one]
    low, high = _bounds(metadata)
    return FieldKind(kind, optional, low, high)


def is_count(path: str) -> bool:
    """Whether the field is a count that is written short."""
    return field_name(path) in _COUNTS


def is_percent(path: str) -> bool:
    """Whether the field is a share, which people write in percent."""
    return _SHARE.search(field_name(path)) is not None


def union_kinds(kind: Any) -> dict[str, type[Document]]:
    """The documents of a union by their ``kind``; empty for anything else."""
    if get_origin(kind) is Annotated:
        return union_kinds(get_args(kind)[0])
    if get_origin(kind) not in (Union, types.UnionType):
        return {}
    return {get_args(one.model_fields["kind"].annotation)[0]: one for one in get_args(kind)}


def _bounds(metadata: Iterable[Any]) -> tuple[float | None, float | None]:
    low = high = None
    for one in metadata:
        if isinstance(one, Ge | Gt):
            low = one.ge if isinstance(one, Ge) else one.gt
        elif isinstance(one, Le | Lt):
            high = one.le if isinstance(one, Le) else one.lt
    return _as_float(low), _as_float(high)


def _as_float(bound: Any) -> float | None:
    return None if bound is None else float(bound)

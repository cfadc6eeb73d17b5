"""Lists of small documents as tables that are edited in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st

from engine.document_paths import put_value, value_at
from engine.documents import Document
from pages.parts.fields import field_words, from_percent, option_label
from pages.parts.kinds import FieldKind, field_kind, is_percent
from pages.parts.session import draft, scenario_session


def table(path: str, item: type[Document], label: str, columns: Sequence[str] = ()) -> None:
    """The list at ``path`` as a table with a row for each of its documents.

    Parameters
    ----------
    item
        The class of them.
    columns
        Fields, dotted where they lie deeper; by default all that a cell can hold. The others of
        a row stay as they are.
    """
    kinds = cells_of(item)
    if columns:
        kinds = {name: kinds[name] for name in columns}
    documents = [one.model_dump(mode="json") for one in value_at(draft(), path)]
    before = frame_of(documents, kinds)
    after = st.data_editor(
        before,
        column_config={
            name: _column(f"{path}.{name}", item, name, kind) for name, kind in kinds.items()
        },
        num_rows="dynamic",
        hide_index=True,
        key=f"table.{path}#{scenario_session().revision}",
        alt=label,
    )
    needed = [
        name for name, kind in kinds.items() if not kind.optional and _default(item, name) is None
    ]
    if after[needed].isna().any(axis=None) or after.equals(before):
        return  # a row that is being filled in, or nothing new
    scenario_session().change({path: list(documents_of(item, documents, before, after, kinds))})
    st.rerun()


def frame_of(documents: Sequence[dict[str, Any]], kinds: dict[str, FieldKind]) -> pd.DataFrame:
    """A row for each document, shares in percent."""
    rows = [
        [_shown(name, kind, document) for name, kind in kinds.items()] for document in documents
    ]
    frame = pd.DataFrame(rows, columns=list(kinds))
    return frame.astype({name: _dtype(kind) for name, kind in kinds.items()})


def cells_of(item: type[Document]) -> dict[str, FieldKind]:
    """Fields that one cell can hold, those of parts with them."""
    return dict(_cells(item))


def _cells(item: type[Document], prefix: str = "") -> Iterator[tuple[str, FieldKind]]:
    for name, info in item.model_fields.items():
        kind = field_kind(info)
        if isinstance(kind.type, type) and issubclass(kind.type, Document):
            yield from _cells(kind.type, f"{prefix}{name}.")
        elif get_origin(kind.type) in (None, Literal):
            yield f"{prefix}{name}", kind


def _dtype(kind: FieldKind) -> Any:
    if kind.type is int:
        return "Int64"
    return "object" if kind.type is str or get_origin(kind.type) is Literal else "Float64"


def _shown(name: str, kind: FieldKind, document: dict[str, Any]) -> Any:
    value = value_at(document, name)
    if value is None or kind.type is str or get_origin(kind.type) is Literal:
        return value
    if kind.type is int:
        return int(value)
    return float(value) * 100 if is_percent(name) else float(value)


def _column(path: str, item: type[Document], name: str, kind: FieldKind) -> Any:
    label, help_text = field_words(path)
    default = _default(item, name)
    if get_origin(kind.type) is Literal:
        return st.column_config.SelectboxColumn(
            label,
            help=help_text,
            required=True,
            default=default,
            options=get_args(kind.type),
            format_func={one: option_label(path, one) for one in get_args(kind.type)}.__getitem__,
        )
    if kind.type is str:
        return st.column_config.TextColumn(
            label, help=help_text, required=default is None, default=default
        )
    scale = 100 if is_percent(name) else 1
    return st.column_config.NumberColumn(
        label,
        help=help_text,
        required=not kind.optional,
        default=None if default is None else float(default) * scale,
        min_value=None if kind.low is None else kind.low * scale,
        max_value=None if kind.high is None else kind.high * scale,
        step=1 if kind.type is int else None,
        format="localized",
    )


def _default(item: type[Document], name: str) -> Any:
    """What the document takes where nothing is said; None if it must be said."""
    first, *rest = name.split(".")
    info = item.model_fields[first]
    if rest:
        return _default(field_kind(info).type, ".".join(rest))
    return None if info.is_required() else info.default


def documents_of(
    item: type[Document],
    documents: Sequence[dict[str, Any]],
    before: pd.DataFrame,
    after: pd.DataFrame,
    kinds: dict[str, FieldKind],
) -> Iterator[dict[str, Any]]:
    """Rows as documents again; a cell that was not touched keeps the exact value it had."""
    for label, row in zip(after.index, after.to_dict("records"), strict=True):
        known = label in before.index
        document = dict(documents[label]) if known else {}
        for name, kind in kinds.items():
            value = row[name]
            missing = pd.isna(value)
            if known and (
                pd.isna(before.loc[label, name]) if missing else before.loc[label, name] == value
            ):
                continue
            if not missing:
                put_value(document, name, _given(name, kind, value))
            elif known:
                put_value(document, name, None if kind.optional else _default(item, name))
        yield document


def _given(name: str, kind: FieldKind, value: Any) -> object:
    if kind.type is int:
        return int(value)
    if kind.type is str or get_origin(kind.type) is Literal:
        return value
    return from_percent(float(value)) if is_percent(name) else repr(float(value))

"""Lists of small documents as tables that are edited in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args, get_origin

import pandas as pd
import streamlit as st

from engine.document_paths import put_value, value_at
from engine.documents import Document
from pages.parts.fields import field_texts, from_percent, option_label
from pages.parts.kinds import FieldKind, field_kind, is_percent
from pages.parts.session import draft, scenario_session


def table(path: str, item: type[Document], label: str, columns: Sequence[str] = ()) -> None:
    """Draw the list at ``path`` as an editable table with a row for each of its documents.

    Parameters
    ----------
    item
        Class of the documents.
    columns
        Fields that are shown, dotted for those of a part; by default all that a cell can hold.
        The other fields of a row keep their values.
    """
    kinds = cells_of(item)
    if columns:
        kinds = {name: kinds[name] for name in columns}
    documents = [document.model_dump(mode="json") for document in value_at(draft(), path)]
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
        return  # a row is incomplete, or nothing has changed
    scenario_session().change({path: list(documents_of(item, documents, before, after, kinds))})
    st.rerun()


def frame_of(documents: Sequence[dict[str, Any]], kinds: dict[str, FieldKind]) -> pd.DataFrame:
    """Return a row for each document, with shares in percent."""
    rows = [
        [_shown(name, kind, document) for name, kind in kinds.items()] for document in documents
    ]
    frame = pd.DataFrame(rows, columns=list(kinds))
    return frame.astype({name: _dtype(kind) for name, kind in kinds.items()})


def cells_of(item: type[Document]) -> dict[str, FieldKind]:
    """Return the fields that one cell can hold, including those of parts."""
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
    label, help_text = field_texts(path)
    default = _default(item, name)
    if get_origin(kind.type) is Literal:
        return st.column_config.SelectboxColumn(
            label,
            help=help_text,
            required=True,
            default=default,
            options=get_args(kind.type),
            format_func={
                option: option_label(path, option) for option in get_args(kind.type)
            }.__getitem__,
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
    """Return the field's default; None if it is required."""
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
    """Return rows as documents; a cell that was not edited keeps its exact value."""
    for label, row in zip(after.index, after.to_dict("records"), strict=True):
        existed = label in before.index
        document = dict(documents[label]) if existed else {}
        for name, kind in kinds.items():
            value = row[name]
            missing = pd.isna(value)
            if existed and (
                pd.isna(before.loc[label, name]) if missing else before.loc[label, name] == value
            ):
                continue
            if not missing:
                put_value(document, name, _value_of_cell(name, kind, value))
            elif existed:
                put_value(document, name, None if kind.optional else _default(item, name))
        yield document


def _value_of_cell(name: str, kind: FieldKind, value: Any) -> object:
    if kind.type is int:
        return int(value)
    if kind.type is str or get_origin(kind.type) is Literal:
        return value
    return from_percent(float(value)) if is_percent(name) else repr(float(value))

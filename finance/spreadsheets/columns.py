"""Columns of each kind of import, and a guess of which column of a file holds which field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, get_args

from engine.documents import InputError, read_toml_table
from engine.paths import DATA_DIR

ImportKind = Literal["people", "costs", "revenue", "cap_table"]
IMPORT_KINDS: tuple[ImportKind, ...] = get_args(ImportKind)

REQUIRED: Mapping[ImportKind, tuple[tuple[str, ...], ...]] = {
    "people": (("title",), ("yearly_salary", "monthly_cost")),
    "costs": (("name",), ("monthly", "yearly", "share_of_revenue")),
    "revenue": (("name",), ("yearly_price", "monthly_price")),
    "cap_table": (("holder",), ("shares", "amount")),
}
"""Fields of which one of each group must have a column."""

Mapped = Mapping[str, str]
"""Column of the file by the field that it holds."""


@cache
def fields_of(kind: ImportKind) -> Mapping[str, tuple[str, ...]]:
    """Return the header names of each field of a kind of import."""
    table = read_toml_table(DATA_DIR / "start" / "import_columns.toml")[kind]
    return {field: tuple(names) for field, names in table.items()}


def guess_columns(kind: ImportKind, columns: Sequence[str]) -> dict[str, str]:
    """Return the column of each field whose header names fit.

    Equal names count first, then headers that contain a name. Each column is used once.
    """
    plain = {column: _plain(column) for column in columns}
    found: dict[str, str] = {}
    for exact in (True, False):
        for field, names in fields_of(kind).items():
            if field in found:
                continue
            for name in map(_plain, names):
                column = next(
                    (
                        column
                        for column, header in plain.items()
                        if column not in found.values() and _fits(name, header, exact)
                    ),
                    None,
                )
                if column is not None:
                    found[field] = column
                    break
    return found


def require_columns(kind: ImportKind, mapped: Mapped) -> None:
    """Raise InputError if a required field has no column."""
    for group in REQUIRED[kind]:
        if not any(mapped.get(field) for field in group):
            raise InputError(group[0], "—", "column_for", fields=" / ".join(group))


def _fits(name: str, header: str, exact: bool) -> bool:
    if exact:
        return name == header
    return len(name) >= (2 if not name.isascii() else 5) and name in header


def _plain(name: str) -> str:
    without_units = re.sub(r"[(（\[].*?[)）\]]", "", name)
    return re.sub(r"[^0-9a-z\u4e00-\u9fff]", "", without_units.casefold())

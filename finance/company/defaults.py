"""Default values of new revenue lines, contracts and costs, before the user edits them."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from engine.documents import read_toml_table
from engine.paths import DATA_DIR

ONLY_KIND = "only"
"""Kind of an entry whose table has a single kind."""


def kinds_of(table: str) -> tuple[str, ...]:
    """Return the kinds of entries of ``table``, such as ``revenue_lines`` or ``contracts``."""
    return tuple(_defaults()[table])


def default_entry(table: str, kind: str = ONLY_KIND) -> dict[str, Any]:
    """Return a new entry of ``table``, as plain data for a document."""
    found: dict[str, Any] = deepcopy(_defaults()[table][kind])
    return found


@cache
def _defaults() -> dict[str, Any]:
    return read_toml_table(DATA_DIR / "company" / "new.toml")

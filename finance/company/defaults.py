"""What a new line, contract or cost starts as, before somebody edits it."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

from engine.documents import read_toml_table
from engine.paths import DATA_DIR

ONLY_KIND = "only"
"""The kind of what comes in one kind."""


def kinds_of(table: str) -> tuple[str, ...]:
    """The kinds that ``table`` (``revenue_lines``, ``contracts``, ``adoption``) can have."""
    return tuple(_defaults()[table])


def default_entry(table: str, kind: str = ONLY_KIND) -> dict[str, Any]:
    """A new entry of ``table``, to be put in a document."""
    found: dict[str, Any] = deepcopy(_defaults()[table][kind])
    return found


@cache
def _defaults() -> dict[str, Any]:
    return read_toml_table(DATA_DIR / "company" / "new.toml")

"""List what differs between two documents, field by field.

Documents are plain data as in JSON. Paths are those of :mod:`engine.document_paths`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from finance.scenarios.alignment import aligned

ChangeKind = Literal["set", "added", "removed", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """Difference at one path."""

    kind: ChangeKind
    """"set" for a field with another value. The other kinds are about an entry of a list."""
    path: str
    """Place in the new document; of a removed entry, its place in the old one."""
    old: Any
    new: Any


def changes(old: Any, new: Any) -> list[Change]:
    """Return what differs between two documents, in the order of the fields.

    A table of another kind counts as one change, because its fields have other meanings.
    """
    return list(_changes(old, new, ""))


def is_other_kind(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether two tables are documents of different kinds."""
    return old.get("kind") != new.get("kind")


def is_list_of_tables(value: Any) -> bool:
    """Return whether ``value`` is a list whose entries are all tables."""
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def join(path: str, name: str | int) -> str:
    """Return the path of a field below ``path``."""
    return f"{path}.{name}" if path else str(name)


def _changes(old: Any, new: Any, path: str) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and not is_other_kind(old, new):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _changes(old.get(name), new.get(name), join(path, name))
    elif is_list_of_tables(old) and is_list_of_tables(new):
        yield from _changes_of_list(old, new, path)
    else:
        yield Change("set", path, old, new)


def _changes_of_list(old: list[Any], new: list[Any], path: str) -> Iterator[Change]:
    pairs = aligned(old, new)
    kept = set(pairs.values())
    for number, entry in enumerate(old):
        if number not in kept:
            yield Change("removed", join(path, number), entry, None)
    for position, entry in enumerate(new):
        if position in pairs:
            yield from _changes(old[pairs[position]], entry, join(path, position))
        else:
            yield Change("added", join(path, position), None, entry)
    order = [pairs[position] for position in sorted(pairs)]
    if order != sorted(order):
        yield Change("moved", path, old, new)

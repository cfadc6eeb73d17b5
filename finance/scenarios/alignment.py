"""Pair the entries of two versions of a list: equal ones, those of one name, and similar ones.

Entries of a document's lists have no ids. An entry is therefore recognised by its whole content, by
its name, or by the share of its fields that are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

NAMES = ("id", "name", "title", "holder")
"""Fields that name an entry, the first of them that it has."""
LEAST_SIMILARITY = 0.5
"""Least share of equal fields at which two entries count as versions of one entry."""
LEAST_SIMILARITY_OF_NAMED = 0.75
"""The same for entries with other names, where the entry must have been renamed."""


def aligned(old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
    """Return the position in ``old`` of each entry of ``new`` that is a version of an old entry.

    Positions count from 0. No old entry is used twice, and an entry of ``new`` without a position
    was added.
    """
    found: dict[int, int] = {}
    _pair(old, new, found, lambda before, after: before == after)
    _pair(old, new, found, _have_one_name)
    _pair_similar(old, new, found)
    return found


def name_of(entry: Any) -> str | None:
    """Return what names an entry of a list; None if nothing does."""
    if isinstance(entry, dict):
        for field in NAMES:
            if isinstance(entry.get(field), str):
                return str(entry[field])
    return None


def _have_one_name(before: Any, after: Any) -> bool:
    return (
        name_of(before) is not None
        and name_of(before) == name_of(after)
        and before.get("kind") == after.get("kind")
    )


def _pair(
    old: Sequence[Any],
    new: Sequence[Any],
    found: dict[int, int],
    is_same: Callable[[Any, Any], bool],
) -> None:
    """Pair what ``is_same`` accepts, the entry at the same position first."""
    used = set(found.values())
    for position, entry in enumerate(new):
        if position in found:
            continue
        free = [number for number in range(len(old)) if number not in used]
        free.sort(key=lambda number: (number != position, number))
        for number in free:
            if is_same(old[number], entry):
                found[position] = number
                used.add(number)
                break


def _pair_similar(old: Sequence[Any], new: Sequence[Any], found: dict[int, int]) -> None:
    used = set(found.values())
    candidates = [
        (-_similarity(old[number], entry), abs(number - position), number, position)
        for position, entry in enumerate(new)
        if position not in found
        for number in range(len(old))
        if number not in used
    ]
    for distance, _, number, position in sorted(candidates):
        least = LEAST_SIMILARITY if name_of(new[position]) is None else LEAST_SIMILARITY_OF_NAMED
        if -distance >= least and number not in used and position not in found:
            found[position] = number
            used.add(number)


def _similarity(before: Any, after: Any) -> float:
    """Return the share of fields that are equal in two entries of one kind, from 0 to 1."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return 0.0
    if before.get("kind") != after.get("kind"):
        return 0.0
    fields = before.keys() | after.keys()
    missing = object()
    equal = sum(before.get(name, missing) == after.get(name, missing) for name in fields)
    return equal / len(fields) if fields else 1.0

"""Merge two edits of one document: what only one side changed is taken over by itself.

Both sides began from ``base``. A field that both changed to different values is a conflict, for
which one side is chosen. Lists of tables are merged entry by entry, also where entries were added,
removed, renamed or put in another order (see :mod:`finance.scenarios.alignment`). Other lists are
merged as one value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from finance.scenarios.alignment import aligned, name_of
from finance.scenarios.changes import is_list_of_tables, is_other_kind, join

Side = Literal["mine", "theirs"]


class _Absent:
    """Value of a field or an entry that a document does not have."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Place that both sides changed to different values.

    The path is that of ``base``. An entry that both sides added has a position after the last entry
    of the base's list. A value that a document does not have is :data:`ABSENT`.
    """

    path: str
    base: Any
    mine: Any
    theirs: Any


@dataclass(slots=True)
class Merged:
    """Document after a merge, and its conflicts."""

    document: dict[str, Any]
    """Both sides' changes. A conflict without a choice has the value of ``mine``."""
    conflicts: list[Conflict] = field(default_factory=list)
    """All conflicts, chosen or not."""


def merge(
    base: Mapping[str, Any],
    mine: Mapping[str, Any],
    theirs: Mapping[str, Any],
    choices: Mapping[str, Side] | None = None,
) -> Merged:
    """Merge two edits of ``base``.

    Parameters
    ----------
    base, mine, theirs
        Documents as plain data.
    choices
        The chosen side of each conflict by its path.
    """
    merging = _Merging(choices or {})
    document = merging.value(dict(base), dict(mine), dict(theirs), "")
    return Merged(document, merging.conflicts)


class _Merging:
    """One run of a merge, which collects conflicts."""

    def __init__(self, choices: Mapping[str, Side]) -> None:
        self._choices = choices
        self.conflicts: list[Conflict] = []

    def value(self, base: Any, mine: Any, theirs: Any, path: str) -> Any:
        """Return the merged value of one place; :data:`ABSENT` if it has none."""
        if _equal(mine, theirs) or _equal(base, theirs):
            return mine
        if _equal(base, mine):
            return theirs
        if _are_tables_of_one_kind(base, mine, theirs):
            return self._table(base, mine, theirs, path)
        if all(is_list_of_tables(side) for side in (base, mine, theirs)):
            return self._list(base, mine, theirs, path)
        self.conflicts.append(Conflict(path, base, mine, theirs))
        return theirs if self._choices.get(path) == "theirs" else mine

    def _table(
        self, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], path: str
    ) -> dict[str, Any]:
        names = [*mine, *(name for name in theirs if name not in mine)]
        names += [name for name in base if name not in mine and name not in theirs]
        merged = {}
        for name in names:
            value = self.value(
                base.get(name, ABSENT),
                mine.get(name, ABSENT),
                theirs.get(name, ABSENT),
                join(path, name),
            )
            if value is not ABSENT:
                merged[name] = value
        return merged

    def _list(self, base: list[Any], mine: list[Any], theirs: list[Any], path: str) -> list[Any]:
        of_mine, of_theirs = _Edited(base, mine), _Edited(base, theirs)
        merged: dict[int, Any] = {}
        for number, entry in enumerate(base):
            value = self.value(entry, of_mine.at(number), of_theirs.at(number), join(path, number))
            if value is not ABSENT:
                merged[number] = value
        pairs = _added_by_both(of_mine, of_theirs)
        for extra, (position, other) in enumerate(pairs.items()):
            number = len(base) + extra
            merged[number] = self.value(ABSENT, mine[position], theirs[other], join(path, number))
            of_mine.give(position, number)
            of_theirs.give(other, number)
        return _in_order(of_mine, of_theirs, merged)


class _Edited:
    """A side's list, with each entry's number in the base."""

    def __init__(self, base: Sequence[Any], entries: Sequence[Any]) -> None:
        pairs = aligned(base, entries)
        self.entries = entries
        self.numbers: list[int | None] = [pairs.get(place) for place in range(len(entries))]

    def at(self, number: int) -> Any:
        """Return this side's version of the base's entry; :data:`ABSENT` if it was removed."""
        return self.entries[self.numbers.index(number)] if number in self.numbers else ABSENT

    def added(self) -> list[int]:
        """Return the positions of entries that the base does not have."""
        return [place for place, number in enumerate(self.numbers) if number is None]

    def give(self, position: int, number: int) -> None:
        """Give an added entry a number, because the other side has added it too."""
        self.numbers[position] = number

    def order(self, numbers: set[int]) -> list[int]:
        """Return those of ``numbers`` that this side has, in its order."""
        return [number for number in self.numbers if number is not None and number in numbers]


def _added_by_both(mine: _Edited, theirs: _Edited) -> dict[int, int]:
    """Return the positions of entries that both sides added: equal ones, or with one name."""
    pairs: dict[int, int] = {}
    free = theirs.added()
    for position in mine.added():
        entry = mine.entries[position]
        for other in free:
            candidate = theirs.entries[other]
            is_named = name_of(entry) is not None and name_of(entry) == name_of(candidate)
            if entry == candidate or is_named:
                pairs[position] = other
                free.remove(other)
                break
    return pairs


def _in_order(mine: _Edited, theirs: _Edited, merged: Mapping[int, Any]) -> list[Any]:
    """Return merged entries in the order of the side that changed it; if both did, in mine.

    An entry that only the other side has follows the entry that precedes it there.
    """
    shared = set(merged) & set(mine.order(set(merged))) & set(theirs.order(set(merged)))
    leads, follows = mine, theirs
    if mine.order(shared) == sorted(shared):
        leads, follows = theirs, mine
    result: list[tuple[object, Any]] = _numbered(leads, merged)
    before: object = None
    for key, entry in _numbered(follows, merged):
        places = [place for place, (other, _) in enumerate(result) if other == key]
        if not places:
            at = next((i + 1 for i, (other, _) in enumerate(result) if other == before), 0)
            result.insert(at, (key, entry))
        before = key
    return [entry for _, entry in result]


def _numbered(side: _Edited, merged: Mapping[int, Any]) -> list[tuple[object, Any]]:
    """Return a side's entries that remain, each with a key that both sides agree on."""
    return [
        (
            (id(side), place) if number is None else number,
            entry if number is None else merged[number],
        )
        for place, (number, entry) in enumerate(zip(side.numbers, side.entries, strict=True))
        if number is None or number in merged
    ]


def _are_tables_of_one_kind(base: Any, mine: Any, theirs: Any) -> bool:
    if not all(isinstance(side, dict) for side in (base, mine, theirs)):
        return False
    return not is_other_kind(base, mine) and not is_other_kind(base, theirs)


def _equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal; :data:`ABSENT` equals only itself."""
    if left is ABSENT or right is ABSENT:
        return left is right
    return bool(left == right)

"""Provenance: who set each value of a scenario, and when.

A scenario keeps an entry only for paths whose origin is not evident. The entry of a table, such as
``company.people``, also applies to the fields below it that have no entry of their own. A value
without any entry is a default: it came with a sample, a template or a field's default.
"""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.document_paths import parent_path, value_at
from engine.documents import Document

OriginKind = Literal["default", "user", "measured", "imported"]
MAX_SOURCE_CHARS = 300
MEASURED_PATHS = ("plan.calibration", "plan.profile")
"""Tables that hold measurements, with or without an entry."""


class Origin(Document):
    """Origin of a value, with its source and its date if they are known."""

    by: OriginKind
    source: Annotated[str, Field(max_length=MAX_SOURCE_CHARS)] = ""
    """Publication, file or measurement that the value comes from."""
    as_of: datetime.date | None = None
    """Day on which the value was set or measured."""


DEFAULT_ORIGIN = Origin(by="default")
Provenance = Mapping[str, Origin]
ProvenancePath = Annotated[str, Field(min_length=1, max_length=200)]


def origin_of(provenance: Provenance, path: str) -> Origin:
    """Return the origin of the value at ``path``: its own entry, or that of the nearest table."""
    if any(path == table or path.startswith(f"{table}.") for table in MEASURED_PATHS):
        return Origin(by="measured")
    while path:
        if path in provenance:
            return provenance[path]
        path = parent_path(path)
    return DEFAULT_ORIGIN


def existing_paths(provenance: Provenance, document: Any) -> dict[str, Origin]:
    """Return the entries whose path leads to a value in ``document``."""
    kept = {}
    for path, origin in provenance.items():
        try:
            value_at(document, path)
        except LookupError:
            continue
        kept[path] = origin
    return kept


def carried_provenance(
    provenance: Provenance,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changed: Origin | None = None,
) -> dict[str, Origin]:
    """Return the provenance of a changed document.

    Unchanged values keep their entry, also when items of a list before them are added or removed.

    Parameters
    ----------
    provenance
        Provenance of the document before the change.
    before, after
        The document as plain data (dicts, lists and tuples), without its provenance.
    changed
        Origin of the values that differ and of new tables; None leaves them without an entry.
    """
    carried = _Carried(provenance, changed)
    carried.compare(before, after, "", "")
    return {path: carried.entries[path] for path in sorted(carried.entries)}


@dataclass(slots=True)
class _Carried:
    """Entries of the document after a change, filled by :meth:`compare`."""

    provenance: Provenance
    changed: Origin | None
    entries: dict[str, Origin] = field(default_factory=dict)

    def compare(self, before: Any, after: Any, old_path: str, new_path: str) -> None:
        """Add the entries of one value and of the values below it."""
        if old_path in self.provenance:
            self.entries[new_path] = self.provenance[old_path]
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for name, value in after.items():
                old, new = f"{old_path}.{name}".lstrip("."), f"{new_path}.{name}".lstrip(".")
                if name in before:
                    self.compare(before[name], value, old, new)
                elif value is not None:
                    self.mark(new)
        elif _is_list_of_tables(before) and _is_list_of_tables(after):
            self._compare_lists(before, after, old_path, new_path)
        elif before != after:
            self.entries.pop(new_path, None)
            self.mark(new_path)

    def _compare_lists(
        self, before: Sequence[Any], after: Sequence[Any], old_path: str, new_path: str
    ) -> None:
        matcher = difflib.SequenceMatcher(
            None, [_as_text(item) for item in before], [_as_text(item) for item in after], False
        )
        for operation, old_start, old_end, new_start, new_end in matcher.get_opcodes():
            paired = 0
            if operation in ("equal", "replace"):
                paired = min(old_end - old_start, new_end - new_start)
            for offset in range(paired):
                old, new = old_start + offset, new_start + offset
                self.compare(before[old], after[new], f"{old_path}.{old}", f"{new_path}.{new}")
            for added in range(new_start + paired, new_end):
                self.mark(f"{new_path}.{added}")

    def mark(self, path: str) -> None:
        """Add the entry of a value that differs, or of a new table."""
        if self.changed is not None and not path.startswith(MEASURED_PATHS):
            self.entries[path] = self.changed


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Mapping) for item in value)


def _as_text(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=str)

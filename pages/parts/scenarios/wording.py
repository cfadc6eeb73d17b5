"""Changes of a scenario in words, with the labels of its fields in the session's language."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from engine import quantities
from engine.document_paths import field_name, value_or_none
from finance.company.scenario import Scenario
from finance.scenarios.alignment import name_of
from finance.scenarios.changes import Change, changes
from finance.scenarios.edits import figures
from finance.scenarios.merge import ABSENT
from pages.parts.fields import option_label
from pages.parts.kinds import is_count, is_percent
from pages.parts.session import text

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOST_CHARS = 60
"""Greatest number of characters of a value in a change."""


def described(change: Change, old: Any, new: Any) -> str:
    """Return a change as one line, such as "Role Researcher · Number of people: 1 → 2".

    ``old`` and ``new`` are the documents that it is between; they have the names of entries.
    """
    say = text()
    place = place_of(old if change.kind == "removed" else new, change.path)
    if change.kind == "set":
        return say(
            "changes.set",
            place=place,
            old=shown_value(change.path, change.old),
            new=shown_value(change.path, change.new),
        )
    return say(f"changes.{change.kind}", place=place)


def described_step(before: str, after: str) -> str:
    """Return one step of editing as one line; the documents are JSON."""
    say = text()
    old, new = figures(json.loads(before)), figures(json.loads(after))
    found = changes(old, new)
    if not found:
        return say("changes.none")
    first = described(found[0], old, new)
    return first if len(found) == 1 else say("changes.more", first=first, n=len(found) - 1)


def described_all(old: Any, new: Any) -> list[str]:
    """Return all changes between two documents as plain data, each as one line."""
    old, new = figures(old), figures(new)
    return [described(change, old, new) for change in changes(old, new)]


def place_of(document: Scenario | Any, path: str) -> str:
    """Return a path in words: the entry that it leads through, then the field.

    A list without words for its entries is left out, and so are tables that only group fields.
    """
    say = text()
    names = path.split(".")
    words: list[str] = []
    for end, name in enumerate(names, 1):
        above = ".".join(names[:end])
        if name.isdigit():
            kind = f"changes.entry.{names[end - 2]}"
            entry = name_of(_plain(value_or_none(document, above)))
            shown = entry if entry is not None else str(int(name) + 1)
            words.append(f"{say(kind)} {shown}" if kind in say else shown)
        elif end == len(names):
            words.append(_label(names[:end]))
    return " · ".join(words)


def shown_value(path: str, value: Any) -> str:
    """Return a value of a field as people write it."""
    say, name = text(), field_name(path)
    if value is ABSENT:
        return say("changes.absent")
    if value is None:
        return "—"
    if isinstance(value, bool):
        return say("changes.yes" if value else "changes.no")
    if isinstance(value, dict):
        kind = value.get("kind")
        named = name_of(value) or (option_label("kind", kind) if kind else None)
        return named or say("changes.table")
    if isinstance(value, list):
        parts = [shown_value(path, part) for part in value[:6]]
        return _short(", ".join(parts) or "—")
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return _short(option_label(path, value))
    return _shown_number(path, name, value)


def _shown_number(path: str, name: str, value: Any) -> str:
    language = text().language
    number = float(value)
    if is_percent(path):
        return quantities.share(number, language, digits=4)
    if re.search(r"(^|_)usd(_|$)", name):
        return quantities.usd(number, language)
    if is_count(path):
        return quantities.count(number, language)
    return quantities.number(number, language, digits=6)


def _label(names: Sequence[str]) -> str:
    """Return the label of a field by its path without positions, or else by its name."""
    say = text()
    plain = [name for name in names if not name.isdigit()]
    last, above = plain[-1], plain[-2] if len(plain) > 1 else ""
    keys = [
        f"field.{'.'.join(plain)}.label",
        f"entry.{last}.label",
        f"funding.field.{above}_{last}",
        f"funding.field.{last}",
        f"changes.field.{above}_{last}",
        f"changes.field.{last}",
        f"entries.{last}",
    ]
    if "changes" in plain[:-1]:  # fields of the plan that a training run changes
        of_plan = plain[plain.index("changes") + 1 :]
        keys.insert(0, f"field.plan.{'.'.join(of_plan)}.label")
    return next((say(key) for key in keys if key in say), last)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _short(words: str) -> str:
    return words if len(words) <= _MOST_CHARS else f"{words[: _MOST_CHARS - 1]}…"

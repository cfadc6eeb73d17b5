"""Changes of a scenario in words, with the labels of its fields in the session's language."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import streamlit as st

from engine import quantities
from engine.document_paths import field_name
from finance.scenarios.alignment import name_of
from finance.scenarios.changes import Change, changes
from finance.scenarios.edits import figures
from finance.scenarios.merge import ABSENT
from pages.parts.field_errors import entry_names
from pages.parts.field_words import short_label
from pages.parts.fields import option_label
from pages.parts.kinds import is_count, is_percent
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_MOST_LINES = 8
"""Greatest number of changes that a list shows, unless all are wanted."""
_MOST_CHARS = 60
"""Greatest number of characters of a value in a change."""


def described(change: Change, old: Any, new: Any) -> str:
    """Return a change as one line, such as "Role Researcher · Number of people: 1 → 2".

    ``old`` and ``new`` are the documents that it is between; they have the names of entries.
    """
    say = text()
    place = place_of(old if change.kind == "removed" else new, change.path)
    if change.kind == "set":
        before, after = shown_values(change.path, change.old, change.new)
        return say(
            "changes.set",
            place=place,
            old=before,
            new=after,
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


def place_of(document: Any, path: str) -> str:
    """Return a path in words: the entries that it leads through, then the field."""
    say, names = text(), path.split(".")
    entries = entry_names(document, path)
    words: list[str] = []
    for end, name in enumerate(names, 1):
        above = ".".join(names[:end])
        if name.isdigit():
            kind = f"changes.entry.{names[end - 2]}"
            shown = entries.get(above, str(int(name) + 1))
            words.append(f"{say(kind)} {shown}" if kind in say else shown)
        elif end == len(names):
            words.append(short_label(say, above))
    return " · ".join(words)


def shown_values(path: str, *values: Any) -> list[str]:
    """Return values of one field as people write them; with every digit if they look equal."""
    short = [shown_value(path, value) for value in values]
    different = [value for place, value in enumerate(values) if value not in values[:place]]
    if len(set(short)) == len(different):
        return short
    return [shown_value(path, value, exact=True) for value in values]


def shown_value(path: str, value: Any, *, exact: bool = False) -> str:
    """Return a value of a field as people write it, or with every digit."""
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
    return _shown_number(path, name, value, exact)


def _shown_number(path: str, name: str, value: Any, exact: bool) -> str:
    language = text().language
    if exact:
        per_cent = is_percent(path)
        digits = quantities.exact(Decimal(str(value)) * (100 if per_cent else 1), language)
        return f"{digits}%" if per_cent else digits
    number = float(value)
    if is_percent(path):
        return quantities.share(number, language, digits=4)
    if re.search(r"(^|_)usd(_|$)", name):
        return quantities.usd(number, language)
    if is_count(path):
        return quantities.count(number, language)
    return quantities.number(number, language, digits=6)


def draw_changes(lines: list[str], most: int | None = _MOST_LINES) -> None:
    """Draw changes as a list, at most ``most`` of them, with the number of others."""
    say = text()
    shown = lines if most is None else lines[:most]
    words = [f"- {escaped_markdown(line)}" for line in shown] or [f"- {say('merge.nothing')}"]
    if len(lines) > len(shown):
        words.append(f"- {say('history.more', n=len(lines) - len(shown))}")
    st.markdown("\n".join(words))


def _short(words: str) -> str:
    return words if len(words) <= _MOST_CHARS else f"{words[: _MOST_CHARS - 1]}…"

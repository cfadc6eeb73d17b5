"""Inputs that are not accepted: what was typed, and the reason in words.

A session keeps an error for each field whose input its document refuses. The field goes on showing
the input, with the reason below it, and the draft keeps the last valid value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.document_paths import value_or_none
from engine.documents import InputError
from engine.text import Catalog
from pages.parts.field_words import allowed_in_words, place_in_words

_NAMES = ("name", "title", "series")
"""Fields that name an entry, the first that it has."""
UNREADABLE = object()
"""Value of an input that could not be read as a value of its field's type."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An input that was not accepted."""

    error: InputError
    """Reason; its field may be a different field, which contradicts the input."""
    typed: Any
    """State of the field's widget, which it shows again."""
    value: Any = UNREADABLE
    """The input as plain data for the document."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of the entries above the field of the error, by path; see :func:`entry_names`."""

    def in_words(self, say: Catalog, path: str, kept: str = "") -> str:
        """Return the reason as a sentence to be shown at the field with the path ``path``.

        Parameters
        ----------
        kept
            Text of the value that stays in use; empty if the field had none.
        """
        allowed = allowed_in_words(say, self.error)
        if self.error.field != path:
            place = place_in_words(say, self.error.field, self.names, with_page=False)
            sentence = say("field_error.elsewhere", place=place, allowed=allowed)
        else:
            sentence = say("field_error.here", allowed=allowed)
        return f"{sentence}{say('field_error.kept', value=kept)}" if kept else sentence


def entry_names(data: Any, path: str) -> dict[str, str]:
    """Return the names of the list entries that a path leads through, by their own paths.

    Parameters
    ----------
    data
        The document in which the path leads, as plain data.
    """
    return dict(_names(data, path))


def _names(data: Any, path: str) -> Iterator[tuple[str, str]]:
    above: list[str] = []
    for part in path.split("."):
        above.append(part)
        if part.isdigit():
            entry = value_or_none(data, ".".join(above))
            if isinstance(entry, Mapping):
                name = next((entry[key] for key in _NAMES if entry.get(key)), "")
                date = f"({entry['date']})" if entry.get("date") else ""
                if name or date:
                    yield ".".join(above), f"{name} {date}".strip()

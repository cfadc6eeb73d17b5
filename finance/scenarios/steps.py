"""Drafts in the order of editing: undo and redo move between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from finance.scenarios.drafts import MAX_STEPS


@dataclass(slots=True)
class Steps:
    """Documents of a draft as JSON by number, and the number of the current one."""

    documents: dict[int, str]
    position: int = 0
    later: list[int] = field(init=False)
    """Numbers that redo reaches, the next first."""

    def __post_init__(self) -> None:
        self.later = [number for number in sorted(self.documents) if number > self.position]

    @classmethod
    def beginning_with(cls, document: str) -> Steps:
        """Return steps with a single document."""
        return cls({0: document})

    @classmethod
    def stored(cls, documents: Mapping[int, str], position: int) -> Steps:
        """Return steps that were read from the database."""
        return cls(dict(documents), position)

    @property
    def current(self) -> str:
        """Current document."""
        return self.documents[self.position]

    @property
    def earlier(self) -> list[int]:
        """Numbers that undo reaches, the last change first."""
        return [number for number in sorted(self.documents, reverse=True) if number < self.position]

    def add(self, document: str) -> int:
        """Add a document after the current one, drop what redo reached, and return its number."""
        self.position += 1
        self.documents = {
            number: earlier
            for number, earlier in self.documents.items()
            if self.position - MAX_STEPS <= number < self.position
        }
        self.documents[self.position] = document
        self.later = []
        return self.position

    def go(self, number: int) -> str:
        """Make another document current and return it; KeyError if there is no such step."""
        document = self.documents[number]
        self.position = number
        self.later = [other for other in sorted(self.documents) if other > number]
        return document

"""What people call a run and say about it: ``about.json`` in its folder. Nothing of it decides
anything."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from engine.documents import Document, InputError
from engine.runs.folder import Run

_NOT_IN_A_NOTE = ("Cc", "Cs")
"""Unicode's categories of control characters and of halves of characters."""
_NOT_IN_A_LINE = (*_NOT_IN_A_NOTE, "Cf", "Zl", "Zp")
"""Besides: characters that nobody sees, some of which turn text around; line ends."""


def _refuse(text: str, categories: tuple[str, ...]) -> None:
    for character in text:
        if unicodedata.category(character) in categories:
            raise InputError("", f"U+{ord(character):04X}", "no_control_characters")


def _one_line(text: str) -> str:
    _refuse(text, _NOT_IN_A_LINE)
    return text


def _lines(text: str) -> str:
    _refuse(text.replace("\r\n", "").replace("\n", "").replace("\t", ""), _NOT_IN_A_NOTE)
    return text


def _tag(text: str) -> str:
    if "," in text:
        raise InputError("", text, "no_comma")
    return text


def _differ(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if tags.count(tag) > 1:
            raise InputError("", tag, "no_repeats")
    return tags


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_one_line),
]
Note = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=10_000), AfterValidator(_lines)
]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    AfterValidator(_one_line),
    AfterValidator(_tag),
]


class About(Document):
    """What people say of a run."""

    name: Name | None = None
    """The recipe's name if not said."""
    note: Note = ""
    tags: Annotated[tuple[Tag, ...], AfterValidator(_differ), Field(max_length=20)] = ()
    archived: bool = False
    """Out of sight, as it was."""


def about_of(run: Run) -> About:
    return run.read("about.json", About) or About()

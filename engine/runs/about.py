"""What people call a run and say about it: ``about.json`` in its folder. Nothing of it decides
anything."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

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
    return text.strip()


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    _refuse(text.replace("\n", "").replace("\t", ""), _NOT_IN_A_NOTE)
    return text.strip()


def _tag(text: str) -> str:
    if "," in text:
        raise InputError("", text, "no_comma")
    return text


def _differ(tags: tuple[str, ...]) -> tuple[str, ...]:
    for tag in tags:
        if tags.count(tag) > 1:
            raise InputError("", tag, "no_repeats")
    return tags


Name = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=80)]
Tag = Annotated[
    str, AfterValidator(_one_line), AfterValidator(_tag), Field(min_length=1, max_length=40)
]


class About(Document):
    """What people say of a run; nothing of it decides anything."""

    name: Name | None = None
    """The recipe's name if not said."""
    note: Annotated[str, AfterValidator(_lines), Field(max_length=10_000)] = ""
    tags: Annotated[tuple[Tag, ...], AfterValidator(_differ), Field(max_length=20)] = ()
    archived: bool = False
    """Out of sight, as it was."""


def about_of(run: Run) -> About:
    return run.read("about.json", About) or About()

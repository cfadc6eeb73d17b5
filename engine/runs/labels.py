"""Labels that users give a run, in ``about.json`` in its folder; they have no effect on the run."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from engine.documents import Document, InputError
from engine.runs.folder import Run

_NOT_IN_A_NOTE = ("Cc", "Cs")
"""Unicode's categories of control characters and of halves of characters."""
_NOT_IN_A_LINE = (*_NOT_IN_A_NOTE, "Cf", "Zl", "Zp")
"""Categories that a single line may not have either: invisible characters, some of which reverse
the direction of text, and line ends."""


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
    """The content of ``about.json``."""

    name: Name | None = None
    """Name of the run; by default the name of its recipe."""
    note: Note = ""
    tags: Annotated[tuple[Tag, ...], AfterValidator(_differ), Field(max_length=20)] = ()
    archived: bool = False
    """Whether lists of runs hide the run; its folder stays unchanged."""


def about_of(run: Run) -> About:
    """Return the labels of ``run``, or the defaults if it has none."""
    return run.read("about.json", About) or About()

"""Cleaning of a document's text: Unicode composition, control characters and blanks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import compress

CHANGES = ("unicode", "control", "blanks")
"""Kinds of change that :func:`clean` reports: composed, removed and shortened characters."""

_MAX_INDENT = 32
# C0 and C1 except tab and line feed, characters without width and marks of the writing direction
# (except the joiners, which emoji and Persian need), and halves of surrogate pairs.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
# The ASCII part, which is removed much faster.
_ASCII_CONTROL = bytes({*range(0x20), 0x7F} - {*b"\t\n"})
_SPACES = re.compile("  +")
_WIDE_BLANKS = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]{2,}")
_WIDE_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_TRAILING = re.compile(" +\n")  # used after _SPACES, since it is quadratic on long runs
_BLANK_LINES = re.compile("\n\n\n+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Cleaned text of one document."""

    text: str
    changes: tuple[str, ...]
    """Kinds of :data:`CHANGES` that were made."""


def clean(text: str) -> Cleaned:
    """Compose characters (NFC), remove control characters and shorten runs of blanks to one.

    Indents of up to 32 characters and single empty lines stay.
    """
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    visible = composed.replace("\r\n", "\n").replace("\r", "\n") if "\r" in composed else composed
    if not visible.isascii():
        visible = _CONTROL.sub("", visible)
    elif len(raw := visible.encode()) != len(bare := raw.translate(None, _ASCII_CONTROL)):
        visible = bare.decode()
    short = visible
    pattern = _SPACES
    if not short.isascii() and _WIDE_BLANK.search(short):
        pattern = _WIDE_BLANKS
    if pattern is _WIDE_BLANKS or "  " in short:
        short = pattern.sub(_shorten, short)
    if " \n" in short:
        short = _TRAILING.sub("\n", short)
    if "\n\n\n" in short:
        short = _BLANK_LINES.sub("\n\n", short)
    short = short.strip()
    needed = (composed != text, visible != composed, short != visible)
    return Cleaned(short, tuple(compress(CHANGES, needed)))


def _shorten(found: re.Match[str]) -> str:
    start, blanks = found.start(), found.group()
    at_line_start = start == 0 or found.string[start - 1] == "\n"
    return blanks[:_MAX_INDENT] if at_line_start else blanks[0]

"""What people typed, shown as just that: names of runs may hold anything that can be read."""

from __future__ import annotations

import html
import re

_LONGEST_IN_A_CHART = 26


def literal(words: str) -> str:
    """As Markdown."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", words)


def charted(words: str) -> str:
    """As the label of a curve, which has HTML of its own and little room: its middle may go."""
    half = _LONGEST_IN_A_CHART // 2
    if len(words) > _LONGEST_IN_A_CHART:
        words = f"{words[: half - 1].rstrip()}…{words[-half:].lstrip()}"
    return html.escape(words)

"""Show text that users typed as it is: a run's name may contain Markdown or HTML."""

from __future__ import annotations

import html
import re

_LONGEST_IN_A_CHART = 26
"""Greatest number of characters of a label in a chart."""


def escaped_markdown(text: str) -> str:
    """Return ``text`` so that Markdown shows it unchanged."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def curve_label(text: str) -> str:
    """Return ``text`` as the label of a curve: HTML is escaped, and a long middle is left out."""
    half = _LONGEST_IN_A_CHART // 2
    if len(text) > _LONGEST_IN_A_CHART:
        text = f"{text[: half - 1].rstrip()}…{text[-half:].lstrip()}"
    return html.escape(text)

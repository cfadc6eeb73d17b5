"""Read the sentences that answer the question of a page."""

from __future__ import annotations

import html
import re

from streamlit.testing.v1 import AppTest

_ANSWER = re.compile(r'<p class="answer">(.*)</p>', re.DOTALL)


def answers(app: AppTest) -> list[str]:
    """Return the sentences in the order of the page."""
    found = (_ANSWER.fullmatch(element.proto.body) for element in app.get("html"))
    return [html.unescape(match[1]) for match in found if match]


def answer(app: AppTest) -> str:
    """Return the first sentence."""
    return answers(app)[0]

"""Checks, the verdict and their rules in words."""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine import quantities
from engine.text import Catalog
from finance.verdict.findings import Check
from finance.verdict.mends import Mend
from finance.verdict.rules import rule
from finance.verdict.verdict import Verdict
from pages.parts.field_words import place_in_words

_SHOWN_REASONS = 2
_SHOWN_PATHS = 3


def check_in_words(say: Catalog, check: Check) -> str:
    """Return what a check found, as a clause without a full stop."""
    return say(f"check.{check.name}.{check.case}", **in_words(say, check.params))


def in_words(say: Catalog, params: Mapping[str, object]) -> dict[str, object]:
    """Return parameters of a sentence as texts, by the unit that ends their name."""
    return {name: _in_words(say, name, value) for name, value in params.items()}


def _in_words(say: Catalog, name: str, value: Any) -> object:
    language = say.language
    if isinstance(value, datetime.date):
        return value.isoformat()
    if name == "paths":
        labels = [place_in_words(say, path, {}, with_page=False) for path in value[:_SHOWN_PATHS]]
        return say("summary.comma").join(labels)
    if name == "names":
        return say("summary.comma").join(value)
    if isinstance(value, str) or name in ("n", "month", "months", "fields"):
        return value
    if name.endswith("_bytes"):
        return quantities.si(value, "B", language)
    if name.endswith("_usd"):
        return quantities.usd(value, language)
    if name.endswith("_months"):
        return quantities.months(value, language)
    if name in ("low_share", "high_share"):
        return f"{'+' if value >= 0 else '−'}{quantities.share(abs(value), language, digits=2)}"
    if name.endswith("_share"):
        return quantities.share(value, language)
    if name.endswith("tokens"):
        return quantities.count(value, language)
    if name.endswith("devices"):
        return quantities.number(_rounded_up(value), language)
    if name in ("multiple", "good", "bad"):
        return f"{Decimal(value):.2g}" if name != "multiple" else f"{Decimal(value):.1f}"
    return quantities.number(value, language, digits=2)


def _rounded_up(devices: float) -> int:
    return -int(-devices // 1)


def verdict_in_words(say: Catalog, found: Verdict) -> str:
    """Return the verdict with its reasons, as one or two sentences."""
    reasons = say("verdict.and").join(
        check_in_words(say, check) for check in found.reasons[:_SHOWN_REASONS]
    )
    more = len(found.failed) - _SHOWN_REASONS
    if more > 0:
        reasons = say("verdict.fails_more", reasons=reasons, n=more)
    answer, n = say(f"verdict.{found.answer}"), len(found.cautions)
    if n:
        return say("verdict.sentence_with_cautions", answer=answer, reasons=reasons, n=n)
    return say("verdict.sentence", answer=answer, reasons=reasons)


def answer_html(say: Catalog, found: Verdict, rest: str) -> str:
    """Return the verdict and a further sentence as the answer of the page, the verdict in bold."""
    sentence = html.escape(verdict_in_words(say, found))
    answer = html.escape(say(f"verdict.{found.answer}"))
    bold = f'<b style="color: var(--ink)">{answer}</b>'
    return f'<p class="answer">{sentence.replace(answer, bold, 1)} {html.escape(rest)}</p>'


def mend_in_words(say: Catalog, mend: Mend) -> str:
    """Return the text of the button that mends a check."""
    return say(f"mend.{mend.name}", **in_words(say, mend.params))


def rules_in_words(say: Catalog, check: Check) -> str:
    """Return the rules of a check with their sources, one in a line."""
    lines = []
    for name in check.rules:
        row, text = rule(name), say(f"verdict_rule.{name}")
        if row.basis == "published":
            text = say("verdict.rule", text=text, source=row.source, as_of=row.as_of)
        lines.append(f"{text} · {say(f'verdict.{row.basis}')}")
    return "\n\n".join(lines)

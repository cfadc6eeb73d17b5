"""Texts of the runway in sentences."""

from decimal import Decimal

import pytest

from engine.text import catalog
from finance.metrics.cash_report import lasting_text, when_used_up


@pytest.mark.parametrize(
    ("language", "runway", "when", "lasting"),
    [
        ("en", "0.4", "in the first month", "lasts less than a month"),
        ("en", "1", "after 1 month", "lasts 1 month"),
        ("en", "11.488", "after 11.5 months", "lasts 11.5 months"),
        ("en", None, "", "lasts more than 120 months"),
        ("zh_Hans", "0.4", "在第一个月内", "撑不到一个月"),
        ("zh_Hans", "11.488", "在 11.5 个月后", "可支撑 11.5 个月"),
        ("zh_Hans", None, "", "可支撑 120 个月以上"),
    ],
)
def test_a_runway_in_a_sentence(language: str, runway: str | None, when: str, lasting: str) -> None:
    text, months = catalog(language), None if runway is None else Decimal(runway)
    assert when_used_up(text, months) == when
    assert lasting_text(text, months, 120) == lasting

"""Ticks of axes: their values by hand, and their texts in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.currencies import display_in
from engine.text import catalog
from pages.parts.figures import ticks
from pages.parts.figures.ticks import axis_ticks, currency_unit, linear_ticks, log_ticks, tick_text


@pytest.fixture(autouse=True)
def _dollars_again() -> Iterator[None]:
    yield
    display_in("USD")


def speak(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(ticks, "text", lambda: catalog(language))


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (0, 800_000, [0, 2e5, 4e5, 6e5, 8e5]),
        (-130_000, 260_000, [-2e5, -1e5, 0, 1e5, 2e5, 3e5]),
        (0.0, 9e-6, [0, 2e-6, 4e-6, 6e-6, 8e-6, 1e-5]),
        (5.0, 5.0, [0, 1, 2, 3, 4, 5]),
        (0.0, 0.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_linear_ticks_are_round_and_reach_past_the_ends(
    low: float, high: float, values: list[float]
) -> None:
    assert linear_ticks(low, high) == pytest.approx(values)


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (10, 90, [10, 15, 20, 30, 40, 50, 70, 100, 150, 200]),
        (0.01, 1, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2]),
        (1e3, 1e7, [1e3, 1e4, 1e5, 1e6, 1e7]),
        (1.7, 2.6, [1.6, 1.8, 2.0, 2.2, 2.4, 2.6]),
    ],
)
def test_log_ticks_have_enough_values_on_short_axes(
    low: float, high: float, values: list[float]
) -> None:
    assert log_ticks(low, high) == pytest.approx(values)


@pytest.mark.parametrize(
    ("value", "scale", "en", "zh"),
    [
        (-50_000, "money", "-$50K", "-5万"),
        (2_500_000, "money", "$2.5M", "250万"),
        (250_000_000, "money", "$250M", "2.5亿"),
        (8e-6, "money", "$8e-06", "8e-06"),
        (0, "money", "$0", "0"),
        (3e9, "count", "3B", "30亿"),
        (1e22, "power", "10<sup>22</sup>", "10<sup>22</sup>"),
        (4e21, "power", "4×10<sup>21</sup>", "4×10<sup>21</sup>"),
    ],
)
def test_texts_follow_the_language(
    value: float, scale: ticks.Scale, en: str, zh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    speak(monkeypatch, "en")
    assert tick_text(value, scale) == en
    speak(monkeypatch, "zh_Hans")
    assert tick_text(value, scale) == zh


def test_an_axis_of_a_currency_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    display_in("EUR")
    speak(monkeypatch, "en")
    assert (tick_text(5e6, "money"), currency_unit()) == ("€5M", "EUR")
    assert axis_ticks(0, 2, "money", currency="GBP")[1][0] == "£0"
    speak(monkeypatch, "zh_Hans")
    assert currency_unit() == "欧元"
    assert currency_unit("CNY") == "人民币"

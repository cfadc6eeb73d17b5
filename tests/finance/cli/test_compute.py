"""``python -m finance serving-day`` and ``gpu-hours``: published figures of DeepSeek."""

import pytest

from tests.finance.cli.commands import answer, refused, run

DEEPSEEK_DAY = (
    *("serving-day", "--nodes", "226.75", "--usd-per-gpu-hour", "2"),
    *("--cached-tokens", "342B", "--input-tokens", "266B", "--output-tokens", "168B"),
    *("--cached-price", "0.14", "--input-price", "0.55", "--output-price", "2.19"),
)
"""Figures of a day in February 2025 that DeepSeek published."""


def test_a_published_day() -> None:
    found = answer(*DEEPSEEK_DAY)
    assert found["cost_usd"] == pytest.approx(87_072)
    assert found["revenue_usd"] == pytest.approx(562_100, rel=1e-3)
    assert found["markup"] == pytest.approx(5.45, rel=2e-3)
    assert found["gross_margin"] == pytest.approx(0.845, rel=1e-3)
    assert "84.5%" in run(*DEEPSEEK_DAY)


def test_a_published_training_run() -> None:
    words = ("gpu-hours", "2.664M", "119K", "5K", "--usd-per-gpu-hour", "2", "--gpus", "2048")
    found = answer(*words)
    assert (found["gpu_hours"], found["cost_usd"]) == (2_788_000, 5_576_000)
    assert found["phases_usd"] == [5_328_000, 238_000, 10_000]
    assert found["days"] == pytest.approx(2_788_000 / 2048 / 24)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("gpu-hours", "many", "--usd-per-gpu-hour", "2"), "HOURS: many is not allowed: must be"),
        (("gpu-hours", "5", "--usd-per-gpu-hour", "x"), "--usd-per-gpu-hour: x is not allowed"),
        (
            ("gpu-hours", "5", "--usd-per-gpu-hour", "2", "--gpus", "0"),
            "n_gpus: 0 is not allowed: must be above 0",
        ),
        ((*DEEPSEEK_DAY, "--output-price", "-1"), "usd_per_million: -1 is not allowed"),
    ],
)
def test_bad_input_ends_with_one_line(words: tuple[str, ...], line: str) -> None:
    assert refused(*words).startswith(line)

"""Figures with bounds as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.forecast import Figure
from engine.quantities import significant
from engine.reports.forecast_tables import show_figure, shown_figure


@pytest.mark.parametrize(
    ("quantity", "low", "value", "high", "shown"),
    [
        ("cost_usd", 24_100, 26_700, 29_300, "$26.7K ($24.1K – $29.3K)"),
        ("cost_usd", 15_000, 26_700, 40_000, "$27K ($15K – $40K)"),
        ("cost_usd", 2, 12.34, 30, "$12 ($2 – $30)"),
        ("cost_usd", 0.0062, 0.00731, 0.0089, "$0.0073 ($0.0062 – $0.0089)"),
        ("loss_nats_per_token", 1.93, 2.05, 2.17, "2.05 (1.93 – 2.17)"),
        ("device_hours", 12_842, 16_224, 20_497, "16,200 h (12,800 h – 20,500 h)"),
        ("mfu", 0.381, 0.446, 0.502, "45% (38% – 50%)"),
        ("memory_bytes", 65.31e9, 65.32e9, 65.33e9, "65.3 GB"),
        ("wall_clock_hours", 120, 290.4, 576, "12 days (5 days – 24 days)"),
        ("tokens_per_s", 9e5, 1.24e6, 1.6e6, "1.24M/s (900K/s – 1.6M/s)"),
    ],
)
def test_digits_follow_the_interval(
    quantity: str, low: float, value: float, high: float, shown: str
) -> None:
    assert show_figure(quantity, Figure(value=value, low=low, high=high), "en") == shown


@given(
    value=st.floats(0.01, 1e9),
    below=st.floats(0, 0.99),
    above=st.floats(0, 9),
)
def test_bounds_are_left_out_only_where_they_look_alike(
    value: float, below: float, above: float
) -> None:
    figure = Figure(value=value, low=value * (1 - below), high=value * (1 + above))
    shown = shown_figure("loss_nats_per_token", figure, "en")
    assert shown.has_bounds == (shown.low != shown.high)
    if not shown.has_bounds:
        assert significant(figure.low, 3) == pytest.approx(significant(figure.high, 3), rel=0.011)
    else:
        low, number, high = (
            float(text.replace(",", "")) for text in (shown.low, shown.value, shown.high)
        )
        assert low <= number <= high

"""Ratios computed by hand, and money for each unit of compute."""

from decimal import Decimal
from fractions import Fraction

import pytest

from engine.documents import InputError
from finance.metrics.compute_economics import (
    cost_per_million_tokens,
    days_of,
    fleet_day_usd,
    gpu_hours_usd,
    revenue_per_gpu_hour,
    token_sales,
    training_share_of_raise,
)
from finance.numbers.ratios import (
    burn_multiple,
    gross_margin,
    gross_margins,
    magic_number,
    rule_of_40,
    runway_at_burn,
)
from tests.finance.reference_ops.metrics import blended_margin

D = Decimal


def test_exact_in_exact_out() -> None:
    assert magic_number(D(800), D(600), D(700)) == D(800) / D(700)
    assert magic_number(Fraction(800), Fraction(600), Fraction(700)) == Fraction(8, 7)
    assert burn_multiple(Fraction(3), Fraction(2)) == Fraction(3, 2)


def test_what_has_no_meaning_is_none() -> None:
    assert magic_number(1.0, 1.0, 0.0) is None
    assert burn_multiple(1.0, 0.0) is None
    assert runway_at_burn(10.0, -1.0, 1.0) is None
    assert gross_margin(0.0, 5.0) is None
    assert revenue_per_gpu_hour(5.0, 0.0) is None


def test_trailing_and_planned_runway() -> None:
    """Cash is 10; the burn is 3 in the last quarter and 6 in the next."""
    assert (runway_at_burn(10.0, 3.0, 3.0), runway_at_burn(10.0, 6.0, 3.0)) == (10, 5)


def test_three_gross_margins() -> None:
    views = gross_margins(D(100), paid_usd=D(20), free_usd=D(30), training_usd=D(80))
    assert views.paid_inference == D("0.8")
    assert views.with_free_users == D("0.5")
    assert views.with_training == D("-0.3")


def test_margins_of_segments() -> None:
    assert blended_margin([75.0, 25.0], [0.6, 0.2]) == pytest.approx(0.5)
    assert rule_of_40(0.5, -0.1) == pytest.approx(0.4)


def test_units_of_compute() -> None:
    assert fleet_day_usd(2.0, 8.0, 2.5) == 2 * 8 * 24 * 2.5
    assert gpu_hours_usd([100.0, 10.0], 2.0) == [200, 20]
    assert days_of(2400.0, 10.0) == 10
    assert revenue_per_gpu_hour(300.0, 100.0) == 3
    assert cost_per_million_tokens(50.0, 200e6) == 0.25
    assert training_share_of_raise(D(6), D(24)) == D("0.25")


def test_markup_is_not_margin() -> None:
    sold = token_sales(tokens=[2e6, 1e6], usd_per_million=[1.0, 2.0], cost_usd=1.0)
    assert (sold.revenue_usd, sold.markup, sold.gross_margin) == (4, 3, 0.75)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: fleet_day_usd(-1.0, 8.0, 2.0),
            f"nodes: -1 is not allowed: must lie between 0 and {10**13}",
        ),
        (lambda: runway_at_burn(1.0, 1.0, 0.0), "over_months: 0 is not allowed: must be above 0"),
        (lambda: days_of(1.0, 0.0), "n_gpus: 0 is not allowed: must be above 0"),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line

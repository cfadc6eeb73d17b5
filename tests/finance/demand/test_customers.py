"""Value of customers, computed by hand and against sums over their months."""

from decimal import Decimal
from fractions import Fraction

import pytest

from engine.documents import InputError
from finance.demand.customers import (
    acquisition_cost,
    discounted_lifetime_value,
    lifetime,
    lifetime_value,
    payback_periods,
    revenue_retention,
)


def test_exact_in_exact_out() -> None:
    assert lifetime(Fraction(3, 100)) == Fraction(100, 3)
    assert lifetime(Decimal("0.25")) == Decimal(4)
    assert lifetime(0.0) is None


def test_lifetime_value_is_the_sum_over_months() -> None:
    """Revenue is 500 USD at 80%, churn 5%; in the second case revenue grows by 10 USD a month."""
    months = range(2_000)
    assert lifetime_value(500.0, 0.8, 0.05) == pytest.approx(
        sum(400 * 0.95**month for month in months)
    )
    # Growth starts in the month after; 1/churn² counts the growth of each month a month longer.
    grown = sum((500 + 10 * (month + 1)) * 0.8 * 0.95**month for month in months)
    assert lifetime_value(500.0, 0.8, 0.05, expansion_usd=10.0) == pytest.approx(grown)
    discounted = sum(400 * (0.95 / 1.01) ** month for month in months)
    assert discounted_lifetime_value(500.0, 0.8, 0.05, 0.01) == pytest.approx(discounted)


def test_winning_a_customer() -> None:
    assert acquisition_cost(50_000.0, 25.0) == 2_000
    assert payback_periods(2_000.0, 500.0, 0.8) == 5
    assert payback_periods(2_000.0, 500.0, -0.1) is None
    assert acquisition_cost(50_000.0, 0.0) is None


def test_retention_of_revenue() -> None:
    kept = revenue_retention(100.0, expansion_usd=15.0, contraction_usd=5.0, churned_usd=3.0)
    assert (kept.net, kept.gross) == (1.07, 0.92)


def test_more_cannot_be_lost_than_there_was() -> None:
    with pytest.raises(InputError, match=r"lost_usd: 110 .* between 0 and 100"):
        revenue_retention(100.0, expansion_usd=0.0, contraction_usd=10.0, churned_usd=100.0)

"""Check level payments against loans that are simulated period by period."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.treasury.loan_ratios import (
    coverage_shares,
    cumulative_interest,
    cumulative_principal,
    future_value,
    interest_part,
    loan_to_value,
    payment,
    periods_needed,
    present_value,
    principal_part,
    service_cover,
)
from tests.finance.reference_ops.debt import interest_expense

rates = st.just(0.0) | st.floats(1e-4, 0.2)
spans = st.integers(1, 120)


@given(rate=rates, periods=spans, at_start=st.booleans(), balloon=st.integers(-500, 0))
def test_a_loan_played_through_ends_at_its_balloon(rate, periods, at_start, balloon) -> None:
    paid = -payment(rate, periods, 1000.0, balloon, at_start=at_start)
    left = 1000.0
    for period in range(1, periods + 1):
        interest = (left - paid if at_start else left) * rate
        if not at_start:
            part = interest_part(rate, period, periods, 1000.0, balloon)
            assert -part == pytest.approx(interest, abs=1e-3)
        left += interest - paid
    assert left == pytest.approx(-balloon, abs=1e-3)  # 1.2¹²⁰ amplifies rounding errors


@given(rate=rates, periods=spans)
def test_interest_and_principal_make_up_each_payment(rate, periods) -> None:
    paid = payment(rate, periods, 1000.0)
    parts = [
        (
            interest_part(rate, period, periods, 1000.0),
            principal_part(rate, period, periods, 1000.0),
        )
        for period in range(1, periods + 1)
    ]
    assert [sum(part) for part in parts] == pytest.approx([paid] * periods)
    assert sum(principal for _, principal in parts) == pytest.approx(-1000.0)
    assert cumulative_interest(rate, periods, 1000.0, 1, periods) == pytest.approx(
        sum(interest for interest, _ in parts), abs=1e-6
    )
    assert cumulative_principal(rate, periods, 1000.0, 1, periods) == pytest.approx(-1000.0)


@given(rate=rates, periods=spans, balloon=st.integers(-500, 0))
def test_principal_of_payments_at_the_start_repays_the_loan(rate, periods, balloon) -> None:
    terms = (periods, 1000.0, balloon)
    parts = [
        principal_part(rate, period, *terms, at_start=True) for period in range(1, periods + 1)
    ]
    # The last balance grows by a period's interest before the balloon is due.
    assert sum(parts) == pytest.approx(-(1000.0 + balloon / (1 + rate)), abs=1e-3)
    assert cumulative_principal(rate, periods, 1000.0, 1, periods, at_start=True) == pytest.approx(
        -1000.0, abs=1e-3
    )


@given(rate=st.floats(0.001, 0.2), periods=st.integers(2, 100))
def test_periods_are_found_again(rate, periods) -> None:
    paid = payment(rate, periods, 1000.0)
    assert periods_needed(rate, paid, 1000.0) == pytest.approx(periods)
    assert present_value(rate, periods, paid) == pytest.approx(1000.0)


def test_savings_by_hand() -> None:
    """Saving 100 at the end of each of two years at 10% gives 110 + 100; at the start, 10% more."""
    assert future_value(0.1, 2, -100.0) == pytest.approx(210)
    assert future_value(0.1, 2, -100.0, at_start=True) == pytest.approx(231)
    assert periods_needed(0.0, -100.0, 0.0, 1000.0) == 10


def test_a_payment_below_the_interest_never_repays() -> None:
    assert periods_needed(0.1, -100.0, 2000.0) is None


def test_a_lender_s_warrant() -> None:
    """A coverage of 10% of 2M at 2.50 per share gives 80,000 shares."""
    assert coverage_shares(Fraction(2_000_000), Fraction(1, 10), Fraction(5, 2)) == 80_000


def test_what_lenders_watch() -> None:
    assert service_cover(120.0, 40.0, 60.0) == 1.2
    assert service_cover(120.0, 0.0, 0.0) is None
    assert loan_to_value([50.0, 30.0], 160.0) == 0.5
    assert loan_to_value([50.0], 0.0) is None
    assert interest_expense(100.0, discount_amortised=10.0, capitalised=30.0) == 80


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: payment(-1.0, 12, 1.0), "rate: -1 is not allowed: must be above -1"),
        (
            lambda: payment(0.1, 0, 1.0),
            "periods: 0 is not allowed: must lie between 1 and 100000",
        ),
        (
            lambda: interest_part(0.1, 13, 12, 1.0),
            "period: 13 is not allowed: must lie between 1 and 12",
        ),
        (
            lambda: cumulative_principal(0.1, 12, 1.0, 5, 4),
            "last: 4 is not allowed: must lie between 5 and 12",
        ),
        (
            lambda: future_value(10.0, 50_000, -1.0),
            "rate: 10 is not allowed: "
            "must be lower for this many periods: the amounts exceed the range of numbers",
        ),
        (
            lambda: service_cover(1.0, -1.0, 1.0),
            f"interest: -1 is not allowed: must lie between 0 and {10**13}",
        ),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line

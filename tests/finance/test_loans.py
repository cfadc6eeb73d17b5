"""Schedules in whole cents: every loan is paid back to the cent."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.debt import payment
from finance.loans import schedule


@given(
    cents=st.integers(1, 10**13),
    rate=st.just(0.0) | st.floats(1e-4, 0.1),
    months=st.integers(1, 120),
    data=st.data(),
)
def test_repayments_sum_to_the_loan(cents, rate, months, data) -> None:
    only = data.draw(st.integers(0, months - 1))
    plan = schedule(np.array([[cents]]), np.array([[rate]]), months, only)
    assert plan.repaid.sum() == cents
    assert plan.repaid.min() >= 0
    assert plan.repaid[:, :only].sum() == 0
    left = cents - np.concatenate([[0], np.cumsum(plan.repaid[0])[:-1]])
    assert plan.interest[0] == pytest.approx(left * rate, abs=0.5)


def test_payments_are_the_annuity_to_the_cent() -> None:
    plan = schedule(np.array([[1_500_000]]), np.array([[0.08 / 12]]), 60)
    paid = (plan.interest + plan.repaid)[0]
    assert set(paid[:-1]) == {round(-100 * payment(0.08 / 12, 60, 15_000.0))}
    assert abs(paid[-1] - paid[0]) < 60

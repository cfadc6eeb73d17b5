"""Test that cents are rounded correctly and preserved when shifted, spread or divided."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents import InputError
from finance.books.cents import (
    MAX_CENTS,
    amount_in_month,
    divide_by_weight,
    payments_after,
    shift_later,
    spread_evenly,
    to_cents,
)

AMOUNTS = st.lists(st.integers(-MAX_CENTS, MAX_CENTS), min_size=12, max_size=12)


def row(*cents: int) -> np.ndarray:
    return np.array([cents], np.int64)


def test_halves_go_to_even() -> None:
    assert to_cents(np.array([[0.125, 0.375, 2.0, -0.125]]), "x").tolist() == [[12, 38, 200, -12]]


@pytest.mark.parametrize("amount", [1.1e13, -1.1e13, 1e18, float("inf"), float("nan")])
def test_what_no_company_pays_is_refused(amount: float) -> None:
    with pytest.raises(InputError, match=r"^company\.revenue: .* at most 10000000000000 USD"):
        to_cents(np.array([[1.0, amount]]), "company.revenue")


def test_payment_terms_by_hand() -> None:
    assert payments_after(row(101, 0, 0), 0).tolist() == [[101, 0, 0]]
    assert payments_after(row(101, 0, 0), 30).tolist() == [[0, 101, 0]]
    assert payments_after(row(101, 0, 0), 45).tolist() == [[0, 51, 50]]
    assert shift_later(row(1, 2, 3), 2).tolist() == [[0, 0, 1]]
    assert amount_in_month(7, 4, 3).tolist() == [[0, 0, 0]]  # beyond the last


def test_equal_parts_by_hand() -> None:
    assert spread_evenly(row(100, 0, 0, 0), 3).tolist() == [[33, 33, 34, 0]]
    assert spread_evenly(row(100, 50, 0, 0), 2).tolist() == [[50, 75, 25, 0]]


@given(AMOUNTS, st.integers(1, 6))
def test_parts_sum_to_the_whole(amounts: list[int], months: int) -> None:
    cents = np.concatenate([np.array([amounts]), np.zeros((1, 6), np.int64)], axis=1)
    assert spread_evenly(cents, months).sum() == cents.sum()


@given(AMOUNTS, st.lists(st.floats(0, 1e9), min_size=3, max_size=3), st.floats(1, 10))
def test_shares_sum_to_the_whole(amounts: list[int], weights: list[float], more: float) -> None:
    cents = np.array([amounts])
    parts = [np.full((1, 12), weight) for weight in weights]
    whole = np.full((1, 12), sum(weights) * more)
    divided_up = divide_by_weight(cents, parts, whole)
    assert (sum(divided_up) == cents).all()
    assert all((np.abs(part) <= np.abs(cents) + 1).all() for part in divided_up)

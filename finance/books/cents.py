"""Amounts in whole cents, in arrays of shape (trials, months).

Money is held as integers, so that statements balance to the cent in each month of each trial. The
quantities that determine it (customers, tokens, prices) are floats; only :func:`to_cents` converts
them to cents. ``trials`` is 1 where all trials have the same values: the arrays broadcast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.units import DAYS_PER_PAYMENT_MONTH
from finance.numbers.money import CENT, MAX_USD

Cents = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
AnyScalar = TypeVar("AnyScalar", bound=np.generic)

MAX_CENTS = MAX_USD * 100
"""Maximum of one line in one month, in cents. It is below 2⁵³, so that floats of this size still
resolve single cents."""


def to_cents(usd: Floats, field: str) -> Cents:
    """Return amounts in USD as cents, rounded half to even.

    Raises
    ------
    InputError
        If an amount is beyond :data:`finance.numbers.money.MAX_USD` or not a number. The error
        names ``field``.
    """
    cents = np.rint(usd * 100.0)
    largest = np.abs(cents).max()
    if not largest <= MAX_CENTS:  # also true for NaN
        raise InputError(field, f"{largest / 100:.3g} USD", "most_usd_a_month", limit=MAX_USD)
    return cents.astype(np.int64)


def decimal_to_cents(usd: Decimal) -> int:
    """Return a document's amount in cents; documents allow whole cents only."""
    return int(usd.scaleb(2).to_integral_exact())


def cents_to_usd(cents: int | np.int64) -> Decimal:
    """Return an amount in USD, exactly."""
    return int(cents) * CENT


def zero_cents(n_months: int) -> Cents:
    """Return zeros that are the same for all trials. Shape (1, n_months)."""
    return np.zeros((1, n_months), np.int64)


def total(amounts: Iterable[Cents], n_months: int) -> Cents:
    """Return the sum of the amounts, zeros if there are none; trials are broadcast."""
    summed = zero_cents(n_months)
    for cents in amounts:
        summed = summed + cents
    return summed


def amount_in_month(cents: int | Cents, month: int, n_months: int) -> Cents:
    """Return an array with an amount in ``month`` (from 1) and zeros elsewhere.

    Parameters
    ----------
    cents
        The amount of all trials, or of each trial. Shape () or (trials,) or (trials, 1).
    month
        An amount in a month after the last is dropped.
    """
    amount = np.asarray(cents, np.int64).reshape(-1, 1)
    amounts = np.zeros((amount.shape[0], n_months), np.int64)
    if month <= n_months:
        amounts[:, month - 1 : month] = amount
    return amounts


def shift_later(values: npt.NDArray[AnyScalar], months: int) -> npt.NDArray[AnyScalar]:
    """Return the values shifted by ``months``; values shifted beyond the last month are dropped."""
    if months == 0:
        return values
    moved = np.zeros_like(values)
    moved[:, months:] = values[:, :-months]
    return moved


def payments_after(cents: Cents, days: int) -> Cents:
    """Return the payments for amounts that are due after ``days``, month by month.

    A month counts 30 days. With 45 days, half of an amount is paid after one month and half after
    two.
    """
    months, rest = divmod(days, DAYS_PER_PAYMENT_MONTH)
    if rest == 0:
        return shift_later(cents, months)
    second = cents * rest // DAYS_PER_PAYMENT_MONTH
    return shift_later(cents - second, months) + shift_later(second, months + 1)


def spread_evenly(cents: Cents, months: int) -> Cents:
    """Spread each month's amount in equal parts over ``months``, the first of which is its own.

    The parts differ by at most one cent and sum to the amount.
    """
    if months == 1:
        return cents
    n_months = cents.shape[1]
    parts, spread_before = np.zeros_like(cents), np.zeros_like(cents)
    for part in range(min(months, n_months)):
        spread_so_far = cents * (part + 1) // months
        parts[:, part:] += (spread_so_far - spread_before)[:, : n_months - part]
        spread_before = spread_so_far
    return parts


def divide_by_weight(cents: Cents, weights: Sequence[Floats], whole: Floats) -> list[Cents]:
    """Divide amounts by the shares ``weights`` ÷ ``whole``; the last part is the remainder.

    The parts sum to the amounts. Where ``whole`` is 0, the remainder is the full amount.

    Returns
    -------
    list
        One part for each weight, then the remainder.
    """
    parts: list[Cents] = []
    allocated_before: Cents = np.zeros_like(cents)
    weight_so_far = np.zeros_like(whole)
    nonzero_whole = np.where(whole > 0, whole, 1.0)
    for weight in weights:
        weight_so_far = weight_so_far + np.where(whole > 0, weight, 0.0)
        share = np.minimum(weight_so_far / nonzero_whole, 1.0)
        allocated = np.rint(cents * share).astype(np.int64)
        parts.append(allocated - allocated_before)
        allocated_before = allocated
    return [*parts, cents - allocated_before]

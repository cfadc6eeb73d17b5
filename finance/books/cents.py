"""Amounts in whole cents, in arrays of shape (trials, months).

Money is made of integers, so that statements balance to the cent in each month of each trial;
what drives it (customers, tokens, prices) is made of floats, and :func:`to_cents` is the one place
where the one becomes the other. ``trials`` is 1 where all trials are alike: the arrays broadcast.
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
"""Of one line in one month. Below 2⁵³, so that floats of this size still tell one cent from the
next."""


def to_cents(usd: Floats, field: str) -> Cents:
    """Amounts rounded to the cent, halves to even.

    Raises
    ------
    InputError
        With ``field``, if an amount is beyond :data:`finance.numbers.money.MAX_USD` or no number.
    """
    cents = np.rint(usd * 100.0)
    largest = np.abs(cents).max()
    if not largest <= MAX_CENTS:  # also where it is no number
        raise InputError(field, f"{largest / 100:.3g} USD", "most_usd_a_month", limit=MAX_USD)
    return cents.astype(np.int64)


def decimal_to_cents(usd: Decimal) -> int:
    """A document's amount, which has whole cents."""
    return int(usd.scaleb(2).to_integral_exact())


def cents_to_usd(cents: int | np.int64) -> Decimal:
    return int(cents) * CENT


def zero_cents(n_months: int) -> Cents:
    return np.zeros((1, n_months), np.int64)


def total(amounts: Iterable[Cents], n_months: int) -> Cents:
    """The sum of any number of amounts; as many trials as the widest of them has."""
    summed = zero_cents(n_months)
    for cents in amounts:
        summed = summed + cents
    return summed


def amount_in_month(cents: int | Cents, month: int, n_months: int) -> Cents:
    """One amount, for all trials or for each, in ``month`` (from 1); nothing beyond the last."""
    amount = np.asarray(cents, np.int64).reshape(-1, 1)
    found = np.zeros((amount.shape[0], n_months), np.int64)
    if month <= n_months:
        found[:, month - 1 : month] = amount
    return found


def shift_later(values: npt.NDArray[AnyScalar], months: int) -> npt.NDArray[AnyScalar]:
    """The same values so many months later; what falls beyond the last month is not seen."""
    if months == 0:
        return values
    moved = np.zeros_like(values)
    moved[:, months:] = values[:, :-months]
    return moved


def payments_after(cents: Cents, days: int) -> Cents:
    """When amounts are paid that are due after so many days: 45 days are half after one month
    and half after two."""
    months, rest = divmod(days, DAYS_PER_PAYMENT_MONTH)
    if rest == 0:
        return shift_later(cents, months)
    second = cents * rest // DAYS_PER_PAYMENT_MONTH
    return shift_later(cents - second, months) + shift_later(second, months + 1)


def spread_evenly(cents: Cents, months: int) -> Cents:
    """Each month's amount in equal parts over it and those after it; the parts sum to it."""
    if months == 1:
        return cents
    n_months = cents.shape[1]
    parts, given = np.zeros_like(cents), np.zeros_like(cents)
    for part in range(min(months, n_months)):
        up_to_here = cents * (part + 1) // months
        parts[:, part:] += (up_to_here - given)[:, : n_months - part]
        given = up_to_here
    return parts


def divide_by_weight(cents: Cents, weights: Sequence[Floats], whole: Floats) -> list[Cents]:
    """Amounts by the shares ``weights`` ÷ ``whole``, and what is left as the last part.

    The parts sum to the amounts. Where ``whole`` is 0 all of it is left.
    """
    parts: list[Cents] = []
    taken: Cents = np.zeros_like(cents)
    weighed = np.zeros_like(whole)
    safe = np.where(whole > 0, whole, 1.0)
    for weight in weights:
        weighed = weighed + np.where(whole > 0, weight, 0.0)
        up_to_here = np.rint(cents * np.minimum(weighed / safe, 1.0)).astype(np.int64)
        parts.append(up_to_here - taken)
        taken = up_to_here
    return [*parts, cents - taken]

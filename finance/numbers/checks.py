"""Checks of amounts, shares and dates; each raises an InputError with the allowed range."""

from __future__ import annotations

import datetime

from engine.documents import InputError
from finance.numbers.kinds import AnyNumber
from finance.numbers.money import MAX_USD


def amount(field: str, value: AnyNumber) -> None:
    """Refuse an amount that is negative or above :data:`finance.numbers.money.MAX_USD`."""
    within(field, value, 0, MAX_USD)


def share(field: str, value: AnyNumber) -> None:
    """Refuse a value that is not from 0 to 1."""
    within(field, value, 0, 1)


def within(field: str, value: AnyNumber, low: AnyNumber, high: AnyNumber) -> None:
    """Refuse a value that is not a number from ``low`` to ``high``."""
    if not low <= value <= high:
        raise InputError(field, _shown(value), "between", low=low, high=high)


def at_least(field: str, value: AnyNumber, low: AnyNumber) -> None:
    """Refuse a value that is below ``low`` or not a number."""
    if not value >= low:
        raise InputError(field, _shown(value), "greater_than_equal", limit=low)


def above(field: str, value: AnyNumber, low: AnyNumber) -> None:
    """Refuse a value that is not above ``low``."""
    if not value > low:
        raise InputError(field, _shown(value), "greater_than", limit=low)


def in_order(field: str, first: datetime.date, then: datetime.date) -> None:
    """Refuse a day ``then`` that is before ``first``."""
    if then < first:
        raise InputError(field, str(then), "not_before", first=first)


def _shown(value: AnyNumber) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

"""Kinds of numbers: money in decimals, shares of a company in fractions, forecasts in floats."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add
from typing import TypeVar

Number = TypeVar("Number", Decimal, Fraction, float)
"""One of them throughout: exact in, exact out."""

AnyNumber = Decimal | Fraction | float


def total(values: Iterable[Number]) -> Number:
    """The sum of at least one number, of their own kind."""
    return reduce(add, values)

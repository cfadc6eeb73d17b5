"""Kinds of numbers: decimals for money, fractions for shares of a company, floats for forecasts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add
from typing import TypeVar

Number = TypeVar("Number", Decimal, Fraction, float)
"""One kind of number throughout a call, so that exact arguments give an exact result."""

AnyNumber = Decimal | Fraction | float


def total(values: Iterable[Number]) -> Number:
    """Return the sum of at least one number, in the kind of the numbers."""
    return reduce(add, values)

"""Amounts of money: decimal, in whole cents."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

MAX_USD = 10**13
"""Largest amount allowed, in USD: ten times the value of the largest companies. Larger amounts are
typing errors."""


def cents(amount: Decimal | float) -> Decimal:
    """Return ``amount`` rounded to the cent, halves to even. Only forecasts give floats."""
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(amount))
    return exact.quantize(CENT, rounding=ROUND_HALF_EVEN)


Usd = Annotated[Decimal, Field(ge=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)]
"""An amount in USD in a document, always with two decimals, so that equal amounts look equal."""

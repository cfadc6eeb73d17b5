"""Amounts of money: decimal, in whole cents."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

MAX_USD = 10**13
"""Ten times the largest companies there are; anything above is a slip of the keyboard."""


def cents(amount: Decimal | float) -> Decimal:
    """``amount`` rounded to the cent, halves to even. Floats come from forecasts only."""
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(amount))
    return exact.quantize(CENT, rounding=ROUND_HALF_EVEN)


Usd = Annotated[Decimal, Field(ge=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)]
"""An amount in a document: always with its cents, so that equal amounts are written alike."""

"""Shares and prices as fractions, money in cents, and rounding as an explicit choice.

Nothing here is rounded unless a document says so: a round that issues 10,000,000/17 shares has
issued exactly that number.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from engine.documents import Document
from finance.numbers.money import MAX_USD, cents

ZERO = Fraction(0)
MAX_SHARES = 10**15
"""Largest share count allowed: a thousand times the largest counts in use."""


def fraction(value: Any) -> Any:
    """Return a float as the fraction of its printed decimal, and any other value unchanged."""
    return Fraction(repr(value)) if isinstance(value, float) and value == value else value


Shares = Annotated[Fraction, BeforeValidator(fraction), Field(gt=0, le=MAX_SHARES)]
NonNegativeShares = Annotated[Fraction, BeforeValidator(fraction), Field(ge=0, le=MAX_SHARES)]
Price = Annotated[Fraction, BeforeValidator(fraction), Field(gt=0, le=MAX_USD)]
"""Price of one share."""
NonNegativePrice = Annotated[Fraction, BeforeValidator(fraction), Field(ge=0, le=MAX_USD)]
Amount = Annotated[Decimal, Field(gt=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)]
NonNegativeAmount = Annotated[
    Decimal, Field(ge=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)
]


class WholeShares(StrEnum):
    """Rounding of fractions of a share."""

    EXACT = "exact"
    """Fractions are kept."""
    TEN_DECIMALS = "ten_decimals"
    """Fractions are kept to the ten decimals that the Open Cap Table Format writes."""
    DOWN = "down"
    """Fractions are dropped."""
    NEAREST = "nearest"
    """Fractions are rounded to the nearest whole share, halves up."""

    def __call__(self, shares: Fraction) -> Fraction:
        if self is WholeShares.EXACT:
            return shares
        if self is WholeShares.TEN_DECIMALS:
            return Fraction(round(shares * 10**10), 10**10)
        return Fraction(floor(shares + (Fraction(1, 2) if self is WholeShares.NEAREST else 0)))


class Rounding(Document):
    """Rounding of the prices and share counts of a round.

    YC's guide to the post-money SAFE works its examples with the round's price at four
    decimals, conversion shares and the capitalization rounded down, and new shares to the
    nearest (:data:`YC_GUIDE`).
    """

    price_decimals: Annotated[int, Field(ge=0, le=12)] | None = None
    """Decimals of the round's price and of conversion prices, halves up; None keeps them exact."""
    converted: WholeShares = WholeShares.EXACT
    """Rounding of shares from SAFEs, notes and pro rata rights, and of the capitalization that caps
    are divided by."""
    sold: WholeShares = WholeShares.EXACT
    """Rounding of the shares that the round sells."""

    def price(self, exact: Fraction) -> Fraction:
        """Return a price rounded to :attr:`price_decimals`."""
        if self.price_decimals is None:
            return exact
        unit = Fraction(1, 10**self.price_decimals)
        return floor(exact / unit + Fraction(1, 2)) * unit


EXACT = Rounding()
"""No rounding. Fractions grow with every round; after a few rounds they are too long to use."""
FINE = Rounding(
    price_decimals=10, converted=WholeShares.TEN_DECIMALS, sold=WholeShares.TEN_DECIMALS
)
YC_GUIDE = Rounding(price_decimals=4, converted=WholeShares.DOWN, sold=WholeShares.NEAREST)


def cents_of(amount: Fraction) -> Decimal:
    """Return an amount rounded to the cent, halves to even."""
    return cents(Decimal(round(amount * 100)).scaleb(-2))

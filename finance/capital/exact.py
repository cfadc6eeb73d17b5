"""Shares and prices as fractions, money in cents, and rounding as a choice that is written down.

Nothing here is rounded unless a document says so: a round that issues 10,000,000/17 shares has
issued exactly that.
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

MAX_SHARES = 10**15
"""A thousand times the largest share counts there are."""


def fraction(value: Any) -> Any:
    """A float as the decimal that it prints as; anything else as it is."""
    return Fraction(repr(value)) if isinstance(value, float) and value == value else value


Shares = Annotated[Fraction, BeforeValidator(fraction), Field(gt=0, le=MAX_SHARES)]
NonNegativeShares = Annotated[Fraction, BeforeValidator(fraction), Field(ge=0, le=MAX_SHARES)]
Price = Annotated[Fraction, BeforeValidator(fraction), Field(gt=0, le=MAX_USD)]
"""Of one share."""
NonNegativePrice = Annotated[Fraction, BeforeValidator(fraction), Field(ge=0, le=MAX_USD)]
Amount = Annotated[Decimal, Field(gt=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)]
NonNegativeAmount = Annotated[
    Decimal, Field(ge=0, le=MAX_USD, decimal_places=2), AfterValidator(cents)
]


class WholeShares(StrEnum):
    """What becomes of a part of a share."""

    EXACT = "exact"
    """It stays."""
    TEN_DECIMALS = "ten_decimals"
    """It stays to the ten decimals that the Open Cap Table Format writes."""
    DOWN = "down"
    NEAREST = "nearest"
    """Halves up."""

    def __call__(self, shares: Fraction) -> Fraction:
        if self is WholeShares.EXACT:
            return shares
        if self is WholeShares.TEN_DECIMALS:
            return Fraction(round(shares * 10**10), 10**10)
        return Fraction(floor(shares + (Fraction(1, 2) if self is WholeShares.NEAREST else 0)))


class Rounding(Document):
    """How a round turns fractions into share counts.

    YC's guide to the post-money SAFE works its examples with the round's price at four
    decimals, conversion shares and the capitalization rounded down, and new shares to the
    nearest (:data:`YC_GUIDE`).
    """

    price_decimals: Annotated[int, Field(ge=0, le=12)] | None = None
    """Of the round's price and of conversion prices, halves up; None: exact."""
    converted: WholeShares = WholeShares.EXACT
    """Shares from SAFEs and notes, and the capitalization they are counted on."""
    sold: WholeShares = WholeShares.EXACT
    """Shares that the round sells."""

    def price(self, exact: Fraction) -> Fraction:
        if self.price_decimals is None:
            return exact
        unit = Fraction(1, 10**self.price_decimals)
        return floor(exact / unit + Fraction(1, 2)) * unit


EXACT = Rounding()
"""Fractions grow with every round; after a handful they are too long to go on with."""
FINE = Rounding(
    price_decimals=10, converted=WholeShares.TEN_DECIMALS, sold=WholeShares.TEN_DECIMALS
)
YC_GUIDE = Rounding(price_decimals=4, converted=WholeShares.DOWN, sold=WholeShares.NEAREST)


def cents_of(amount: Fraction) -> Decimal:
    """A fraction of money to the cent, halves to even."""
    return cents(Decimal(round(amount * 100)).scaleb(-2))

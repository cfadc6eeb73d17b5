"""How prices move, and which currencies they are in."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.documents import Document
from engine.field_types import DecimalShare
from finance.books.cents import Floats
from finance.books.months import Month, months_since, yearly_change_factor
from finance.books.trials import Numbers
from finance.numbers.money import MAX_USD

REPORTING_CURRENCY = "USD"

ExchangeRate = Annotated[Decimal, Field(gt=0, le=10**6, max_digits=16)]
"""USD for one unit of a currency."""
CurrencyAmount = Annotated[Decimal, Field(ge=0, le=MAX_USD, max_digits=20)]
"""In the currency of the document that it stands in."""
YearlyChange = Annotated[Decimal, Field(ge=-1, le=10, max_digits=12)]
"""-0.4: a year later it is 40% less."""


class SteadyPrices(Document):
    """A price that moves by the same share each year, a little every month."""

    kind: Literal["steady"] = "steady"
    change_share_per_year: YearlyChange = Decimal(0)
    floor_share: DecimalShare = Decimal(0)
    """Of the first price: it does not fall below."""


class PriceStep(Document):
    month: Month
    factor: Annotated[Decimal, Field(ge=0, le=1000, max_digits=12)]
    """Of the line's price, from that month on."""


class SteppedPrices(Document):
    """A price list that is written anew in some months."""

    kind: Literal["steps"]
    steps: Annotated[tuple[PriceStep, ...], Field(min_length=1, max_length=120)]


Prices = Annotated[SteadyPrices | SteppedPrices, Field(discriminator="kind")]


def price_factors(numbers: Numbers, prices: Prices, launch_month: int, n_months: int) -> Floats:
    """What each month's price is, as a multiple of the first. Shape (1 or trials, months)."""
    if isinstance(prices, SteadyPrices):
        moved = yearly_change_factor(
            numbers("prices.change_share_per_year"), months_since(launch_month, n_months)
        )
        return np.maximum(moved, numbers("prices.floor_share"))
    factors = np.ones((1, n_months))
    for number, step in sorted(enumerate(prices.steps), key=lambda one: one[1].month):
        later = months_since(step.month, n_months) >= 0
        factors = np.where(later, numbers(f"prices.steps.{number}.factor"), factors)
    return factors

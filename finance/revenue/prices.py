"""Prices: currencies, and changes of a price over time."""

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
"""Exchange rate: USD per unit of a currency."""
CurrencyAmount = Annotated[Decimal, Field(ge=0, le=MAX_USD, max_digits=20)]
"""Amount in the currency of the document that contains it."""
YearlyChange = Annotated[Decimal, Field(ge=-1, le=10, max_digits=12)]
"""Change per year as a share; -0.4 means 40% less after a year."""


class SteadyPrices(Document):
    """Price that changes by the same share each year, compounded monthly."""

    kind: Literal["steady"] = "steady"
    change_share_per_year: YearlyChange = Decimal(0)
    floor_share: DecimalShare = Decimal(0)
    """Lower limit of the price, as a share of the first price."""


class PriceStep(Document):
    """Change of a price from a month on."""

    month: Month
    factor: Annotated[Decimal, Field(ge=0, le=1000, max_digits=12)]
    """Price from this month on, as a multiple of the line's first price."""


class SteppedPrices(Document):
    """Price that changes in given months."""

    kind: Literal["steps"]
    steps: Annotated[tuple[PriceStep, ...], Field(min_length=1, max_length=120)]


Prices = Annotated[SteadyPrices | SteppedPrices, Field(discriminator="kind")]


def price_factors(numbers: Numbers, prices: Prices, launch_month: int, n_months: int) -> Floats:
    """Return the price of each month as a multiple of the first. Shape (1 or trials, months)."""
    if isinstance(prices, SteadyPrices):
        moved = yearly_change_factor(
            numbers("prices.change_share_per_year"), months_since(launch_month, n_months)
        )
        return np.maximum(moved, numbers("prices.floor_share"))
    factors = np.ones((1, n_months))
    for number, step in sorted(enumerate(prices.steps), key=lambda item: item[1].month):
        in_effect = months_since(step.month, n_months) >= 0
        factors = np.where(in_effect, numbers(f"prices.steps.{number}.factor"), factors)
    return factors

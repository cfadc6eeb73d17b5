"""Adoption: new customers of a revenue line in each month.

The Bass and the logistic curve are exogenous: the number of new customers depends on the month
alone. Growth depends on the current customers, so it is computed together with churn in
:mod:`finance.revenue.customers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from engine.documents import Document
from engine.field_types import DecimalShare
from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Floats
from finance.books.months import months_since
from finance.books.trials import Numbers
from finance.demand.bass import adopted_share

CustomerCount = Annotated[int, Field(ge=0, le=10**10)]
"""Number of customers; the limit exceeds the world's population."""
AdoptionRatePerYear = Annotated[Decimal, Field(ge=0, le=100, max_digits=12)]


class GrowthAdoption(Document):
    """Adoption by growth: new customers are a share of the current customers."""

    kind: Literal["growth"]
    customers_at_launch: Annotated[Decimal, Field(ge=0, le=10**10, max_digits=14)]
    growth_share_per_month: DecimalShare
    market: CustomerCount | None = None
    """Maximum number of customers at a time, or None for no limit."""


class BassAdoption(Document):
    """Adoption by innovators, who decide on their own, and imitators, who follow (Bass 1969)."""

    kind: Literal["bass"]
    market: CustomerCount
    """Number of customers who will ever adopt."""
    innovation_per_year: AdoptionRatePerYear
    """Coefficient of innovation p, per year."""
    imitation_per_year: AdoptionRatePerYear
    """Coefficient of imitation q, per year."""


class LogisticAdoption(Document):
    """Adoption by an S-curve in a market of M customers: dN/dt = r·N·(1 − N/M)."""

    kind: Literal["logistic"]
    market: CustomerCount
    share_at_launch: Annotated[Decimal, Field(gt=0, lt=1, max_digits=12)]
    """Share of the market that has adopted in the launch month."""
    growth_per_year: AdoptionRatePerYear
    """Growth rate r in an almost empty market, per year, continuously compounded."""


Adoption = Annotated[GrowthAdoption | BassAdoption | LogisticAdoption, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class AdoptionNumbers:
    """Numbers of an adoption: either new customers by month, or a growth rate.

    The arrays have the shape (1 or trials, 1 or months).
    """

    new: Floats | None = None
    """New customers in each month, or None if they follow from ``growth``."""
    first: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    """New customers in the launch month."""
    growth: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    """New customers of later months, as a share of the customers of the month before."""
    market: Floats = field(default_factory=lambda: np.full((1, 1), np.inf))
    """Maximum number of customers at a time."""


def adoption_numbers(
    numbers: Numbers, adoption: Adoption, launch_month: int, n_months: int
) -> AdoptionNumbers:
    """Return the numbers of a line's adoption.

    The curve of Bass counts time to the end of each month, from the start of the launch month.
    """
    if isinstance(adoption, GrowthAdoption):
        limits = {} if adoption.market is None else {"market": numbers("adoption.market")}
        return AdoptionNumbers(
            first=numbers("adoption.customers_at_launch"),
            growth=numbers("adoption.growth_share_per_month"),
            **limits,
        )
    since = months_since(launch_month, n_months)
    market = numbers.fixed("adoption.market")
    if isinstance(adoption, BassAdoption):
        p, q = (
            numbers.fixed("adoption.innovation_per_year"),
            numbers.fixed("adoption.imitation_per_year"),
        )
        share = adopted_share(p, q, np.maximum(since + 1, 0) / MONTHS_PER_YEAR)
    else:
        from scipy.special import expit, logit  # takes longer to load than most commands to run

        first, rate = (
            numbers.fixed("adoption.share_at_launch"),
            numbers.fixed("adoption.growth_per_year"),
        )
        share = expit(logit(first) + rate * np.maximum(since, 0) / MONTHS_PER_YEAR)
    reached = np.where(since >= 0, market * share, 0.0)
    return AdoptionNumbers(new=np.maximum(np.diff(reached, axis=1, prepend=0.0), 0.0))

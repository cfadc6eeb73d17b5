"""Who comes: new customers of a line, month by month.

Curves inside a stated market are exogenous: what comes depends on the month alone. Growth depends
on the customers there are, and is worked out together with those who leave.
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
"""Of customers; more than there are people."""
AdoptionRatePerYear = Annotated[Decimal, Field(ge=0, le=100, max_digits=12)]


class GrowthAdoption(Document):
    """New customers as a share of those there are."""

    kind: Literal["growth"]
    customers_at_launch: Annotated[Decimal, Field(ge=0, le=10**10, max_digits=14)]
    growth_share_per_month: DecimalShare
    market: CustomerCount | None = None
    """How many there can be at a time at most."""


class BassAdoption(Document):
    """Innovators come by themselves, imitators because others have (Bass 1969)."""

    kind: Literal["bass"]
    market: CustomerCount
    """All who will ever come."""
    innovation_per_year: AdoptionRatePerYear
    """p."""
    imitation_per_year: AdoptionRatePerYear
    """q."""


class LogisticAdoption(Document):
    """An S-curve inside a market: dN/dt = r·N·(1 − N/M)."""

    kind: Literal["logistic"]
    market: CustomerCount
    share_at_launch: Annotated[Decimal, Field(gt=0, lt=1, max_digits=12)]
    """Of the market, in the launch month."""
    growth_per_year: AdoptionRatePerYear
    """r: the growth while the market is still empty, compounded all the time."""


Adoption = Annotated[GrowthAdoption | BassAdoption | LogisticAdoption, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class AdoptionNumbers:
    """How customers come, in numbers: by month, or as a share of those there are.

    Shapes (1 or trials, 1 or months).
    """

    new: Floats | None = None
    first: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    """In the launch month."""
    growth: Floats = field(default_factory=lambda: np.zeros((1, 1)))
    """Afterwards, as a share of those of the month before."""
    market: Floats = field(default_factory=lambda: np.full((1, 1), np.inf))
    """How many there can be at a time."""


def adoption_numbers(
    numbers: Numbers, adoption: Adoption, launch_month: int, n_months: int
) -> AdoptionNumbers:
    """The numbers of a line's ``adoption``; Bass's curve with time at the end of each month."""
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

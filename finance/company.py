"""The company: people, costs, revenue, cash and one equity round, in months from its first.

Month 1 is ``first_month``; every ``month`` and ``…_month`` below counts from it.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator

from engine.documents import Document, InputError
from finance.money import Usd

HORIZON_MONTHS = 36

Month = Annotated[int, Field(ge=1, le=HORIZON_MONTHS)]
MonthlyRate = Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]


class Role(Document):
    """People of one kind."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    people: Annotated[int, Field(ge=0, le=1_000_000)]
    cost_usd_per_month: Usd
    """For one of them, with taxes, insurance and equipment."""
    start_month: Month = 1


class TrainingSchedule(Document):
    """When the plan's training run is paid for, and how often."""

    first_month: Month
    runs: Annotated[int, Field(ge=0, le=100_000_000)] = 1
    """Runs of the plan each time."""
    repeat_every_months: Annotated[int, Field(ge=0, le=HORIZON_MONTHS)] = 0
    """0: once."""
    research_share: Annotated[Decimal, Field(ge=0, le=100, max_digits=6)] = Decimal(1)
    """Compute of experiments and failed runs beside a run, as a multiple of it."""


class Revenue(Document):
    """One line of recurring revenue."""

    launch_month: Month
    customers_at_launch: Annotated[int, Field(ge=0, le=10**9)]
    growth_share_per_month: MonthlyRate
    """New customers in a month as a share of those there are."""
    churn_share_per_month: MonthlyRate
    """Customers who leave in a month, as a share of those there are."""
    price_usd_per_customer_month: Usd
    tokens_per_customer_month: Annotated[int, Field(ge=0, le=10**15)]
    """Tokens that the model generates for one customer in a month."""


class EquityRound(Document):
    """One priced round."""

    month: Month
    amount_usd: Usd
    pre_money_usd: Annotated[Usd, Field(gt=0)]


class Company(Document):
    """Everything about the company that is not the model."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_month: datetime.date
    """Any day of it; the first is kept."""
    cash_usd: Usd
    """In the bank at the beginning."""
    people: Annotated[tuple[Role, ...], Field(max_length=200)] = ()
    other_costs_usd_per_month: Usd
    """Rent, software, travel, lawyers, marketing."""
    training: TrainingSchedule
    revenue: Revenue
    equity_round: EquityRound

    @field_validator("first_month")
    @classmethod
    def _first_day(cls, day: datetime.date) -> datetime.date:
        if not 2000 <= day.year <= 2100:
            raise InputError("", str(day), "between", low=2000, high=2100)
        return day.replace(day=1)

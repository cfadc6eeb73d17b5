"""Document of a company: its revenue, costs, compute and financing.

Month 1 is ``first_month``; every field ``month`` or ``…_month`` below counts from it. Tables with a
default may be omitted. With only ``training``, ``revenue`` and ``equity_round``, a company has one
revenue line, one model and one round.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from engine.documents import Document, InputError
from engine.field_types import CurrencyCode, DecimalShare
from finance.books.months import MAX_MONTHS, MIN_HORIZON_MONTHS
from finance.capital.history import Capital, Step
from finance.company.goals import FundingGoal, SaleCase
from finance.compute.needs import ComputeTerms
from finance.costs.people import Role
from finance.costs.spending import DataCost, Spending
from finance.costs.training import TrainingEvent, TrainingSchedule
from finance.numbers.money import Usd
from finance.revenue.lines import PaymentDays, Revenue, RevenueLine
from finance.revenue.prices import REPORTING_CURRENCY, ExchangeRate
from finance.treasury.cash import Inflow, Tax
from finance.treasury.loans import Loan
from finance.treasury.raising import EquityRound, planned_rounds


class Company(Document):
    """Document of a company, without the model plan."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_month: datetime.date
    """Calendar month of month 1; any of its days is accepted and replaced by the first."""
    horizon_months: Annotated[int, Field(ge=MIN_HORIZON_MONTHS, le=MAX_MONTHS)] = 36
    cash_usd: Usd
    """Cash in the bank before the first month, in USD."""
    exchange_rates: Annotated[
        dict[CurrencyCode, ExchangeRate], Field(max_length=40, default_factory=dict)
    ]
    """USD per unit of each currency other than USD that the document uses."""

    revenue: Revenue | None = None
    revenue_lines: Annotated[tuple[RevenueLine, ...], Field(max_length=40)] = ()

    training: TrainingSchedule | None = None
    training_events: Annotated[tuple[TrainingEvent, ...], Field(max_length=60)] = ()
    compute: ComputeTerms = ComputeTerms()
    data: Annotated[tuple[DataCost, ...], Field(max_length=60)] = ()

    people: Annotated[tuple[Role, ...], Field(max_length=200)] = ()
    other_costs_usd_per_month: Usd
    """Rent, software, travel, lawyers and marketing, except what ``spending`` lists."""
    spending: Annotated[tuple[Spending, ...], Field(max_length=60)] = ()
    payment_days: PaymentDays = 0
    """Payment term for suppliers of data and other spending, in days."""

    equity_round: EquityRound | None = None
    """The only equity round. It is required without ``capital`` and not allowed with it."""
    capital: Capital | None = None
    """Cap table: shares, SAFEs, notes and rounds, including planned events. With a cap table, its
    events alone bring equity; ``inflows`` may still bring debt."""
    inflows: Annotated[tuple[Inflow, ...], Field(max_length=60)] = ()
    loans: Annotated[tuple[Loan, ...], Field(max_length=20)] = ()
    interest_on_cash_share_per_year: DecimalShare = Decimal(0)
    tax: Tax | None = None

    funding_goal: FundingGoal = FundingGoal()
    sale: SaleCase = SaleCase()

    @field_validator("first_month")
    @classmethod
    def _first_day(cls, day: datetime.date) -> datetime.date:
        if not 2000 <= day.year <= 2100:
            raise InputError("", str(day), "between", low=2000, high=2100)
        return day.replace(day=1)

    @model_validator(mode="after")
    def _has_exchange_rates(self) -> Self:
        for path, currency in self._currencies():
            if currency != REPORTING_CURRENCY and currency not in self.exchange_rates:
                raise InputError(
                    f"{path}.currency", currency, "rate_needed", currency=REPORTING_CURRENCY
                )
        return self

    @model_validator(mode="after")
    def _has_one_source_of_equity(self) -> Self:
        if self.capital is None:
            if self.equity_round is None:
                raise InputError("equity_round", "—", "missing")
            return self
        if self.equity_round is not None:
            raise InputError("equity_round", f"{self.equity_round.amount_usd:,}", "in_capital")
        for number, inflow in enumerate(self.inflows):
            if inflow.kind != "debt":
                raise InputError(f"inflows.{number}.kind", inflow.kind, "in_capital")
        return self

    @model_validator(mode="after")
    def _capital_events_are_valid(self) -> Self:
        try:
            _ = self.capital_steps
        except InputError as error:
            raise InputError(
                f"capital.{error.field}", error.value, error.rule, **error.params
            ) from None
        return self

    def _currencies(self) -> Iterator[tuple[str, str]]:
        for table in ("revenue_lines", "data", "spending"):
            for number, entry in enumerate(getattr(self, table)):
                yield f"{table}.{number}", entry.currency
        if self.capital is not None:
            yield "capital.opening", self.capital.opening.currency

    def usd_per_unit(self, currency: str) -> float:
        """Return the value of one unit of a currency, in USD."""
        return 1.0 if currency == REPORTING_CURRENCY else float(self.exchange_rates[currency])

    @property
    def capital_steps(self) -> tuple[Step, ...]:
        """Events of the cap table, each with the table before and after it."""
        return () if self.capital is None else self.capital.steps

    @property
    def planned_rounds(self) -> tuple[EquityRound, ...]:
        """Planned priced rounds, in order."""
        if self.capital is None:
            return (self.equity_round,) if self.equity_round else ()
        rate = self.usd_per_unit(self.capital.opening.currency)
        return planned_rounds(self.capital_steps, self.first_month, rate)

    @property
    def next_round(self) -> EquityRound | None:
        """First planned round, or None if none is planned."""
        return next(iter(self.planned_rounds), None)

    @property
    def launch_month(self) -> int | None:
        """First month with sales, or None if the company has no revenue line."""
        lines = (*([self.revenue] if self.revenue else []), *self.revenue_lines)
        return min((line.launch_month for line in lines), default=None)

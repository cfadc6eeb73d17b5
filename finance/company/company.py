"""The company: what it sells, whom it pays, how it gets compute, what it raises.

Month 1 is ``first_month``; every ``month`` and ``…_month`` below counts from it. The tables that
have a default may be left out: with ``training``, ``revenue`` and ``equity_round`` alone it is a
company of one line, one model and one round.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from engine.documents import Document, InputError
from engine.field_types import CurrencyCode, DecimalShare
from finance.books.months import MAX_MONTHS, MIN_HORIZON_MONTHS
from finance.capital.history import Capital, Step, history
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
    """Everything about the company that is not the model."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_month: datetime.date
    """Any day of it; the first is kept."""
    horizon_months: Annotated[int, Field(ge=MIN_HORIZON_MONTHS, le=MAX_MONTHS)] = 36
    cash_usd: Usd
    """In the bank at the beginning."""
    exchange_rates: Annotated[
        dict[CurrencyCode, ExchangeRate], Field(max_length=40, default_factory=dict)
    ]
    """USD for one unit of each other currency that a line is in."""

    revenue: Revenue | None = None
    revenue_lines: Annotated[tuple[RevenueLine, ...], Field(max_length=40)] = ()

    training: TrainingSchedule | None = None
    training_events: Annotated[tuple[TrainingEvent, ...], Field(max_length=60)] = ()
    compute: ComputeTerms = ComputeTerms()
    data: Annotated[tuple[DataCost, ...], Field(max_length=60)] = ()

    people: Annotated[tuple[Role, ...], Field(max_length=200)] = ()
    other_costs_usd_per_month: Usd
    """Rent, software, travel, lawyers, marketing, as far as they do not stand below."""
    spending: Annotated[tuple[Spending, ...], Field(max_length=60)] = ()
    payment_days: PaymentDays = 0
    """Until suppliers of data and of other spending are paid."""

    equity_round: EquityRound | None = None
    """Of a company without ``capital``, which must have it; left out beside ``capital``."""
    capital: Capital | None = None
    """The cap table: shares, SAFEs, notes and rounds, planned ones included. What investors pay
    then stands in its events alone; ``inflows`` may still bring debt."""
    inflows: Annotated[tuple[Inflow, ...], Field(max_length=60)] = ()
    loans: Annotated[tuple[Loan, ...], Field(max_length=20)] = ()
    interest_on_cash_share_per_year: DecimalShare = Decimal(0)
    tax: Tax | None = None

    @field_validator("first_month")
    @classmethod
    def _first_day(cls, day: datetime.date) -> datetime.date:
        if not 2000 <= day.year <= 2100:
            raise InputError("", str(day), "between", low=2000, high=2100)
        return day.replace(day=1)

    @model_validator(mode="after")
    def _has_rates(self) -> Self:
        for path, currency in self._currencies():
            if currency != REPORTING_CURRENCY and currency not in self.exchange_rates:
                raise InputError(
                    f"{path}.currency", currency, "rate_needed", currency=REPORTING_CURRENCY
                )
        return self

    @model_validator(mode="after")
    def _money_is_said_once(self) -> Self:
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
    def _events_can_happen(self) -> Self:
        try:
            _ = self.capital_steps
        except InputError as error:
            raise InputError(
                f"capital.{error.field}", error.value, error.rule, **error.params
            ) from None
        return self

    def _currencies(self) -> Iterator[tuple[str, str]]:
        for table in ("revenue_lines", "data", "spending"):
            for number, one in enumerate(getattr(self, table)):
                yield f"{table}.{number}", one.currency
        if self.capital is not None:
            yield "capital.opening", self.capital.opening.currency

    def usd_per_unit(self, currency: str) -> float:
        """What one unit of a currency is worth."""
        return 1.0 if currency == REPORTING_CURRENCY else float(self.exchange_rates[currency])

    @cached_property
    def capital_steps(self) -> tuple[Step, ...]:
        """Each event of the cap table, and the table after it."""
        return () if self.capital is None else history(self.capital)

    @property
    def planned_rounds(self) -> tuple[EquityRound, ...]:
        """Priced rounds to come, in order."""
        if self.capital is None:
            return (self.equity_round,) if self.equity_round else ()
        rate = self.usd_per_unit(self.capital.opening.currency)
        return planned_rounds(self.capital_steps, self.first_month, rate)

    @property
    def next_round(self) -> EquityRound | None:
        """The round to decide on: the first that is planned; None if there is none."""
        return next(iter(self.planned_rounds), None)

    @property
    def launch_month(self) -> int | None:
        """The first month in which something is sold; None where nothing ever is."""
        lines = (*([self.revenue] if self.revenue else []), *self.revenue_lines)
        return min((line.launch_month for line in lines), default=None)

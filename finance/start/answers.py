"""Answers to the six questions of a new company; an answer of None takes a sourced default."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document
from engine.field_types import DecimalShare, ShortName
from finance.books.months import MAX_MONTHS, Month
from finance.numbers.money import Usd
from finance.revenue.lines import TokenCount
from finance.revenue.prices import CurrencyAmount

Product = Literal["vertical", "api", "open_weights", "on_premise"]
"""Kind of company: a model for one trade, an API, open weights with services, or on premises."""
WeightsOrigin = Literal["open_weights", "scratch"]
SizeBy = Literal["parameters", "budget"]
Way = Literal["rent", "reserve", "buy"]
SalesKind = Literal["contracts", "tokens", "licence", "services"]
Churn = Literal["low", "normal", "high"]
RoleKind = Literal["founder", "research", "engineer", "sales", "support", "operations"]
Stage = Literal["seed", "series_a"]
LanguageTag = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class ModelAnswers(Document):
    """Size of the model, and where its training starts."""

    origin: WeightsOrigin | None = None
    base_model: str | None = None
    """Published model whose weights the training continues, by its name in ``data/models.csv``."""
    size_by: SizeBy = "parameters"
    """Whether a model from scratch is sized by its parameters or by the budget of its run."""
    parameters: Annotated[int, Field(ge=10_000_000, le=2 * 10**12)] | None = None
    budget_usd: Annotated[Usd, Field(ge=100)] | None = None
    tokens: Annotated[int, Field(ge=10**6, le=10**15)] | None = None


class ComputeAnswers(Document):
    """Devices that train and serve the model."""

    way: Way = "rent"
    accelerator: str | None = None
    provider: str | None = None
    """Provider whose published price counts; None for the median of all providers."""
    devices: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Devices of the training run, and of the reservation or the purchase; None for as many as the
    run needs to end in about a month."""
    training_month: Month | None = None
    repeat_months: Annotated[int, Field(ge=0, le=MAX_MONTHS)] | None = None
    """Months between the first training run and the next; 0 for a single run."""


class SalesAnswer(Document):
    """One thing that customers pay for."""

    kind: SalesKind
    price: CurrencyAmount | None = None
    """Price in USD: of a year's contract, a million tokens, a licence, or a day of services."""
    customers: Annotated[Decimal, Field(ge=0, le=10**9, max_digits=14)] | None = None
    """Customers in the launch month, or days sold in a month for services."""
    growth_share: DecimalShare | None = None
    """New customers in a month as a share of the present ones; for services, the yearly rise of the
    price."""
    churn: Churn = "normal"
    launch_month: Month | None = None
    input_tokens_per_month: TokenCount | None = None
    """Input tokens of one customer in a month; the output follows in the same proportion."""


class PersonAnswer(Document):
    """People with one role, in one country, from one month on."""

    role: RoleKind
    people: Annotated[int, Field(ge=0, le=100_000)] = 1
    start_month: Month = 1
    country: CountryCode | None = None
    """Country of the role; None for the country of the company."""
    title: ShortName | None = None
    salary_usd_per_year: Usd | None = None
    """Yearly salary of one person before the employer's contributions, in USD."""


class SafeAnswer(Document):
    """A SAFE that is signed and whose money is part of the cash of today."""

    holder: ShortName
    amount_usd: Annotated[Usd, Field(gt=0)]
    cap_usd: Annotated[Usd, Field(gt=0)] | None = None


class MoneyAnswers(Document):
    """Money of today, and the raise that is planned."""

    cash_usd: Usd | None = None
    founders: Annotated[tuple[ShortName, ...], Field(max_length=12)] = ()
    """Names of the founders; unnamed founders are numbered."""
    safes: Annotated[tuple[SafeAnswer, ...], Field(max_length=20)] = ()
    raises: bool = True
    """Whether a raise is planned at all."""
    runway_months: Annotated[int, Field(ge=6, le=60)] | None = None
    """Months that the money of the raise lasts."""
    raise_month: Month | None = None
    raise_usd: Usd | None = None
    pre_money_usd: Annotated[Usd, Field(gt=0)] | None = None


class StartAnswers(Document):
    """All answers. With only ``name`` and ``first_month``, every figure is a default."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_month: datetime.date
    product: Product = "vertical"
    languages: Annotated[tuple[LanguageTag, ...], Field(min_length=1, max_length=40)] = ("en",)
    country: CountryCode = "US"
    model: ModelAnswers = ModelAnswers()
    compute: ComputeAnswers = ComputeAnswers()
    sales: Annotated[tuple[SalesAnswer, ...], Field(max_length=12)] | None = None
    """Revenue; None for what a company of this kind usually sells."""
    marketing_usd_per_month: Usd | None = None
    people: Annotated[tuple[PersonAnswer, ...], Field(max_length=100)] | None = None
    """Staff; None for the usual team of a company of this kind."""
    other_costs_usd_per_month: Usd | None = None
    money: MoneyAnswers = MoneyAnswers()

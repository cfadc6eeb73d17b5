"""The lines of a company's revenue, told apart by ``kind``.

Amounts are in the line's currency: without ``_usd`` in their names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import CurrencyCode, DecimalShare, ShortName
from finance.books.months import Month, MonthCount
from finance.numbers.money import Usd
from finance.revenue.adoption import Adoption
from finance.revenue.prices import (
    REPORTING_CURRENCY,
    CurrencyAmount,
    Prices,
    SteadyPrices,
    YearlyChange,
)
from finance.revenue.retention import Retention

PaymentDays = Annotated[int, Field(ge=0, le=360)]
"""Until an invoice is paid; a month has 30."""
MonthlyRate = Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]
TokenCount = Annotated[int, Field(ge=0, le=10**15)]


class Usage(Document):
    """Tokens that one customer uses in a month."""

    input_tokens_per_month: TokenCount = 0
    """Cached ones included."""
    cached_share: DecimalShare = Decimal(0)
    """Of the input: read from the cache, and priced apart."""
    output_tokens_per_month: TokenCount = 0
    change_share_per_year: YearlyChange = Decimal(0)


class Revenue(Document):
    """One line of recurring revenue: all that a small company needs."""

    launch_month: Month
    customers_at_launch: Annotated[int, Field(ge=0, le=10**9)]
    growth_share_per_month: MonthlyRate
    """New customers in a month as a share of those there are."""
    churn_share_per_month: MonthlyRate
    """Customers who leave in a month, as a share of those there are."""
    price_usd_per_customer_month: Usd
    tokens_per_customer_month: TokenCount
    """Tokens that the model generates for one customer in a month."""


class Line(Document):
    """What every line of a larger company has."""

    name: ShortName
    launch_month: Month
    currency: CurrencyCode = REPORTING_CURRENCY
    payment_days: PaymentDays = 0


class TokenSales(Line):
    """Tokens by the million, invoiced for the month that used them."""

    adoption: Adoption
    retention: Retention
    usage: Usage
    price_per_million_input_tokens: CurrencyAmount
    price_per_million_cached_tokens: CurrencyAmount
    price_per_million_output_tokens: CurrencyAmount
    prices: Prices = SteadyPrices()


class ApiTokens(TokenSales):
    """Of the plan's model."""

    kind: Literal["api_tokens"]


class HostedOpenWeights(TokenSales):
    """Of somebody else's open model."""

    kind: Literal["hosted_open_weights"]
    cost_per_million_tokens: CurrencyAmount
    """Of any kind: the plan's forecast is of another model. It falls as the price of compute."""


class SubscriptionPlan(Document):
    """One plan of a subscription."""

    name: ShortName
    share: DecimalShare
    """Of those who convert."""
    price_per_month: CurrencyAmount
    yearly_share: DecimalShare = Decimal(0)
    """Who pay a year in advance."""
    yearly_discount_share: DecimalShare = Decimal(0)
    usage: Usage = Usage()


class Subscription(Line):
    """Users who register for nothing; some convert to a plan."""

    kind: Literal["subscription"]
    adoption: Adoption
    """Of free users."""
    free_usage: Usage = Usage()
    free_churn_share_per_month: DecimalShare = Decimal(0)
    conversion_share_per_month: DecimalShare
    """Of the free users of the month before."""
    retention: Retention
    """Of those who pay."""
    plans: Annotated[tuple[SubscriptionPlan, ...], Field(min_length=1, max_length=12)]
    prices: Prices = SteadyPrices()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        shares = sum(plan.share for plan in self.plans)
        if shares != 1:
            raise InputError("plans", f"shares of {shares} in all", "equal", to=1)
        if self.free_churn_share_per_month + self.conversion_share_per_month > 1:
            raise InputError(
                "conversion_share_per_month",
                str(self.conversion_share_per_month),
                "less_than_equal",
                limit=1 - self.free_churn_share_per_month,
            )
        return self


class Enterprise(Line):
    """Contracts of a year, invoiced in advance."""

    kind: Literal["enterprise"]
    adoption: Adoption
    """Of contracts signed."""
    price_per_year: CurrencyAmount
    renewal_share: DecimalShare
    uplift_share_at_renewal: YearlyChange = Decimal(0)
    months_invoiced: Literal[1, 3, 12] = 12
    """In advance, each time."""
    payment_days: PaymentDays = 30
    usage: Usage = Usage()


class OnPremise(Line):
    """Deployments at the customer's: a licence when it is delivered, then support by the year."""

    kind: Literal["on_premise"]
    adoption: Adoption
    """Of deployments."""
    licence_price: CurrencyAmount
    support_share_per_year: DecimalShare
    """Of the licence's price, invoiced a year in advance."""
    renewal_share: DecimalShare
    delivery_cost: CurrencyAmount = Decimal(0)
    """Of each deployment, in the month of its delivery."""
    payment_days: PaymentDays = 30


class Services(Line):
    """Work by the day."""

    kind: Literal["services"]
    days_per_month: Annotated[Decimal, Field(ge=0, le=10**7, max_digits=12)]
    price_per_day: CurrencyAmount
    change_share_per_year: YearlyChange = Decimal(0)
    delivery_cost_share: DecimalShare = Decimal(0)
    """Of the revenue: what others are paid for it."""
    payment_days: PaymentDays = 30


class Deal(Document):
    """One deal, earned in equal parts over its months."""

    month: Month
    months: MonthCount = 1
    amount: CurrencyAmount


class DataDeals(Line):
    """Data or content that is licensed to others, invoiced at the start of each deal."""

    kind: Literal["data_deals"]
    launch_month: Month = 1
    deals: Annotated[tuple[Deal, ...], Field(max_length=60)]
    delivery_cost_share: DecimalShare = Decimal(0)


class Grants(Line):
    """Money for costs that it is given for, earned over its months; no revenue."""

    kind: Literal["grants"]
    launch_month: Month = 1
    deals: Annotated[tuple[Deal, ...], Field(max_length=60)]
    paid: Literal["at_start", "monthly", "at_end"] = "at_start"


RevenueLine = Annotated[
    ApiTokens
    | Subscription
    | Enterprise
    | OnPremise
    | HostedOpenWeights
    | Services
    | DataDeals
    | Grants,
    Field(discriminator="kind"),
]

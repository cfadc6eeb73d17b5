"""Documents of revenue lines; the field ``kind`` selects the type of line.

Amounts whose name has no ``_usd`` are in the line's currency.
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
"""Payment term of an invoice in days; a month counts 30 days."""
MonthlyRate = Annotated[Decimal, Field(ge=0, le=1, max_digits=8)]
TokenCount = Annotated[int, Field(ge=0, le=10**15)]


class Usage(Document):
    """Tokens that one customer uses in a month."""

    input_tokens_per_month: TokenCount = 0
    """Input tokens of one customer in a month, including cached ones."""
    cached_share: DecimalShare = Decimal(0)
    """Share of the input that is read from the cache, at a price of its own."""
    output_tokens_per_month: TokenCount = 0
    change_share_per_year: YearlyChange = Decimal(0)


class Revenue(Document):
    """Single line of recurring revenue, for a small company."""

    launch_month: Month
    customers_at_launch: Annotated[int, Field(ge=0, le=10**9)]
    growth_share_per_month: MonthlyRate
    """New customers in a month, as a share of the customers of the month before."""
    churn_share_per_month: MonthlyRate
    """Customers who leave in a month, as a share of the customers of the month before."""
    price_usd_per_customer_month: Usd
    tokens_per_customer_month: TokenCount
    """Tokens that the model generates for one customer in a month."""


class Line(Document):
    """Common fields of all revenue lines."""

    name: ShortName
    launch_month: Month
    currency: CurrencyCode = REPORTING_CURRENCY
    payment_days: PaymentDays = 0


class TokenSales(Line):
    """Common fields of token sales, priced per million and invoiced for the month of use."""

    adoption: Adoption
    retention: Retention
    usage: Usage
    price_per_million_input_tokens: CurrencyAmount
    price_per_million_cached_tokens: CurrencyAmount
    price_per_million_output_tokens: CurrencyAmount
    prices: Prices = SteadyPrices()


class ApiTokens(TokenSales):
    """Sale of tokens of the plan's model."""

    kind: Literal["api_tokens"]


class HostedOpenWeights(TokenSales):
    """Sale of tokens of an open-weights model by another developer."""

    kind: Literal["hosted_open_weights"]
    cost_per_million_tokens: CurrencyAmount
    """Cost of serving a million tokens of any kind, since the plan's forecast is for another model.
    It changes with the price and the speed of compute."""


class SubscriptionPlan(Document):
    """Plan of a subscription with its price and usage."""

    name: ShortName
    share: DecimalShare
    """Share of converting users who choose this plan."""
    price_per_month: CurrencyAmount
    yearly_share: DecimalShare = Decimal(0)
    """Share of the plan's subscribers who pay a year in advance."""
    yearly_discount_share: DecimalShare = Decimal(0)
    usage: Usage = Usage()


class Subscription(Line):
    """Subscription with free users, some of whom convert to a paid plan."""

    kind: Literal["subscription"]
    adoption: Adoption
    """Adoption of free users."""
    free_usage: Usage = Usage()
    free_churn_share_per_month: DecimalShare = Decimal(0)
    conversion_share_per_month: DecimalShare
    """Share of the free users of the month before who convert."""
    retention: Retention
    """Retention of paying subscribers."""
    plans: Annotated[tuple[SubscriptionPlan, ...], Field(min_length=1, max_length=12)]
    prices: Prices = SteadyPrices()

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
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
    """Yearly contracts that are invoiced in advance."""

    kind: Literal["enterprise"]
    adoption: Adoption
    """Adoption in contracts signed."""
    price_per_year: CurrencyAmount
    renewal_share: DecimalShare
    uplift_share_at_renewal: YearlyChange = Decimal(0)
    months_invoiced: Literal[1, 3, 12] = 12
    """Number of months that each invoice covers in advance."""
    payment_days: PaymentDays = 30
    usage: Usage = Usage()


class OnPremise(Line):
    """Deployments on the customer's premises: a licence on delivery, then yearly support."""

    kind: Literal["on_premise"]
    adoption: Adoption
    """Adoption in deployments."""
    licence_price: CurrencyAmount
    support_share_per_year: DecimalShare
    """Support per year as a share of the licence's price, invoiced a year in advance."""
    renewal_share: DecimalShare
    delivery_cost: CurrencyAmount = Decimal(0)
    """Cost of each deployment, in the month of its delivery."""
    payment_days: PaymentDays = 30


class Services(Line):
    """Services that are priced by the day."""

    kind: Literal["services"]
    days_per_month: Annotated[Decimal, Field(ge=0, le=10**7, max_digits=12)]
    price_per_day: CurrencyAmount
    change_share_per_year: YearlyChange = Decimal(0)
    delivery_cost_share: DecimalShare = Decimal(0)
    """Payments to subcontractors, as a share of the revenue."""
    payment_days: PaymentDays = 30


class Deal(Document):
    """Deal that is earned in equal parts over its months."""

    month: Month
    months: MonthCount = 1
    amount: CurrencyAmount


class DataDeals(Line):
    """Licences of data or content to others, invoiced at the start of each deal."""

    kind: Literal["data_deals"]
    launch_month: Month = 1
    deals: Annotated[tuple[Deal, ...], Field(max_length=60)]
    delivery_cost_share: DecimalShare = Decimal(0)


class Grants(Line):
    """Grants towards costs, earned over their months; they are other income, not revenue."""

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

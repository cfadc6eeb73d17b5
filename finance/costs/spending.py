"""Costs of data, priced per million tokens, and other monthly spending."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document
from engine.field_types import CurrencyCode, DecimalShare, ShortName
from engine.units import TOKENS_PER_MILLION
from finance.books.cents import Cents, Floats, amount_in_month, spread_evenly, to_cents
from finance.books.ledger import Account, Ledger
from finance.books.months import (
    Month,
    MonthCount,
    is_active_month,
    months_since,
    require_month_order,
    yearly_change_factor,
)
from finance.books.trials import Numbers
from finance.revenue.prices import REPORTING_CURRENCY, CurrencyAmount, YearlyChange

Category = Literal["marketing", "delivery", "general"]
_ACCOUNTS: dict[Category, Account] = {
    "marketing": Account.MARKETING,
    "delivery": Account.DELIVERY,
    "general": Account.OTHER_COSTS,
}


class DataCost(Document):
    """Cost of training data that is bought or produced."""

    name: ShortName
    kind: Literal["licence", "crawling", "cleaning", "labelling", "synthetic"]
    tokens: Annotated[int, Field(ge=0, le=10**17)]
    price_per_million_tokens: CurrencyAmount
    currency: CurrencyCode = REPORTING_CURRENCY
    month: Month
    months: MonthCount = 1
    """Number of months over which the cost is spread in equal parts, from ``month`` on."""


class Spending(Document):
    """Monthly spending: a fixed amount, a share of revenue, and an amount per new customer."""

    name: ShortName
    category: Category = "general"
    currency: CurrencyCode = REPORTING_CURRENCY
    first_month: Month = 1
    last_month: Month | None = None
    amount_per_month: CurrencyAmount = Decimal(0)
    change_share_per_year: YearlyChange = Decimal(0)
    """Yearly change of the fixed amount."""
    share_of_revenue: DecimalShare = Decimal(0)
    amount_per_new_customer: CurrencyAmount = Decimal(0)

    @model_validator(mode="after")
    def _months_are_in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


def post_data(ledger: Ledger, numbers: Numbers, data: DataCost, days: int) -> None:
    """Post a cost of data.

    It is expensed and not capitalised, because models trained on it may never earn revenue.
    """
    whole = to_cents(
        numbers("tokens") / TOKENS_PER_MILLION * numbers.usd("price_per_million_tokens"),
        numbers.path,
    )
    parts = spread_evenly(amount_in_month(whole, data.month, ledger.n_months), data.months)
    ledger.spend(Account.DATA, parts, numbers.path, days=days)


def post_spending(
    ledger: Ledger,
    numbers: Numbers,
    spending: Spending,
    days: int,
    *,
    revenue: Cents,
    new_customers: Floats,
) -> None:
    """Post monthly spending.

    Parameters
    ----------
    days
        Payment term, in days.
    revenue
        Revenue of the company in each month, in cents. Shape (1 or trials, months).
    new_customers
        New customers of the company in each month. Shape (1 or trials, months).
    """
    n_months = ledger.n_months
    since = months_since(spending.first_month, n_months)
    fixed = numbers.usd("amount_per_month") * yearly_change_factor(
        numbers("change_share_per_year"), since
    )
    usd = fixed + numbers("share_of_revenue") * (revenue / 100.0)
    usd = usd + numbers.usd("amount_per_new_customer") * new_customers
    paid = usd * is_active_month(spending.first_month, spending.last_month, n_months)
    ledger.spend(
        _ACCOUNTS[spending.category], to_cents(paid, numbers.path), numbers.path, days=days
    )

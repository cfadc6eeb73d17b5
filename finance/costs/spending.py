"""Data by the million tokens, and money that goes out every month for something else."""

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
    """Text for training, bought or made."""

    name: ShortName
    kind: Literal["licence", "crawling", "cleaning", "labelling", "synthetic"]
    tokens: Annotated[int, Field(ge=0, le=10**17)]
    price_per_million_tokens: CurrencyAmount
    currency: CurrencyCode = REPORTING_CURRENCY
    month: Month
    months: MonthCount = 1
    """Over which it is paid, in equal parts."""


class Spending(Document):
    """Money that goes out every month: a fixed part, and parts that follow what is sold."""

    name: ShortName
    category: Category = "general"
    currency: CurrencyCode = REPORTING_CURRENCY
    first_month: Month = 1
    last_month: Month | None = None
    amount_per_month: CurrencyAmount = Decimal(0)
    change_share_per_year: YearlyChange = Decimal(0)
    """Of the fixed part."""
    share_of_revenue: DecimalShare = Decimal(0)
    amount_per_new_customer: CurrencyAmount = Decimal(0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_month_order(self.first_month, self.last_month)
        return self


def post_data(ledger: Ledger, numbers: Numbers, data: DataCost, days: int) -> None:
    """Pay for data; it is a cost at once, as models that it goes into may never earn anything."""
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
    """Pay a kind of spending in its months; ``revenue`` and ``new_customers`` are the company's."""
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

"""Monthly sales of each revenue line: invoices, tokens served and costs of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from engine.units import MONTHS_PER_YEAR, TOKENS_PER_MILLION
from finance.books.cents import Floats, shift_later
from finance.books.ledger import Account
from finance.books.months import months_since, yearly_change_factor
from finance.books.trials import Numbers
from finance.revenue.adoption import AdoptionNumbers, adoption_numbers
from finance.revenue.customers import Customers, customers, customers_by_tenure, yearly_contracts
from finance.revenue.lines import (
    ApiTokens,
    DataDeals,
    Enterprise,
    Grants,
    HostedOpenWeights,
    OnPremise,
    Revenue,
    RevenueLine,
    Services,
    Subscription,
    TokenSales,
)
from finance.revenue.prices import price_factors
from finance.revenue.retention import RetentionNumbers, retention_numbers
from finance.revenue.tokens import TokenCounts, tokens_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices:
    """Invoices of a line in each month."""

    usd: Floats
    """Amount invoiced in each month, in USD. Shape (1 or trials, months)."""
    months: int = 1
    """Number of months that an invoice covers, from its own month on."""
    income: Account = Account.RECURRING_REVENUE
    customers: Customers | None = None
    """Customers who pay the invoices regularly; None for revenue that does not recur."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """Sales of a line in each month. Shapes (1 or trials, months)."""

    invoices: tuple[Invoices, ...]
    paid_tokens: TokenCounts | None = None
    free_tokens: TokenCounts | None = None
    free_users: Floats | None = None
    delivery_usd: Floats | None = None
    """Costs of delivery other than inference, in USD."""
    hosted_tokens: TokenCounts | None = None
    """Tokens served by models other than the plan's."""
    hosting_usd: Floats | None = None
    """Cost of serving the hosted tokens in USD, before the price and speed of compute change."""


def sales_of(numbers: Numbers, line: RevenueLine, n_months: int) -> Sales:
    """Return the sales of a line in each month.

    Parameters
    ----------
    numbers
        The numbers of ``line``.
    """
    match line:
        case ApiTokens() | HostedOpenWeights():
            return _token_sales(numbers, line, n_months)
        case Subscription():
            return _subscription(numbers, line, n_months)
        case Enterprise():
            return _enterprise(numbers, line, n_months)
        case OnPremise():
            return _on_premise(numbers, line, n_months)
        case Services():
            return _services(numbers, line, n_months)
        case DataDeals():
            return _data_deals(numbers, line, n_months)
        case Grants():
            return Sales(invoices=())  # grants are no revenue; ``invoicing`` posts them
    assert_never(line)


def simple_sales(numbers: Numbers, revenue: Revenue, n_months: int) -> Sales:
    """Return the sales of the single line of a small company; all its tokens are output."""
    adoption = AdoptionNumbers(
        first=numbers("customers_at_launch"), growth=numbers("growth_share_per_month")
    )
    retention = RetentionNumbers(churn=numbers("churn_share_per_month"))
    base = customers(adoption, retention, revenue.launch_month, n_months)
    used = base.active * numbers("tokens_per_customer_month") / TOKENS_PER_MILLION
    none = np.zeros((1, n_months))
    return Sales(
        invoices=(
            Invoices(usd=base.active * numbers("price_usd_per_customer_month"), customers=base),
        ),
        paid_tokens=TokenCounts(none, none, used),
    )


def _token_sales(numbers: Numbers, line: TokenSales, n_months: int) -> Sales:
    adoption = adoption_numbers(numbers, line.adoption, line.launch_month, n_months)
    base = customers(
        adoption, retention_numbers(numbers, line.retention, n_months), line.launch_month, n_months
    )
    used = tokens_used(numbers, "usage", base.active, line.launch_month, n_months)
    list_usd = used.weighted_sum(
        numbers.usd("price_per_million_input_tokens"),
        numbers.usd("price_per_million_cached_tokens"),
        numbers.usd("price_per_million_output_tokens"),
    )
    usd = list_usd * price_factors(numbers, line.prices, line.launch_month, n_months)
    invoices = (Invoices(usd=usd, customers=base),)
    if isinstance(line, HostedOpenWeights):
        hosting = used.total * numbers.usd("cost_per_million_tokens")
        return Sales(invoices=invoices, hosted_tokens=used, hosting_usd=hosting)
    return Sales(invoices=invoices, paid_tokens=used)


def _subscription(numbers: Numbers, line: Subscription, n_months: int) -> Sales:
    """Return the sales of a subscription, whose free users convert, leave or stay.

    Each plan has its share of the converting users. Subscribers who pay by the year leave only at
    the end of a year; after twelve months, the same share remains as of those who pay by the month.
    """
    converting = numbers("conversion_share_per_month")
    adoption = adoption_numbers(numbers, line.adoption, line.launch_month, n_months)
    free_retention = RetentionNumbers(churn=numbers("free_churn_share_per_month") + converting)
    free = customers(adoption, free_retention, line.launch_month, n_months)
    converted = shift_later(free.active, 1) * converting
    factors = price_factors(numbers, line.prices, line.launch_month, n_months)
    remaining = retention_numbers(numbers, line.retention, n_months).survival(n_months)
    invoices, used = [], []
    for number in range(len(line.plans)):
        path = f"plans.{number}"
        joined = converted * numbers(f"{path}.share")
        price = numbers.usd(f"{path}.price_per_month") * factors
        by_year = numbers(f"{path}.yearly_share")
        by_month = customers_by_tenure(joined * (1 - by_year), remaining)
        active = by_month.active
        invoices.append(Invoices(usd=active * price, customers=by_month))
        if by_year.any():
            base, invoiced = yearly_contracts(
                joined * by_year, remaining[:, ::MONTHS_PER_YEAR], np.zeros((1, 1)), MONTHS_PER_YEAR
            )
            price = price * MONTHS_PER_YEAR * (1 - numbers(f"{path}.yearly_discount_share"))
            invoices.append(Invoices(usd=invoiced * price, months=MONTHS_PER_YEAR, customers=base))
            active = active + base.active
        used.append(tokens_used(numbers, f"{path}.usage", active, line.launch_month, n_months))
    return Sales(
        invoices=tuple(invoices),
        paid_tokens=sum(used[1:], used[0]),
        free_tokens=tokens_used(numbers, "free_usage", free.active, line.launch_month, n_months),
        free_users=free.active,
    )


def _enterprise(numbers: Numbers, line: Enterprise, n_months: int) -> Sales:
    signed = _new_contracts(numbers, line, n_months)
    base, invoiced = yearly_contracts(
        signed,
        _renewed_shares(numbers, n_months),
        numbers.fixed("uplift_share_at_renewal"),
        line.months_invoiced,
    )
    invoices = Invoices(
        usd=invoiced * numbers.usd("price_per_year"), months=line.months_invoiced, customers=base
    )
    used = tokens_used(numbers, "usage", base.active, line.launch_month, n_months)
    return Sales(invoices=(invoices,), paid_tokens=used)


def _on_premise(numbers: Numbers, line: OnPremise, n_months: int) -> Sales:
    delivered = _new_contracts(numbers, line, n_months)
    base, invoiced = yearly_contracts(
        delivered, _renewed_shares(numbers, n_months), np.zeros((1, 1)), MONTHS_PER_YEAR
    )
    licence = numbers.usd("licence_price")
    return Sales(
        invoices=(
            Invoices(usd=delivered * licence, income=Account.OTHER_REVENUE),
            Invoices(
                usd=invoiced * licence * numbers("support_share_per_year"),
                months=MONTHS_PER_YEAR,
                customers=base,
            ),
        ),
        delivery_usd=delivered * numbers.usd("delivery_cost"),
    )


def _new_contracts(numbers: Numbers, line: Enterprise | OnPremise, n_months: int) -> Floats:
    """Return new contracts; growth applies to all contracts that were ever signed."""
    adoption = adoption_numbers(numbers, line.adoption, line.launch_month, n_months)
    no_churn = RetentionNumbers(churn=np.zeros((1, 1)))
    return customers(adoption, no_churn, line.launch_month, n_months).new


def _renewed_shares(numbers: Numbers, n_months: int) -> Floats:
    """Return the share of contracts that is active in each year. Shape (trials, years)."""
    years = np.arange(-(-n_months // MONTHS_PER_YEAR))
    renewed: Floats = numbers.fixed("renewal_share") ** years
    return renewed


def _services(numbers: Numbers, line: Services, n_months: int) -> Sales:
    since = months_since(line.launch_month, n_months)
    grown = yearly_change_factor(numbers("change_share_per_year"), since) * (since >= 0)
    usd = numbers("days_per_month") * numbers.usd("price_per_day") * grown
    return Sales(
        invoices=(Invoices(usd=usd, income=Account.OTHER_REVENUE),),
        delivery_usd=usd * numbers("delivery_cost_share"),
    )


def _data_deals(numbers: Numbers, line: DataDeals, n_months: int) -> Sales:
    invoices = []
    delivery = np.zeros((1, n_months))
    for number, deal in enumerate(line.deals):
        since = months_since(deal.month, n_months)
        amount = numbers.usd(f"deals.{number}.amount")
        invoices.append(
            Invoices(usd=amount * (since == 0), months=deal.months, income=Account.OTHER_REVENUE)
        )
        earned = (since >= 0) & (since < deal.months)
        delivery = delivery + amount / deal.months * earned * numbers("delivery_cost_share")
    return Sales(invoices=tuple(invoices), delivery_usd=delivery)

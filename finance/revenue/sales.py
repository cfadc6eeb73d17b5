"""What each line sells, month by month: invoices, tokens served, and what delivering it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from engine.units import MONTHS_PER_YEAR, TOKENS_PER_MILLION
from finance.books.cents import Floats, later
from finance.books.ledger import Account
from finance.books.months import months_since, yearly_change
from finance.books.trials import Numbers
from finance.revenue.adoption import Coming, coming
from finance.revenue.customers import Customers, by_contract, customers, who_stay
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
from finance.revenue.retention import Staying, staying
from finance.revenue.tokens import TokenCounts, tokens_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices:
    """What is invoiced in each month, for so many months of which the first is its own."""

    usd: Floats
    """Shape (1 or trials, months)."""
    months: int = 1
    income: Account = Account.RECURRING_REVENUE
    customers: Customers | None = None
    """Who pay it again and again; None for what does not recur."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """One line in all its months; arrays of shape (1 or trials, months)."""

    invoices: tuple[Invoices, ...]
    paid_tokens: TokenCounts | None = None
    free_tokens: TokenCounts | None = None
    free_users: Floats | None = None
    delivery_usd: Floats | None = None
    """What delivering it takes besides inference."""
    hosted_tokens: TokenCounts | None = None
    """Of other models than the plan's."""
    hosting_usd: Floats | None = None
    """Serving these, before compute gets cheaper."""


def sales_of(at: Numbers, line: RevenueLine, n_months: int) -> Sales:
    """What a line sells in each month. ``at`` gives the line's numbers."""
    match line:
        case ApiTokens() | HostedOpenWeights():
            return _by_the_token(at, line, n_months)
        case Subscription():
            return _subscription(at, line, n_months)
        case Enterprise():
            return _enterprise(at, line, n_months)
        case OnPremise():
            return _on_premise(at, line, n_months)
        case Services():
            return _services(at, line, n_months)
        case DataDeals():
            return _data_deals(at, line, n_months)
        case Grants():
            return Sales(invoices=())  # no revenue; see ``invoicing``
    assert_never(line)


def simple_sales(at: Numbers, revenue: Revenue, n_months: int) -> Sales:
    """The one line of a small company; its tokens are those of answers."""
    come = Coming(first=at("customers_at_launch"), growth=at("growth_share_per_month"))
    stay = Staying(churn=at("churn_share_per_month"))
    base = customers(come, stay, revenue.launch_month, n_months)
    used = base.active * at("tokens_per_customer_month") / TOKENS_PER_MILLION
    none = np.zeros((1, n_months))
    return Sales(
        invoices=(Invoices(usd=base.active * at("price_usd_per_customer_month"), customers=base),),
        paid_tokens=TokenCounts(none, none, used),
    )


def _by_the_token(at: Numbers, line: TokenSales, n_months: int) -> Sales:
    come = coming(at, line.adoption, line.launch_month, n_months)
    base = customers(come, staying(at, line.retention, n_months), line.launch_month, n_months)
    used = tokens_used(at, "usage", base.active, line.launch_month, n_months)
    list_usd = used.times(
        at.usd("price_per_million_input_tokens"),
        at.usd("price_per_million_cached_tokens"),
        at.usd("price_per_million_output_tokens"),
    )
    usd = list_usd * price_factors(at, line.prices, line.launch_month, n_months)
    invoices = (Invoices(usd=usd, customers=base),)
    if isinstance(line, HostedOpenWeights):
        hosting = used.total * at.usd("cost_per_million_tokens")
        return Sales(invoices=invoices, hosted_tokens=used, hosting_usd=hosting)
    return Sales(invoices=invoices, paid_tokens=used)


def _subscription(at: Numbers, line: Subscription, n_months: int) -> Sales:
    """Free users convert, leave or stay; of those who convert each plan has its share.

    Who pays by the year can leave at the end of one only: after twelve months as many are left
    as of those who pay by the month.
    """
    converting = at("conversion_share_per_month")
    come = coming(at, line.adoption, line.launch_month, n_months)
    gone = Staying(churn=at("free_churn_share_per_month") + converting)
    free = customers(come, gone, line.launch_month, n_months)
    converted = later(free.active, 1) * converting
    factors = price_factors(at, line.prices, line.launch_month, n_months)
    left = staying(at, line.retention, n_months).survival(n_months)
    invoices, used = [], []
    for number in range(len(line.plans)):
        here = f"plans.{number}"
        joined = converted * at(f"{here}.share")
        price = at.usd(f"{here}.price_per_month") * factors
        by_year = at(f"{here}.yearly_share")
        by_month = who_stay(joined * (1 - by_year), left)
        active = by_month.active
        invoices.append(Invoices(usd=active * price, customers=by_month))
        if by_year.any():
            base, invoiced = by_contract(
                joined * by_year, left[:, ::MONTHS_PER_YEAR], np.zeros((1, 1)), MONTHS_PER_YEAR
            )
            price = price * MONTHS_PER_YEAR * (1 - at(f"{here}.yearly_discount_share"))
            invoices.append(Invoices(usd=invoiced * price, months=MONTHS_PER_YEAR, customers=base))
            active = active + base.active
        used.append(tokens_used(at, f"{here}.usage", active, line.launch_month, n_months))
    return Sales(
        invoices=tuple(invoices),
        paid_tokens=sum(used[1:], used[0]),
        free_tokens=tokens_used(at, "free_usage", free.active, line.launch_month, n_months),
        free_users=free.active,
    )


def _enterprise(at: Numbers, line: Enterprise, n_months: int) -> Sales:
    signed = _signed(at, line, n_months)
    base, invoiced = by_contract(
        signed, _renewed(at, n_months), at.fixed("uplift_share_at_renewal"), line.months_invoiced
    )
    invoices = Invoices(
        usd=invoiced * at.usd("price_per_year"), months=line.months_invoiced, customers=base
    )
    used = tokens_used(at, "usage", base.active, line.launch_month, n_months)
    return Sales(invoices=(invoices,), paid_tokens=used)


def _on_premise(at: Numbers, line: OnPremise, n_months: int) -> Sales:
    delivered = _signed(at, line, n_months)
    base, invoiced = by_contract(
        delivered, _renewed(at, n_months), np.zeros((1, 1)), MONTHS_PER_YEAR
    )
    licence = at.usd("licence_price")
    return Sales(
        invoices=(
            Invoices(usd=delivered * licence, income=Account.OTHER_REVENUE),
            Invoices(
                usd=invoiced * licence * at("support_share_per_year"),
                months=MONTHS_PER_YEAR,
                customers=base,
            ),
        ),
        delivery_usd=delivered * at.usd("delivery_cost"),
    )


def _signed(at: Numbers, line: Enterprise | OnPremise, n_months: int) -> Floats:
    """New contracts: growth is that of all that were ever signed."""
    come = coming(at, line.adoption, line.launch_month, n_months)
    nobody_leaves = Staying(churn=np.zeros((1, 1)))
    return customers(come, nobody_leaves, line.launch_month, n_months).new


def _renewed(at: Numbers, n_months: int) -> Floats:
    """Shares of contracts in their first year, second year, …: (trials, years)."""
    years = np.arange(-(-n_months // MONTHS_PER_YEAR))
    renewed: Floats = at.fixed("renewal_share") ** years
    return renewed


def _services(at: Numbers, line: Services, n_months: int) -> Sales:
    since = months_since(line.launch_month, n_months)
    grown = yearly_change(at("change_share_per_year"), since) * (since >= 0)
    usd = at("days_per_month") * at.usd("price_per_day") * grown
    return Sales(
        invoices=(Invoices(usd=usd, income=Account.OTHER_REVENUE),),
        delivery_usd=usd * at("delivery_cost_share"),
    )


def _data_deals(at: Numbers, line: DataDeals, n_months: int) -> Sales:
    invoices = []
    delivery = np.zeros((1, n_months))
    for number, deal in enumerate(line.deals):
        since = months_since(deal.month, n_months)
        amount = at.usd(f"deals.{number}.amount")
        invoices.append(
            Invoices(usd=amount * (since == 0), months=deal.months, income=Account.OTHER_REVENUE)
        )
        earned = (since >= 0) & (since < deal.months)
        delivery = delivery + amount / deal.months * earned * at("delivery_cost_share")
    return Sales(invoices=tuple(invoices), delivery_usd=delivery)

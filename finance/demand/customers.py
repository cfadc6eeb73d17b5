"""Lifetime value and acquisition cost of customers, and retention of revenue.

The definitions follow D. Skok, "SaaS Metrics 2.0" (forentrepreneurs.com). Rates are shares of one
period, a month or a year, the same throughout a call. A figure is None where it has no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from finance.numbers import checks
from finance.numbers.kinds import Number
from finance.numbers.ratios import ratio


def lifetime(churn_share: Number) -> Number | None:
    """Return the mean lifetime in periods if churn is constant: 1 ÷ churn.

    It is None without churn. If churn falls with tenure, the result is too short; see
    :mod:`finance.demand.retention`.
    """
    checks.share("churn_share", churn_share)
    return ratio(1 + 0 * churn_share, churn_share)


def lifetime_value(
    revenue_usd: Number,
    gross_margin: Number,
    churn_share: Number,
    *,
    expansion_usd: Number | None = None,
) -> Number | None:
    """Return the gross profit from a customer: revenue × margin ÷ churn (Skok).

    Parameters
    ----------
    revenue_usd
        Revenue of one customer in a period.
    expansion_usd
        Growth of a customer's revenue in each period; it adds growth × margin ÷ churn².
    """
    checks.amount("revenue_usd", revenue_usd)
    checks.share("churn_share", churn_share)
    flat = ratio(revenue_usd * gross_margin, churn_share)
    if expansion_usd is None or flat is None:
        return flat
    return flat + expansion_usd * gross_margin / churn_share**2


def discounted_lifetime_value(
    revenue_usd: Number, gross_margin: Number, churn_share: Number, discount_rate: Number
) -> Number | None:
    """Return the discounted gross profit from a customer, whose first payment is now.

    Σ revenue × margin × ((1 − churn) ÷ (1 + d))^t = revenue × margin × (1 + d) ÷ (d + churn)
    (Gupta and Lehmann, "Customers as assets", Journal of Interactive Marketing 17, 2003).
    """
    checks.amount("revenue_usd", revenue_usd)
    checks.share("churn_share", churn_share)
    checks.at_least("discount_rate", discount_rate, 0)
    paid_now = revenue_usd * gross_margin * (1 + discount_rate)
    return ratio(paid_now, discount_rate + churn_share)


def acquisition_cost(sales_marketing_usd: Number, new_customers: Number) -> Number | None:
    """Return sales and marketing ÷ new customers (CAC); None without new customers."""
    checks.amount("sales_marketing_usd", sales_marketing_usd)
    checks.at_least("new_customers", new_customers, 0)
    return ratio(sales_marketing_usd, new_customers)


def payback_periods(
    acquisition_usd: Number, revenue_usd: Number, gross_margin: Number
) -> Number | None:
    """Return the periods until the gross profit of a customer equals its acquisition cost.

    The result is None without gross profit.
    """
    checks.amount("acquisition_usd", acquisition_usd)
    profit = revenue_usd * gross_margin
    return acquisition_usd / profit if profit > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueRetention(Generic[Number]):
    """Recurring revenue of a cohort at the end of a period ÷ that at its start."""

    net: Number | None
    """Net retention (NRR), with expansion; above 1 the revenue of the cohort grows."""
    gross: Number | None
    """Gross retention (GRR), without expansion; at most 1."""


def revenue_retention(
    start_usd: Number, *, expansion_usd: Number, contraction_usd: Number, churned_usd: Number
) -> RevenueRetention[Number]:
    """Return net and gross revenue retention of one cohort over one period."""
    for field, usd in (
        ("start_usd", start_usd),
        ("expansion_usd", expansion_usd),
        ("contraction_usd", contraction_usd),
        ("churned_usd", churned_usd),
    ):
        checks.amount(field, usd)
    checks.within("lost_usd", contraction_usd + churned_usd, 0, start_usd)
    kept = start_usd - contraction_usd - churned_usd
    return RevenueRetention(
        net=ratio(kept + expansion_usd, start_usd), gross=ratio(kept, start_usd)
    )

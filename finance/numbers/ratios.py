"""Ratios by which investors judge a company, from plain numbers: burn, growth, margins.

A ratio is None where it has no meaning, such as a margin without revenue.
:mod:`finance.metrics` computes them from the months of a company.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic

from finance.numbers import checks
from finance.numbers.kinds import Number


def runway_at_burn(cash_usd: Number, net_burn_usd: Number, over_months: Number) -> Number | None:
    """Return the months that the cash lasts if burn continues as in ``over_months``.

    Past burn gives the trailing runway, planned burn the planned runway; callers should state
    which. The result is None if there is no burn.
    """
    checks.above("over_months", over_months, 0)
    return cash_usd * over_months / net_burn_usd if net_burn_usd > 0 else None


def months_until_negative(opening: Number, balances: Iterable[Number]) -> Number | None:
    """Return the months until a balance turns negative; None if every balance is 0 or more.

    ``balances`` are those at the ends of the months. The month in which the balance turns negative
    counts in part, as if it fell evenly.
    """
    before = opening
    for months, balance in enumerate(balances):
        if balance < 0:
            return months + before / (before - balance)
        before = balance
    return None


def burn_multiple(net_burn_usd: Number, net_new_arr_usd: Number) -> Number | None:
    """Return the USD burnt for each USD of new annual recurring revenue (Sacks 2020).

    The result is None if there is no new revenue or no burn.
    """
    return net_burn_usd / net_new_arr_usd if net_new_arr_usd > 0 and net_burn_usd > 0 else None


def magic_number(
    revenue_usd: Number, revenue_before_usd: Number, sales_marketing_before_usd: Number
) -> Number | None:
    """Return the yearly revenue won for each USD of sales and marketing.

    It is four times the growth of a quarter's revenue ÷ the sales and marketing of the quarter
    before (Scale Venture Partners 2008), or None if there was no such spending.
    """
    checks.amount("sales_marketing_before_usd", sales_marketing_before_usd)
    if sales_marketing_before_usd == 0:
        return None
    return 4 * (revenue_usd - revenue_before_usd) / sales_marketing_before_usd


def rule_of_40(growth_share: Number, profit_margin_share: Number) -> Number:
    """Return the sum of yearly growth and profit margin; 0.4 is healthy (Feld 2015)."""
    return growth_share + profit_margin_share


def ratio(part: Number, whole: Number) -> Number | None:
    """Return ``part`` ÷ ``whole``, or None if ``whole`` is 0."""
    return part / whole if whole != 0 else None


def gross_margin(revenue_usd: Number, cost_usd: Number) -> Number | None:
    """Return revenue less the cost of its delivery, as a share of revenue."""
    return ratio(revenue_usd - cost_usd, revenue_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrossMargins(Generic[Number]):
    """Gross margins by three definitions of the cost of revenue, all of which labs report."""

    paid_inference: Number | None
    """Margin with only the compute that serves paying users as cost."""
    with_free_users: Number | None
    """Margin with the compute that serves free users as a further cost."""
    with_training: Number | None
    """Margin with training as a further cost, as if models were used up by their revenue."""


def gross_margins(
    revenue_usd: Number, *, paid_usd: Number, free_usd: Number, training_usd: Number
) -> GrossMargins[Number]:
    """Return the gross margin of the same months by all three definitions."""
    return GrossMargins(
        paid_inference=gross_margin(revenue_usd, paid_usd),
        with_free_users=gross_margin(revenue_usd, paid_usd + free_usd),
        with_training=gross_margin(revenue_usd, paid_usd + free_usd + training_usd),
    )

"""Ratios that investors judge a company by, of plain numbers: burn, growth, margins.

A ratio is None where it has no meaning, such as over no revenue at all. ``metrics`` takes them
from a company's months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from finance.numbers import checks
from finance.numbers.kinds import Number


def runway_at_burn(cash_usd: Number, net_burn_usd: Number, over_months: Number) -> Number | None:
    """Months that the cash lasts if burn goes on as in ``over_months``.

    With the burn of the months past it is the trailing runway, with the burn that is planned
    for the months to come a planned one: say which. None if nothing is burnt.
    """
    checks.above("over_months", over_months, 0)
    return cash_usd * over_months / net_burn_usd if net_burn_usd > 0 else None


def burn_multiple(net_burn_usd: Number, net_new_arr_usd: Number) -> Number | None:
    """USD burnt for each USD of annual recurring revenue won (Sacks 2020).

    None where none was won, or nothing was burnt: the figure has no meaning then.
    """
    return net_burn_usd / net_new_arr_usd if net_new_arr_usd > 0 and net_burn_usd > 0 else None


def magic_number(
    revenue_usd: Number, revenue_before_usd: Number, sales_marketing_before_usd: Number
) -> Number | None:
    """Revenue won in a year for each USD of sales and marketing (Scale Venture Partners 2008).

    Four times what a quarter's revenue grew by, over the sales and marketing of the quarter
    before. None if there was no such spending.
    """
    checks.amount("sales_marketing_before_usd", sales_marketing_before_usd)
    if sales_marketing_before_usd == 0:
        return None
    return 4 * (revenue_usd - revenue_before_usd) / sales_marketing_before_usd


def rule_of_40(growth_share: Number, profit_margin_share: Number) -> Number:
    """Growth of a year and profit margin together; 0.4 is healthy (Feld 2015)."""
    return growth_share + profit_margin_share


def ratio(part: Number, whole: Number) -> Number | None:
    """``part`` ÷ ``whole``; None over nothing."""
    return part / whole if whole != 0 else None


def gross_margin(revenue_usd: Number, cost_usd: Number) -> Number | None:
    """What revenue leaves after the cost of delivering it, as a share of it."""
    return ratio(revenue_usd - cost_usd, revenue_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrossMargins(Generic[Number]):
    """One revenue, three answers to what its cost is; labs report any of them."""

    paid_inference: Number | None
    """Only the compute that serves those who pay."""
    with_free_users: Number | None
    """Also the compute that serves those who do not."""
    with_training: Number | None
    """Also training, as if models were used up by what they earn."""


def gross_margins(
    revenue_usd: Number, *, paid_usd: Number, free_usd: Number, training_usd: Number
) -> GrossMargins[Number]:
    """The three views of the gross margin on the same months."""
    return GrossMargins(
        paid_inference=gross_margin(revenue_usd, paid_usd),
        with_free_users=gross_margin(revenue_usd, paid_usd + free_usd),
        with_training=gross_margin(revenue_usd, paid_usd + free_usd + training_usd),
    )

"""What investors ask first, from a company's months: runway, burn multiple, dilution.

``ratios`` has those that need plain numbers only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finance.company.cashflow import CashMonth
from finance.numbers.money import ZERO
from finance.numbers.ratios import burn_multiple
from finance.treasury.raising import EquityRound


def runway_months(months: Sequence[CashMonth], opening_cash_usd: Decimal) -> Decimal | None:
    """Months until the cash is gone, as planned; None if it lasts beyond the last month.

    The month in which the balance turns negative counts in part: burn is taken as even within
    it. This is the planned runway, with the costs and the revenue of each month to come, not
    today's cash over today's burn.
    """
    before = opening_cash_usd
    for month in months:
        if month.cash_usd < 0:
            return month.month - 1 + before / (before - month.cash_usd)
        before = month.cash_usd
    return None


def burn_multiple_of(months: Sequence[CashMonth]) -> Decimal | None:
    """The burn multiple from the end of the first of ``months`` to the end of the last."""
    won = months[-1].arr_usd - months[0].arr_usd
    burnt = sum((month.net_burn_usd for month in months[1:]), ZERO)
    return burn_multiple(burnt, won)


def new_investors_share(equity_round: EquityRound | None) -> Decimal:
    """Share of the company that the round sells: amount ÷ (pre-money + amount)."""
    if equity_round is None:
        return ZERO
    return equity_round.amount_usd / (equity_round.pre_money_usd + equity_round.amount_usd)

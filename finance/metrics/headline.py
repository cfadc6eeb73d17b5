"""Headline figures from a company's months: runway, burn multiple, dilution.

:mod:`finance.numbers.ratios` has the formulas on plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from finance.company.cashflow import CashMonth
from finance.numbers.money import ZERO
from finance.numbers.ratios import burn_multiple, months_until_negative
from finance.treasury.raising import EquityRound


def runway_months(months: Sequence[CashMonth], opening_cash_usd: Decimal) -> Decimal | None:
    """Return the months until cash runs out, or None if it lasts beyond the last of ``months``.

    The result counts from the start of month 1 of the company, even if ``months`` begin later.
    The month in which the balance turns negative counts in part, as if its burn were even. This
    planned runway uses the costs and revenue of each future month, unlike today's cash ÷ today's
    burn.
    """
    lasted = months_until_negative(opening_cash_usd, (month.cash_usd for month in months))
    return None if lasted is None else months[0].month - 1 + lasted


def burn_multiple_of(months: Sequence[CashMonth]) -> Decimal | None:
    """Return the burn multiple from the end of the first of ``months`` to the end of the last."""
    net_new_arr = months[-1].arr_usd - months[0].arr_usd
    net_burn = sum((month.net_burn_usd for month in months[1:]), ZERO)
    return burn_multiple(net_burn, net_new_arr)


def new_investors_share(equity_round: EquityRound | None) -> Decimal:
    """Return the share of the company that the round sells: amount ÷ (pre-money + amount)."""
    if equity_round is None:
        return ZERO
    return equity_round.amount_usd / (equity_round.pre_money_usd + equity_round.amount_usd)

"""The smallest raise of the session's draft, kept until what it depends on changes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from engine.forecast import Forecast
from finance.company.scenario import Scenario
from finance.funding.raises import (
    CashWithRaises,
    RaiseNeeded,
    RaiseResult,
    raise_for_goal,
    raise_results,
)
from finance.metrics.projection import Projection


@dataclass(frozen=True, slots=True)
class Needed:
    """The smallest raises for the goal of a company, without and with its buffer."""

    bare: RaiseNeeded
    buffered: RaiseNeeded


def needed(now: Projection) -> Needed:
    """Return the smallest raises for the goal of a projection's company."""
    return _needed_of(now.scenario.content_hash, now.scenario, now.forecast)


@st.cache_data(max_entries=100, show_spinner=False)
def _needed_of(content_hash: str, _scenario: Scenario, _predicted: Forecast) -> Needed:
    cash = CashWithRaises.of(_scenario, _predicted)
    return Needed(
        bare=raise_for_goal(cash, buffer_months=Decimal(0), with_minimum=False),
        buffered=raise_for_goal(cash),
    )


@dataclass(frozen=True, slots=True)
class Tried:
    """Results of rounds that the page shows, with the cash without and with the chosen one."""

    chosen: RaiseResult
    grid: list[list[RaiseResult]]
    """Results of the amounts of the table, each at its valuations."""
    balances_cents: list[int]
    """Balance at the end of each month with the chosen raise."""


def tried(
    now: Projection,
    amount: Decimal,
    pre_money: Decimal,
    month: int,
    amounts: tuple[Decimal, ...],
    pre_moneys: tuple[Decimal, ...],
) -> Tried:
    """Return the results of the chosen round and of a table of amounts and valuations."""
    return _tried_of(
        now.scenario.content_hash, amount, pre_money, month, amounts, pre_moneys,
        now.scenario, now.forecast,
    )  # fmt: skip


@st.cache_data(max_entries=300, show_spinner=False)
def _tried_of(
    content_hash: str,
    amount: Decimal,
    pre_money: Decimal,
    month: int,
    amounts: tuple[Decimal, ...],
    pre_moneys: tuple[Decimal, ...],
    _scenario: Scenario,
    _predicted: Forecast,
) -> Tried:
    cash = CashWithRaises.of(_scenario, _predicted)
    balances = cash.balances([int(amount * 100)], month)[0]
    return Tried(
        chosen=raise_results(cash, [amount], [pre_money], month)[0][0],
        grid=raise_results(cash, amounts, pre_moneys, month),
        balances_cents=[int(cents) for cents in balances],
    )

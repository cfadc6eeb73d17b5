"""The smallest raise of the session's draft, kept until what it depends on changes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from engine.forecast import Forecast
from finance.books.cents import decimal_to_cents
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
    """A round that the page tries, and the cash with it."""

    result: RaiseResult
    balances_cents: list[int]
    """Balance at the end of each month with the raise."""


def tried(now: Projection, amount: Decimal, pre_money: Decimal, month: int) -> Tried:
    """Return the results of a round."""
    return _tried_of(
        now.scenario.content_hash, amount, pre_money, month, now.scenario, now.forecast
    )


@st.cache_data(max_entries=300, show_spinner=False)
def _tried_of(
    content_hash: str,
    amount: Decimal,
    pre_money: Decimal,
    month: int,
    _scenario: Scenario,
    _predicted: Forecast,
) -> Tried:
    cash = CashWithRaises.of(_scenario, _predicted)
    balances = cash.balances([decimal_to_cents(amount)], month)[0]
    return Tried(
        result=raise_results(cash, [amount], [pre_money], month)[0][0],
        balances_cents=[int(cents) for cents in balances],
    )


def table_of_rounds(
    now: Projection,
    amounts: tuple[Decimal, ...],
    pre_moneys: tuple[Decimal, ...],
    month: int,
) -> list[list[RaiseResult]]:
    """Return the results of several amounts, each at several valuations."""
    return _table_of(
        now.scenario.content_hash, amounts, pre_moneys, month, now.scenario, now.forecast
    )


@st.cache_data(max_entries=100, show_spinner=False)
def _table_of(
    content_hash: str,
    amounts: tuple[Decimal, ...],
    pre_moneys: tuple[Decimal, ...],
    month: int,
    _scenario: Scenario,
    _predicted: Forecast,
) -> list[list[RaiseResult]]:
    return raise_results(CashWithRaises.of(_scenario, _predicted), amounts, pre_moneys, month)

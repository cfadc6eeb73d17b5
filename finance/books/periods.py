"""Months aggregated into quarters and years of the calendar."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from finance.books.cents import Cents, cents_to_usd
from finance.books.months import date_of_month
from finance.books.statements import Statement
from finance.books.trials import one_trial

PeriodLength = Literal["year", "quarter", "month"]


@dataclass(frozen=True, slots=True)
class Period:
    """Consecutive months of one year, quarter or month."""

    name: str
    """Label such as 2027, 2027-Q3 or 2027-08."""
    first_month: int
    last_month: int


def periods(first_month: datetime.date, n_months: int, length: PeriodLength) -> list[Period]:
    """Return the periods of a company; the first and the last may be incomplete."""

    def name(month: int) -> str:
        date = date_of_month(first_month, month)
        if length == "year":
            return f"{date.year}"
        if length == "quarter":
            return f"{date.year}-Q{(date.month + 2) // 3}"
        return f"{date.year}-{date.month:02}"

    return [
        Period(label, months[0], months[-1])
        for label, group in groupby(range(1, n_months + 1), name)
        for months in [list(group)]
    ]


def statement_by_period(
    statement: Statement, chosen: list[Period], *, balances: bool, trial: int = 0
) -> dict[str, list[Decimal]]:
    """Return a statement's lines in USD, by name, with one amount for each period.

    An amount is the sum over the months of the period, or with ``balances`` the balance at the end
    of the period.
    """
    return {
        str(name): [_amount(one_trial(cents, trial), period, balances) for period in chosen]
        for name, cents in statement.items()
    }


def _amount(row: Cents, period: Period, balances: bool) -> Decimal:
    if balances:
        return cents_to_usd(row[period.last_month - 1])
    return cents_to_usd(row[period.first_month - 1 : period.last_month].sum())

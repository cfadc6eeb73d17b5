"""Months drawn together to quarters and years of the calendar."""

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
    """Months in a row that have one name: 2027, 2027-Q3, 2027-08."""

    name: str
    first_month: int
    last_month: int


def periods(first_month: datetime.date, n_months: int, length: PeriodLength) -> list[Period]:
    """The periods of a company; its first and last may be short of months."""

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
    """A statement's lines in USD: what the months of each period come to, or with ``balances``
    what there is at its end."""
    return {
        str(name): [_amount(one_trial(cents, trial), period, balances) for period in chosen]
        for name, cents in statement.items()
    }


def _amount(row: Cents, period: Period, balances: bool) -> Decimal:
    if balances:
        return cents_to_usd(row[period.last_month - 1])
    return cents_to_usd(row[period.first_month - 1 : period.last_month].sum())

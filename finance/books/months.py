"""Months of a company, counted from its first, which is 1."""

from __future__ import annotations

import datetime
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from engine.documents import InputError
from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Floats

MIN_HORIZON_MONTHS = 12
MAX_MONTHS = 120

Month = Annotated[int, Field(ge=1, le=MAX_MONTHS)]
"""What lies beyond a company's horizon does not happen in it."""
MonthCount = Annotated[int, Field(ge=1, le=MAX_MONTHS)]


def require_month_order(first: int, last: int | None, field: str = "last_month") -> None:
    """Refuse a last month before the first."""
    if last is not None and last < first:
        raise InputError(field, last, "greater_than_equal", limit=first)


def date_of_month(first: datetime.date, month: int) -> datetime.date:
    """The first day of ``month``; ``first`` is that of month 1."""
    years, rest = divmod(first.month - 1 + month - 1, MONTHS_PER_YEAR)
    return first.replace(year=first.year + years, month=rest + 1)


def month_of_date(first: datetime.date, day: datetime.date) -> int:
    """The month that a day lies in, from 1; below it before ``first``, which is that of month 1."""
    return MONTHS_PER_YEAR * (day.year - first.year) + day.month - first.month + 1


def months_since(first: int, n_months: int) -> Floats:
    """Whole months since ``first``, below nothing before it. Shape (1, n_months)."""
    return np.arange(1 - first, n_months + 1 - first, dtype=np.float64)[np.newaxis]


def is_active_month(first: int, last: int | None, n_months: int) -> npt.NDArray[np.bool_]:
    """Which months lie from ``first`` to ``last``, to the end where that is None: (1, n_months)."""
    month = np.arange(1, n_months + 1)[np.newaxis]
    return (month >= first) & (month <= (n_months if last is None else last))


def yearly_change_factor(share_per_year: Floats, months: Floats) -> Floats:
    """What a price has become after so many months at a change of so much a year.

    Steady within the year: (1 + share)^(months/12); 1 before month 0.
    """
    change: Floats = (1.0 + share_per_year) ** (np.maximum(months, 0.0) / MONTHS_PER_YEAR)
    return change

"""Months of a company, counted from 1, its first month."""

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
"""Month of a company; events in months beyond the company's horizon are ignored."""
MonthCount = Annotated[int, Field(ge=1, le=MAX_MONTHS)]


def require_month_order(first: int, last: int | None, field: str = "last_month") -> None:
    """Raise ``InputError`` for ``field`` if the last month precedes the first."""
    if last is not None and last < first:
        raise InputError(field, last, "greater_than_equal", limit=first)


def date_of_month(first: datetime.date, month: int) -> datetime.date:
    """Return the first day of ``month``; ``first`` is the first day of month 1."""
    years, rest = divmod(first.month - 1 + month - 1, MONTHS_PER_YEAR)
    return first.replace(year=first.year + years, month=rest + 1)


def month_of_date(first: datetime.date, day: datetime.date) -> int:
    """Return the month that contains ``day``; it is below 1 if the day precedes month 1.

    ``first`` is the first day of month 1.
    """
    return MONTHS_PER_YEAR * (day.year - first.year) + day.month - first.month + 1


def months_since(first: int, n_months: int) -> Floats:
    """Return whole months since month ``first``, negative before it. Shape (1, n_months)."""
    return np.arange(1 - first, n_months + 1 - first, dtype=np.float64)[np.newaxis]


def is_active_month(first: int, last: int | None, n_months: int) -> npt.NDArray[np.bool_]:
    """Return a mask of the months from ``first`` to ``last``. Shape (1, n_months).

    Without ``last`` all months from ``first`` on are active.
    """
    month = np.arange(1, n_months + 1)[np.newaxis]
    return (month >= first) & (month <= (n_months if last is None else last))


def yearly_change_factor(share_per_year: Floats, months: Floats) -> Floats:
    """Return the factor by which a price has changed after ``months``.

    The change compounds steadily within the year: (1 + share)^(months/12). Before month 0 the
    factor is 1.
    """
    factor: Floats = (1.0 + share_per_year) ** (np.maximum(months, 0.0) / MONTHS_PER_YEAR)
    return factor

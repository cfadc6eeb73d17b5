"""Principal and interest of a note: day counts and three ways to accrue.

Days between two dates are counted by pyxirr, after the ISDA 2006 Definitions §4.16; year
fractions stay exact.
"""

from __future__ import annotations

import calendar
import datetime
from decimal import Decimal, localcontext
from enum import StrEnum
from fractions import Fraction
from math import floor

import pyxirr

from engine.documents import InputError


class DayCount(StrEnum):
    """Conventions that turn a span of days into a fraction of a year."""

    ACT_365F = "act/365F"
    ACT_365_25 = "act/365.25"
    ACT_360 = "act/360"
    ACT_ACT = "act/act"
    """ISDA: days in leap years ÷ 366, other days ÷ 365."""
    THIRTY_360 = "30/360"
    """US bond basis."""
    THIRTY_E_360 = "30E/360"
    """Eurobond."""


_COUNTED = {
    DayCount.ACT_365F: (pyxirr.DayCount.ACT_365F, Fraction(365)),
    DayCount.ACT_365_25: (pyxirr.DayCount.ACT_365_25, Fraction("365.25")),
    DayCount.ACT_360: (pyxirr.DayCount.ACT_360, Fraction(360)),
    DayCount.THIRTY_360: (pyxirr.DayCount.THIRTY_U_360, Fraction(360)),
    DayCount.THIRTY_E_360: (pyxirr.DayCount.THIRTY_E_360, Fraction(360)),
}


class Accrual(StrEnum):
    """Ways in which interest accrues."""

    SIMPLE = "simple"
    """Interest on the principal alone."""
    COMPOUND = "compound"
    """Interest on principal and interest, ``periods_per_year`` times a year; a fraction of a
    period compounds with that exponent (Hull, Options, Futures, and Other Derivatives, ch. 4)."""
    PIK = "pik"
    """Interest added to the principal at the end of each whole period, simple in between."""


def year_fraction(start: datetime.date, end: datetime.date, basis: DayCount) -> Fraction:
    """Return the years from ``start`` to ``end``; InputError if they are out of order."""
    if end < start:
        raise InputError("date", str(end), "not_before", first=str(start))
    if basis is DayCount.ACT_ACT:
        return _by_calendar_years(start, end)
    counted, year_days = _COUNTED[basis]
    return Fraction(int(pyxirr.days_between(start, end, counted))) / year_days


def _by_calendar_years(start: datetime.date, end: datetime.date) -> Fraction:
    years = Fraction(0)
    for year in range(start.year, end.year + 1):
        first = max(start, datetime.date(year, 1, 1))
        after = min(end, datetime.date(year + 1, 1, 1))
        years += Fraction((after - first).days, 366 if calendar.isleap(year) else 365)
    return years


def accrued(
    principal: Fraction,
    rate: Fraction,
    years: Fraction,
    method: Accrual = Accrual.SIMPLE,
    periods_per_year: int = 1,
) -> Fraction:
    """Return principal and interest after ``years``.

    ``rate`` is that of a year. The result is exact, except for a compound fraction of a period,
    which is a root and has 40 digits.
    """
    if method is Accrual.SIMPLE:
        return principal * (1 + rate * years)
    per_period = 1 + rate / periods_per_year
    periods = years * periods_per_year
    whole = floor(periods)
    grown = principal * per_period**whole
    rest = periods - whole
    if method is Accrual.PIK:
        return grown * (1 + (per_period - 1) * rest)
    return grown * _power(per_period, rest)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent == 0:
        return Fraction(1)
    with localcontext(prec=40):
        as_decimals = (
            Decimal(number.numerator) / Decimal(number.denominator) for number in (base, exponent)
        )
        return Fraction(pow(*as_decimals))

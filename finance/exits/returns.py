"""Returns of an investment: multiples, rates of return and present values.

Money paid in is negative, money received positive. A rate of return is a zero of the present
value; there may be several or none, and :class:`Rates` holds all of them.
"""

from __future__ import annotations

import datetime
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
import pyxirr

from engine.documents import InputError
from finance.exits.roots import zeros
from finance.numbers import checks
from finance.numbers.kinds import Number
from finance.numbers.money import MAX_USD
from finance.numbers.ratios import ratio

LOWEST_RATE = -0.999999
"""Lowest rate of a period that is searched: a loss of all but a millionth."""
HIGHEST_RATE = 100.0
"""Highest rate of a period that is searched, 10,000%. Higher rates may solve the equation too, but
mean nothing to an investor."""
SPREADSHEET_GUESS = 0.1
"""Rate from which spreadsheets start their search."""
MAX_FLOWS = 2_000

Flow = tuple[datetime.date, float]
"""Day and amount of a payment."""
ACT_365F = pyxirr.DayCount.ACT_365F
"""Actual days ÷ 365, the day count of XIRR in spreadsheets."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of return of a period; 0.1 is 10%."""

    all: tuple[float, ...]
    """All rates from -99.9999% to 10,000%, the lowest first; empty if none solves the equation."""
    usual: float | None
    """Rate that a solver finds from a start at 10%, as spreadsheets do."""

    @property
    def ambiguous(self) -> bool:
        """Whether several rates solve the equation, so that none describes the investment."""
        return len(self.all) > 1


def irr(flows: Sequence[float]) -> Rates:
    """Return the rates of a period at which flows one period apart have a present value of 0."""
    for usd in flows:
        _check(usd)
    return _rates(enumerate(flows), pyxirr.irr(flows, silent=True))


def xirr(flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> Rates:
    """Return the rates of a year at which dated flows, in any order, have a present value of 0."""
    for _, usd in flows:
        _check(usd)
    if not flows:
        return Rates((), None)
    start = min(date for date, _ in flows)
    timed = ((pyxirr.year_fraction(start, date, day_count), usd) for date, usd in flows)
    return _rates(timed, pyxirr.xirr(flows, day_count=day_count, silent=True))


def _check(usd: float) -> None:
    checks.within("flows", usd, -MAX_USD, MAX_USD)


def _rates(flows: Iterable[tuple[float, float]], solved: float | None) -> Rates:
    at: defaultdict[float, float] = defaultdict(float)
    for time, usd in flows:
        at[time] += usd
    times = np.array(sorted(time for time, usd in at.items() if usd), np.float64)
    if len(times) > MAX_FLOWS:
        raise InputError("flows", f"{len(times)}", "too_long", limit=MAX_FLOWS)
    if not len(times):
        return Rates((), None)
    found = zeros(
        times - times[0],
        np.array([at[time] for time in times], np.float64),
        math.log1p(LOWEST_RATE),
        math.log1p(HIGHEST_RATE),
    )
    rates = tuple(math.expm1(u) for u in found)
    start = SPREADSHEET_GUESS if solved is None else solved
    return Rates(rates, min(rates, key=lambda rate: abs(rate - start), default=None))


def npv(rate: float, flows: Sequence[float], *, first_period: int = 0) -> float:
    """Return the present value of flows one period apart.

    ``first_period`` is 0 if the first flow is now, and 1 if it is a period away, as in
    spreadsheets.
    """
    checks.above("rate", rate, -1)
    checks.within("first_period", first_period, 0, 1)
    return pyxirr.npv(rate, flows, start_from_zero=first_period == 0) or 0.0


def mirr(flows: Sequence[float], *, finance_rate: float, reinvest_rate: float) -> float | None:
    """Return the modified rate of return, which is unique.

    Payments in are financed at one rate, receipts reinvested at another. It is None unless there
    are both.
    """
    checks.above("finance_rate", finance_rate, -1)
    checks.above("reinvest_rate", reinvest_rate, -1)
    return pyxirr.mirr(flows, finance_rate, reinvest_rate, silent=True)


def xnpv(rate: float, flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> float:
    """Return the value of dated flows on the day of the earliest, at a rate of a year."""
    checks.above("rate", rate, -1)
    if not flows:
        return 0.0
    return pyxirr.xnpv(rate, flows, day_count=day_count, silent=True) or 0.0


def xnfv(rate: float, flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> float:
    """Return the value of dated flows on the day of the latest, at a rate of a year."""
    checks.above("rate", rate, -1)
    if not flows:
        return 0.0
    return pyxirr.xnfv(rate, flows, day_count=day_count, silent=True) or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiples(Generic[Number]):
    """Multiples of the money paid in (Global Investment Performance Standards, glossary)."""

    dpi: Number | None
    """Distributions ÷ money paid in."""
    rvpi: Number | None
    """Residual value of the holding ÷ money paid in."""
    tvpi: Number | None
    """Sum of both; for a single investment the multiple of invested capital (MOIC)."""


def multiples(paid_in: Number, distributed: Number, value_held: Number) -> Multiples[Number]:
    """Return the multiples of the money paid in; None if nothing was paid in."""
    for field, usd in (
        ("paid_in", paid_in),
        ("distributed", distributed),
        ("value_held", value_held),
    ):
        checks.amount(field, usd)
    return Multiples(
        dpi=ratio(distributed, paid_in),
        rvpi=ratio(value_held, paid_in),
        tvpi=ratio(distributed + value_held, paid_in),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvestorReturn:
    """Payments and return of one investor."""

    paid: float
    received: float
    rates: Rates
    """Rates of return of a year (XIRR)."""

    @property
    def moic(self) -> float | None:
        """Multiple of invested capital; None if nothing was paid."""
        return ratio(self.received, self.paid)


def investor_return(flows: Sequence[Flow]) -> InvestorReturn:
    """Return the result of an investor's dated flows; payments in are negative."""
    return InvestorReturn(
        paid=math.fsum(-usd for _, usd in flows if usd < 0),
        received=math.fsum(usd for _, usd in flows if usd > 0),
        rates=xirr(flows),
    )

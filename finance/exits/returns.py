"""What an investment returned: multiples, rates of return, present values.

Money paid in is negative, money received positive. A rate of return is a zero of the present
value; there may be several or none, and :class:`Rates` holds them all.
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
"""All but a millionth lost in a period."""
HIGHEST_RATE = 100.0
"""10,000% a period: rates beyond it solve the equation too, and mean nothing to an investor."""
SPREADSHEET_GUESS = 0.1
MAX_FLOWS = 2_000

Flow = tuple[datetime.date, float]
ACT_365F = pyxirr.DayCount.ACT_365F
"""Actual days over 365, as spreadsheets count in XIRR."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of return for each period; 0.1 is 10%."""

    all: tuple[float, ...]
    """Every one from -99.9999% to 10,000%, lowest first. Empty: no rate solves it."""
    usual: float | None
    """The one of them that a solver finds which starts from 10%, as spreadsheets do."""

    @property
    def ambiguous(self) -> bool:
        """Several rates solve it, so none of them says how good the investment was."""
        return len(self.all) > 1


def irr(flows: Sequence[float]) -> Rates:
    """Rates for each period at which flows one period apart are worth nothing."""
    for usd in flows:
        _check(usd)
    return _rates(enumerate(flows), pyxirr.irr(flows, silent=True))


def xirr(flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> Rates:
    """Rates a year at which dated flows, in any order, are worth nothing."""
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
    """Present value of flows one period apart.

    ``first_period`` 0: the first flow is now; 1: it is a period away, as in spreadsheets.
    """
    checks.above("rate", rate, -1)
    checks.within("first_period", first_period, 0, 1)
    return pyxirr.npv(rate, flows, start_from_zero=first_period == 0) or 0.0


def mirr(flows: Sequence[float], *, finance_rate: float, reinvest_rate: float) -> float | None:
    """Modified rate of return: losses financed at one rate, gains reinvested at another.

    It is the only one, where :func:`irr` may have several; None unless money goes both ways.
    """
    checks.above("finance_rate", finance_rate, -1)
    checks.above("reinvest_rate", reinvest_rate, -1)
    return pyxirr.mirr(flows, finance_rate, reinvest_rate, silent=True)


def xnpv(rate: float, flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> float:
    """Value of dated flows on the day of the earliest, at a rate a year."""
    checks.above("rate", rate, -1)
    if not flows:
        return 0.0
    return pyxirr.xnpv(rate, flows, day_count=day_count, silent=True) or 0.0


def xnfv(rate: float, flows: Sequence[Flow], day_count: pyxirr.DayCount = ACT_365F) -> float:
    """Value of dated flows on the day of the latest, at a rate a year."""
    checks.above("rate", rate, -1)
    if not flows:
        return 0.0
    return pyxirr.xnfv(rate, flows, day_count=day_count, silent=True) or 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiples(Generic[Number]):
    """Money back for each USD paid in (Global Investment Performance Standards, glossary)."""

    dpi: Number | None
    """Distributed: what has come back in cash."""
    rvpi: Number | None
    """Residual: what the holding is still worth."""
    tvpi: Number | None
    """Both: of one investment its MOIC, the multiple of invested capital."""


def multiples(paid_in: Number, distributed: Number, value_held: Number) -> Multiples[Number]:
    """Multiples of money paid in; None where nothing was."""
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
    """What one investor made."""

    paid: float
    received: float
    rates: Rates
    """Rates of return a year (XIRR)."""

    @property
    def moic(self) -> float | None:
        """Multiple of invested capital; None where nothing was paid."""
        return ratio(self.received, self.paid)


def investor_return(flows: Sequence[Flow]) -> InvestorReturn:
    """Return on all of an investor's dated flows, paid ones negative."""
    return InvestorReturn(
        paid=math.fsum(-usd for _, usd in flows if usd < 0),
        received=math.fsum(usd for _, usd in flows if usd > 0),
        rates=xirr(flows),
    )

"""Bass's diffusion model: closed forms, the recursion in whole periods, and two ways to fit it.

F. M. Bass, "A New Product Growth for Model Consumer Durables", Management Science 15 (1969).
p is the coefficient of innovation and q that of imitation, both per period; m is the market, the
number of all eventual adopters. Time counts periods from the launch.

The closed form is continuous and the recursion is discrete. With the same p and q the recursion
peaks later (p = 0.0045, q = 0.35: in period 15 instead of 12.3), so the coefficients of one must
not be used in the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from finance.numbers import checks

Floats = npt.NDArray[np.float64]

MAX_COEFFICIENT = 10.0
MIN_PERIODS = 4
"""Fewest periods of a least-squares fit: one more than the number of coefficients."""
MAX_PERIODS = 10_000


def adopted_share(p: npt.ArrayLike, q: npt.ArrayLike, time: npt.ArrayLike) -> Floats:
    """Return F(t), the share of the market that has adopted; all arguments may be arrays.

    F(t) = (1 − e^−(p+q)t) ÷ (1 + (q/p)·e^−(p+q)t), computed with both sides times p.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    decay = np.exp(-(p + q) * np.asarray(time, np.float64))
    below = p + q * decay
    # Without innovators there is no adoption, and both sides may be 0.
    return np.asarray(np.where(p > 0, p * (1 - decay) / np.where(p > 0, below, 1.0), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bass:
    """Bass's model: a market and its coefficients.

    Raises
    ------
    InputError
        If p, q or the market is negative, or p or q is above :data:`MAX_COEFFICIENT`.
    """

    p: float
    q: float
    m: float = 1.0

    def __post_init__(self) -> None:
        checks.within("p", self.p, 0, MAX_COEFFICIENT)
        checks.within("q", self.q, 0, MAX_COEFFICIENT)
        checks.at_least("m", self.m, 0)

    def adopted_share(self, time: npt.ArrayLike) -> Floats:
        """Return F(t), the share of the market that has adopted."""
        return adopted_share(self.p, self.q, time)

    def adoption_rate(self, time: npt.ArrayLike) -> Floats:
        """Return m·f(t) = m·F′(t) = m·(p + q·F)(1 − F), the adopters per period."""
        share = self.adopted_share(time)
        return np.asarray(self.m * (self.p + self.q * share) * (1 - share))

    @property
    def peak(self) -> Peak:
        """Peak of adoption: t* = ln(q/p)/(p + q) at a rate of m(p + q)²/4q; t* = 0 if q ≤ p."""
        if self.q <= self.p or self.p == 0:
            return Peak(time=0.0, rate=self.p * self.m, adopted_share=0.0)
        return Peak(
            time=math.log(self.q / self.p) / (self.p + self.q),
            rate=self.m * (self.p + self.q) ** 2 / (4 * self.q),
            adopted_share=(self.q - self.p) / (2 * self.q),
        )

    def recursion(self, periods: int) -> Floats:
        """Return the adopters in periods 1, 2, …: (p + q·Y/m)(m − Y) after Y earlier adopters."""
        checks.within("periods", periods, 1, MAX_PERIODS)
        before = 0.0
        adopters = np.empty(periods)
        for period in range(periods):
            share = before / self.m if self.m else 0.0
            adopters[period] = min(1.0, self.p + self.q * share) * (self.m - before)
            before += adopters[period]
        return adopters

    @property
    def recursion_peak(self) -> Peak:
        """Peak of the recursion; its time is the period with most adopters, counted from 1."""
        last = min(MAX_PERIODS, 2 + math.ceil(2 * self.peak.time))
        while True:
            adopters = self.recursion(last)
            at = int(adopters.argmax())
            if at + 1 < last or last == MAX_PERIODS:
                break
            last = min(MAX_PERIODS, 2 * last)
        before = float(adopters[:at].sum())
        share = before / self.m if self.m else 0.0
        return Peak(time=at + 1.0, rate=float(adopters[at]), adopted_share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Peak of adoption."""

    time: float
    """Periods after the launch."""
    rate: float
    """Adopters per period at the peak."""
    adopted_share: float
    """Share of the market that has adopted before the peak."""


class Form(StrEnum):
    """Functions of the model that are fitted to the sales of a period."""

    DENSITY = "density"
    """m·f(t) at the end of the period, which is inexact where the curve bends."""
    INCREMENTS = "increments"
    """m·(F(t) − F(t − 1)), the exact adopters of the period (Srinivasan and Mason 1986)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BassFit:
    """A fitted model and its residual standard error."""

    model: Bass
    residual_se: float | None
    """Residual standard error, with one degree of freedom less for each coefficient; None if the
    fit is exact because there are as many coefficients as periods."""


def fit_least_squares(
    sales: Sequence[float], *, form: Form = Form.INCREMENTS, start: Bass | None = None
) -> BassFit:
    """Fit p, q and m by non-linear least squares to the sales of periods 1, 2, ….

    Parameters
    ----------
    start
        Start of the search. By default several starts are tried, and the best result counts.

    Raises
    ------
    InputError
        If there are too few periods, sales are negative, or no start converges.
    """
    _check_sales(sales, MIN_PERIODS)
    periods = np.arange(1, len(sales) + 1, dtype=np.float64)
    sold = np.asarray(sales, np.float64)
    starts = [start] if start else _starts(float(sold.sum()))
    fits = [fit for first in starts if (fit := _fit_from(first, periods, sold, _CURVES[form]))]
    if not fits:
        raise InputError("sales", f"{len(sales)} periods", "no_fit")
    squares, best = min(fits, key=lambda fit: fit[0])
    return BassFit(model=best, residual_se=math.sqrt(squares / (len(sales) - 3)))


def fit_regression(sales: Sequence[float]) -> BassFit:
    """Fit p, q and m by Bass's regression of a period's sales S on all earlier sales Y.

    S = pm + (q − p)Y − (q/m)Y² (Bass 1969, "Discrete Analogue"). The coefficients belong to the
    recursion.

    Raises
    ------
    InputError
        If there are fewer than three periods, or the parabola gives no positive market.
    """
    _check_sales(sales, MIN_PERIODS - 1)
    sold = np.asarray(sales, np.float64)
    before = np.concatenate([[0.0], np.cumsum(sold)[:-1]])
    c, b, a = (float(coefficient) for coefficient in np.polyfit(before, sold, 2))
    discriminant = b * b - 4 * a * c
    m = (-b - math.sqrt(discriminant)) / (2 * c) if c < 0 <= discriminant else 0.0
    if not (m > 0 and a > 0):
        raise InputError("sales", f"{len(sales)} periods", "no_fit")
    residuals = sold - np.polyval([c, b, a], before)
    freedom = len(sales) - 3
    return BassFit(
        model=Bass(p=a / m, q=-c * m, m=m),
        residual_se=math.sqrt(float(residuals @ residuals) / freedom) if freedom else None,
    )


def _check_sales(sales: Sequence[float], least: int) -> None:
    if len(sales) < least:
        raise InputError("sales", f"{len(sales)} periods", "too_short", limit=least)
    for sold in sales:
        checks.amount("sales", sold)
    if not any(sales):
        raise InputError("sales", "0", "no_fit")


def _starts(sold: float) -> list[Bass]:
    """Return starts around typical coefficients.

    Sultan, Farley and Lehmann (1990) give p = 0.03 and q = 0.38.
    """
    return [
        Bass(p=p, q=q, m=sold * times) for p in (0.003, 0.03) for q in (0.1, 0.38, 0.8)
        for times in (1.2, 3.0)
    ]  # fmt: skip


def _density(time: Floats, p: float, q: float, m: float) -> Floats:
    return Bass(p=p, q=q, m=m).adoption_rate(time)


def _increments(time: Floats, p: float, q: float, m: float) -> Floats:
    model = Bass(p=p, q=q, m=m)
    return np.asarray(m * (model.adopted_share(time) - model.adopted_share(time - 1)))


_CURVES: dict[Form, Callable[..., Floats]] = {
    Form.DENSITY: _density,
    Form.INCREMENTS: _increments,
}


def _fit_from(
    start: Bass, periods: Floats, sold: Floats, curve: Callable[..., Floats]
) -> tuple[float, Bass] | None:
    """Return sum of squares and model from one start; None if the fit does not converge."""
    from scipy.optimize import curve_fit  # takes longer to load than most commands to run

    scale = float(sold.max())
    try:
        found, _ = curve_fit(
            curve, periods, sold / scale, p0=(start.p, start.q, start.m / scale),
            bounds=([0, 0, 0], [MAX_COEFFICIENT, MAX_COEFFICIENT, np.inf]), x_scale="jac",
            ftol=1e-14, xtol=1e-14, gtol=1e-14, max_nfev=2_000,
        )  # fmt: skip
    except RuntimeError:  # the fit did not converge
        return None
    p, q, m = (float(coefficient) for coefficient in found)
    model = Bass(p=p, q=q, m=m * scale)
    residuals = sold - curve(periods, model.p, model.q, model.m)
    return float(residuals @ residuals), model

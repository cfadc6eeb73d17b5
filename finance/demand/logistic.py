"""Logistic growth inside a market.

J. C. Fisher and R. H. Pry, "A simple substitution model of technological change", Technological
Forecasting and Social Change 3 (1971).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.special import expit

from engine.documents import InputError
from finance.numbers import checks

Floats = npt.NDArray[np.float64]

MIN_PERIODS = 4
"""Fewest periods of a fit: one more than the number of coefficients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """The curve ``m`` ÷ (1 + e^−rate·(t − middle))."""

    rate: float
    """Continuous growth rate per period while the market is nearly empty."""
    middle: float
    """Period at which half the market has adopted."""
    m: float = 1.0
    """Market: number of all eventual adopters."""

    def __post_init__(self) -> None:
        checks.at_least("rate", self.rate, 0)
        checks.at_least("m", self.m, 0)

    def adopted(self, time: npt.ArrayLike) -> Floats:
        """Return the number of adopters up to ``time``."""
        return np.asarray(self.m * expit(self.rate * (np.asarray(time) - self.middle)))

    @property
    def takeover_time(self) -> float:
        """Periods from a tenth of the market to nine tenths: ln 81 ÷ rate (Fisher and Pry)."""
        return math.log(81) / self.rate if self.rate else math.inf


def fit(adopted: Sequence[float]) -> Logistic:
    """Fit the curve by least squares to all adopters at the ends of periods 1, 2, ….

    Raises
    ------
    InputError
        If there are fewer than four periods, or the fit does not converge.
    """
    if len(adopted) < MIN_PERIODS:
        raise InputError("adopted", f"{len(adopted)} periods", "too_short", limit=MIN_PERIODS)
    for count in adopted:
        checks.amount("adopted", count)
    if not any(adopted):
        raise InputError("adopted", "0", "no_fit")
    time = np.arange(1, len(adopted) + 1, dtype=np.float64)
    reached = np.asarray(adopted, np.float64)
    scale = float(reached.max()) or 1.0
    middle = float(time[int(np.abs(reached - scale / 2).argmin())])
    try:
        (rate, middle, m), _ = curve_fit(
            lambda at, rate, middle, m: m * expit(rate * (at - middle)),
            time, reached / scale, p0=(0.5, middle, 1.2),
            bounds=([0, -np.inf, 0], np.inf), x_scale="jac", max_nfev=5_000,
        )  # fmt: skip
    except RuntimeError:
        raise InputError("adopted", f"{len(adopted)} periods", "no_fit") from None
    return Logistic(rate=float(rate), middle=float(middle), m=float(m) * scale)

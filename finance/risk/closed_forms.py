"""Closed forms that simulations of cash, correlation and exchange rates must agree with."""

from __future__ import annotations

import math

from scipy.special import log_ndtr, ndtri

from engine.documents import InputError
from finance.numbers import checks
from finance.numbers.money import MAX_USD

MAX_MONTHS = 1_200
MAX_RATE = 10.0


def ruin_probability(
    cash_usd: float, drift_usd: float, volatility_usd: float, months: float
) -> float:
    """Return the chance that cash reaches 0 within ``months``.

    Cash is a Brownian motion with drift μ and volatility σ. The time of ruin is its first
    passage of 0, which is inverse Gaussian: Φ((−c − μT)/σ√T) + e^(−2μc/σ²)·Φ((−c + μT)/σ√T)
    (Karlin and Taylor, A First Course in Stochastic Processes, 1975, ch. 7). Cash is
    observed continuously: a simulation with monthly observations finds less ruin.

    Parameters
    ----------
    cash_usd
        Cash at the beginning, USD; without cash the chance is 1.
    drift_usd
        Mean change in a month, USD; negative for burn.
    volatility_usd
        Standard deviation of the change in a month, USD.
    """
    checks.within("cash_usd", cash_usd, -MAX_USD, MAX_USD)
    checks.within("drift_usd", drift_usd, -MAX_USD, MAX_USD)
    checks.amount("volatility_usd", volatility_usd)
    checks.within("months", months, 0, MAX_MONTHS)
    if cash_usd <= 0:
        return 1.0
    spread = volatility_usd * math.sqrt(months)
    if spread == 0:
        return float(cash_usd + drift_usd * months <= 0)
    ends_below = math.exp(log_ndtr((-cash_usd - drift_usd * months) / spread))
    # The term of the reflected paths is computed in logarithms: e^(−2μc/σ²) alone may overflow.
    exponent = -2 * drift_usd * cash_usd / volatility_usd**2 + log_ndtr(
        (-cash_usd + drift_usd * months) / spread
    )
    comes_back = math.exp(min(0.0, exponent))  # rounding alone brings it above 0
    return min(1.0, ends_below + comes_back)


def spearman_of(correlation: float) -> float:
    """Return Spearman's rank correlation in a Gaussian copula: 6/π·arcsin(ρ/2) (Pearson 1907)."""
    checks.within("correlation", correlation, -1, 1)
    return 6 / math.pi * math.asin(correlation / 2)


def kendall_of(correlation: float) -> float:
    """Return Kendall's τ in a Gaussian copula: 2/π·arcsin ρ (Greiner 1909)."""
    checks.within("correlation", correlation, -1, 1)
    return 2 / math.pi * math.asin(correlation)


def correlation_of(spearman: float) -> float:
    """Return the ρ of the copula with a given Spearman correlation: 2·sin(π/6·ρ_S)."""
    checks.within("spearman", spearman, -1, 1)
    return 2 * math.sin(math.pi / 6 * spearman)


def gbm_mean(start: float, drift: float, years: float) -> float:
    """Return the mean of a geometric Brownian motion, S·e^(μT) (Hull, Options, ch. 15)."""
    _check_gbm(start, drift, 0.0, years)
    return start * _exp(drift * years)


def gbm_quantile(
    start: float, drift: float, volatility: float, years: float, chance: float
) -> float:
    """Return a quantile of a geometric Brownian motion, S·e^((μ − σ²/2)T + σ√T·Φ⁻¹(chance)).

    Parameters
    ----------
    drift, volatility
        Drift μ and volatility σ per year.
    chance
        Probability of a value below the quantile; 0.5 gives the median.
    """
    _check_gbm(start, drift, volatility, years)
    checks.share("chance", chance)
    spread = volatility * math.sqrt(years)
    if spread == 0:
        return gbm_mean(start, drift, years)
    return start * _exp((drift - volatility**2 / 2) * years + spread * float(ndtri(chance)))


def _exp(exponent: float) -> float:
    try:
        return math.exp(exponent)
    except OverflowError:
        raise InputError("years", f"e^{exponent:g}", "moderate_rate") from None


def _check_gbm(start: float, drift: float, volatility: float, years: float) -> None:
    checks.amount("start", start)
    checks.within("drift", drift, -MAX_RATE, MAX_RATE)
    checks.within("volatility", volatility, 0, MAX_RATE)
    checks.within("years", years, 0, MAX_MONTHS / 12)

"""Closed forms against quadrature and against draws."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kendalltau, spearmanr

from engine.documents import InputError
from finance.risk.closed_forms import (
    correlation_of,
    gbm_mean,
    gbm_quantile,
    kendall_of,
    ruin_probability,
    spearman_of,
)


@pytest.mark.parametrize(("cash", "drift", "vol"), [(12, -1, 1.5), (24, -0.8, 2), (6, 0.1, 1)])
def test_ruin_is_the_integral_of_its_first_passage(cash, drift, vol) -> None:
    """The density of the inverse Gaussian is c/(σ√(2πt³))·e^(−(c + μt)²/(2σ²t))."""

    def density(t: float) -> float:
        exponent = -((cash + drift * t) ** 2) / (2 * vol**2 * t)
        return cash / (vol * math.sqrt(2 * math.pi * t**3)) * math.exp(exponent)

    passed, _ = quad(density, 0, 18)
    assert ruin_probability(cash, drift, vol, 18) == pytest.approx(passed)


def test_ruin_at_the_edges() -> None:
    assert ruin_probability(0, 1, 1, 12) == 1
    assert ruin_probability(12, -1, 0, 12) == 1  # without volatility the cash ends on the last day
    assert ruin_probability(12, -1, 0, 11) == 0
    assert ruin_probability(12, -1, 1, 0) == 0
    assert ruin_probability(1e6, -2e5, 10, 12) == pytest.approx(1)  # e^(−2μc/σ²) alone: 10^1e9


def test_ranks_of_a_gaussian_copula() -> None:
    draws = np.random.default_rng(7).multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], size=20_000)
    assert spearman_of(0.5) == pytest.approx(spearmanr(draws).statistic, abs=0.02)
    assert kendall_of(0.5) == pytest.approx(kendalltau(*draws.T).statistic, abs=0.02)
    assert correlation_of(spearman_of(-0.6)) == pytest.approx(-0.6)
    assert spearman_of(1) == pytest.approx(1)
    assert kendall_of(-1) == pytest.approx(-1)


def test_an_exchange_rate() -> None:
    assert gbm_mean(7.2, 0.05, 2) == pytest.approx(7.2 * math.exp(0.1))
    draws = np.random.default_rng(7).lognormal((0.03 - 0.02) * 2, 0.2 * 2**0.5, size=200_000)
    for chance in (0.05, 0.5, 0.95):
        assert gbm_quantile(1, 0.03, 0.2, 2, chance) == pytest.approx(
            float(np.quantile(draws, chance)), rel=0.01
        )
    assert gbm_quantile(7.2, 0.0, 0.0, 2, 0.05) == 7.2


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: ruin_probability(1, 1, -1, 1),
            f"volatility_usd: -1 is not allowed: must lie between 0 and {10**13}",
        ),
        (lambda: spearman_of(1.2), "correlation: 1.2 is not allowed: must lie between -1 and 1"),
        (
            lambda: gbm_quantile(1, 0, 0.1, 1, 1.5),
            "chance: 1.5 is not allowed: must lie between 0 and 1",
        ),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line

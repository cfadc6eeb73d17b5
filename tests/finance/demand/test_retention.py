"""Retention checked against a drawn mixture of customers, and fits of known curves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta as beta_distribution

from engine.documents import InputError
from finance.demand.retention import Retention, fit

HIGH_END = Retention(alpha=0.668, beta=3.806)
"""Survival in percent, from Fader and Hardie 2007."""


@pytest.mark.parametrize("model", [HIGH_END, Retention(alpha=0.26, beta=1.72, c=1.58)])
def test_survival_is_a_mixture_of_customers(model) -> None:
    """Each customer stays t renewals with chance (1 − θ)^(t^c); θ has a beta distribution."""
    for renewals in (0, 1, 3, 8):
        mixed, _ = quad(
            lambda stay, t=renewals: (
                stay ** (t**model.c) * beta_distribution.pdf(1 - stay, model.alpha, model.beta)
            ),
            0, 1,
        )  # fmt: skip
        assert model.survival(renewals) == pytest.approx(mixed, rel=1e-5)


def test_renewal_rates_rise_as_the_paper_says() -> None:
    rates = HIGH_END.renewal_rate(np.arange(1, 9))
    t = np.arange(1, 9)
    assert rates == pytest.approx((3.806 + t - 1) / (0.668 + 3.806 + t - 1))
    assert all(np.diff(rates) > 0)


def test_expected_periods() -> None:
    loyal = Retention(alpha=3.0, beta=2.0)
    assert loyal.expected_periods() == pytest.approx(2.0)
    assert loyal.survival(np.arange(1_000_000)).sum() == pytest.approx(2.0, rel=1e-5)
    assert HIGH_END.expected_periods() == math.inf


@pytest.mark.parametrize("due", [1, 2, 5])
def test_discounted_residual_lifetime_has_a_closed_form(due) -> None:
    """Fader and Hardie 2010: (β + n − 1)/(α + β + n − 1)·₂F₁(1, β + n; α + β + n; 1/(1 + d))."""
    a, b, n, d = 0.668, 3.806, due, 0.1
    closed = (b + n - 1) / (a + b + n - 1) * hyp2f1(1, b + n, a + b + n, 1 / (1 + d))
    assert HIGH_END.discounted_periods(0.1, due_renewal=due) == pytest.approx(closed)


def test_a_new_customer_pays_now() -> None:
    closed = hyp2f1(1, 3.806, 0.668 + 3.806, 1 / 1.1)
    assert HIGH_END.discounted_periods(0.1) == pytest.approx(closed)


@settings(max_examples=25)
@given(alpha=st.floats(0.2, 5), beta=st.floats(0.2, 20))
def test_a_fit_finds_the_curve_that_made_the_cohort(alpha, beta) -> None:
    made = Retention(alpha=alpha, beta=beta)
    found = fit((5000 * made.survival(np.arange(9))).tolist()).model
    assert (found.alpha, found.beta) == pytest.approx((alpha, beta), rel=1e-4)


def test_a_fit_with_changing_risk_finds_it_too() -> None:
    made = Retention(alpha=0.6, beta=2.5, c=1.4)
    found = fit(made.survival(np.arange(10)).tolist(), changing=True).model
    assert (found.alpha, found.beta, found.c) == pytest.approx((0.6, 2.5, 1.4), rel=1e-4)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Retention(alpha=0.0, beta=1.0), "alpha: 0 is not allowed: must be above 0"),
        (
            lambda: fit([100, 90]),
            "customers: 2 points cannot be enough: must have at least 3 entries",
        ),
        (
            lambda: fit([100, 90, 95]),
            "customers: 95 is not allowed: must lie between 0 and 90.0",
        ),
        (
            lambda: fit([100, 100, 100]),
            "customers: 100 is not allowed: "
            "at least one customer must leave, because retention cannot be estimated otherwise",
        ),
        (
            lambda: Retention(alpha=1.0, beta=1.0, c=2.0).expected_periods(),
            "c: 2.0 is not allowed: must be 1",
        ),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line

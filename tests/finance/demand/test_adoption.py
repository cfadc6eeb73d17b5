"""Adoption curves: closed forms against integration, fits against known curves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from engine.documents import InputError
from finance.demand import logistic
from finance.demand.bass import Bass, Form, fit_least_squares, fit_regression
from finance.demand.logistic import Logistic

TELEVISION = Bass(p=0.02, q=0.4, m=1000.0)


def test_the_closed_form_solves_bass_s_equation() -> None:
    """Return the solution of F′ = (p + qF)(1 − F) with F(0) = 0."""
    years = np.linspace(0, 25, 26)
    solved = solve_ivp(
        lambda _, share: (0.02 + 0.4 * share) * (1 - share), (0, 25), [0.0], t_eval=years,
        rtol=1e-10, atol=1e-12,
    )  # fmt: skip
    assert TELEVISION.adopted_share(years) == pytest.approx(solved.y[0], abs=1e-8)


def test_the_peak_is_the_highest_point() -> None:
    time = np.linspace(0, 30, 300_001)
    rate = TELEVISION.adoption_rate(time)
    assert TELEVISION.peak.time == pytest.approx(time[rate.argmax()], abs=1e-4)
    assert TELEVISION.peak.rate == pytest.approx(rate.max())
    assert TELEVISION.peak.adopted_share == pytest.approx(
        TELEVISION.adopted_share(TELEVISION.peak.time)
    )


def test_without_imitation_the_first_moment_is_the_best() -> None:
    assert Bass(p=0.1, q=0.05, m=10.0).peak.rate == pytest.approx(1.0)
    assert Bass(p=0.1, q=0.05, m=10.0).recursion_peak.time == 1
    assert Bass(p=0.1, q=0.0, m=1.0).adopted_share(10) == pytest.approx(1 - math.exp(-1))


def test_without_innovators_nobody_begins() -> None:
    assert Bass(p=0.0, q=0.5, m=10.0).adopted_share(np.arange(9)).max() == 0


def test_the_recursion_by_hand() -> None:
    """m = 100, p = 0.1, q = 0.5 give 10, (0.1 + 0.05) × 90 = 13.5, (0.1 + 0.1175) × 76.5."""
    assert Bass(p=0.1, q=0.5, m=100.0).recursion(3) == pytest.approx([10, 13.5, 0.2175 * 76.5])


@given(p=st.floats(0.001, 0.2), q=st.floats(0, 1.5))
def test_the_recursion_never_leaves_the_market(p, q) -> None:
    adopters = Bass(p=p, q=q, m=50.0).recursion(200)
    assert adopters.min() >= 0
    assert adopters.sum() <= 50 * (1 + 1e-12)


@pytest.mark.parametrize("form", list(Form))
def test_a_fit_finds_the_curve_that_made_the_sales(form) -> None:
    time = np.arange(1, 13)
    sales = {
        Form.DENSITY: TELEVISION.adoption_rate(time),
        Form.INCREMENTS: 1000 * np.diff(TELEVISION.adopted_share(np.arange(13))),
    }[form]
    found = fit_least_squares(list(sales), form=form)
    assert (found.model.p, found.model.q, found.model.m) == pytest.approx((0.02, 0.4, 1000))
    assert found.residual_se == pytest.approx(0, abs=1e-4)


def test_the_regression_finds_the_recursion_that_made_the_sales() -> None:
    found = fit_regression(list(TELEVISION.recursion(8)))
    assert (found.model.p, found.model.q, found.model.m) == pytest.approx((0.02, 0.4, 1000))
    assert fit_regression(list(TELEVISION.recursion(3))).residual_se is None


def test_a_logistic_curve() -> None:
    curve = Logistic(rate=0.7, middle=6.0, m=500.0)
    assert curve.adopted(6) == pytest.approx(250)
    tenth = 6 - curve.takeover_time / 2
    assert curve.adopted([tenth, tenth + curve.takeover_time]) == pytest.approx([50, 450])
    found = logistic.fit(list(curve.adopted(np.arange(1, 11))))
    assert (found.rate, found.middle, found.m) == pytest.approx((0.7, 6, 500), rel=1e-4)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Bass(p=-0.1, q=0.1), "p: -0.1 is not allowed: must lie between 0 and 10.0"),
        (
            lambda: fit_least_squares([1.0, 2.0]),
            "sales: 2 periods cannot be enough: must have at least 4 entries",
        ),
        (
            lambda: fit_regression([1.0, -2.0, 3.0]),
            f"sales: -2 is not allowed: must lie between 0 and {10**13}",
        ),
        (
            lambda: fit_regression([1.0, 2.0, 5.0, 13.0]),
            "sales: 4 periods cannot be fitted: no curve of this kind fits it",
        ),
        (
            lambda: logistic.fit([1.0]),
            "adopted: 1 periods cannot be enough: must have at least 4 entries",
        ),
    ],
)
def test_what_is_refused(make, line) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value) == line

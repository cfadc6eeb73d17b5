"""The solver against SciPy's minimizers, its special functions, and finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.special import huber

from engine.scaling import solver
from engine.scaling.fit import Centre, as_law, centred
from engine.scaling.laws import Array, loss
from engine.scaling.solver import HUBER_DELTA, NO_PRIOR, Data, Prior
from tests.engine.scaling.test_fit import made_runs

START = np.array([-0.5, -0.4, 0.6, 0.3, 0.3])


def log_loss(theta: Array, data: Data) -> Array:
    a, b, e, alpha, beta = theta
    terms = [a - alpha * data.x, b - beta * data.y, np.full_like(data.x, e)]
    return np.asarray(np.logaddexp.reduce(terms))


def reference(
    data: Data, weights: Array, mean: Array | float = 0.0, pull: Array | float = 0.0
) -> Callable[[Array], float]:
    """Return the objective of one problem, written again."""

    def of(theta: Array) -> float:
        errors = huber(HUBER_DELTA, log_loss(theta, data) - data.z)
        return float(weights @ errors + 0.5 * np.sum(pull * (theta - mean) ** 2))

    return of


def noisy() -> tuple[Data, Array]:
    """Runs, and three ways to weight them: shapes (24,) and (3, 24)."""
    data, _ = centred(made_runs(0.01, seed=5))
    rng = np.random.default_rng(5)
    weights = np.stack([np.ones(24), rng.integers(0, 4, 24).astype(float), rng.uniform(0, 2, 24)])
    return data, weights


def least_by_scipy(of: Callable[[Array], float], start: Array) -> float:
    """Nelder-Mead, over and over from where it stopped: it needs no derivatives."""
    for _ in range(2):
        found = minimize(
            of, start, method="Nelder-Mead", options={"maxiter": 500, "xatol": 1e-9, "fatol": 0}
        )
        start = found.x
    return float(found.fun)


def test_predictions_are_those_of_the_law() -> None:
    centre = Centre(21.0, 24.0)
    theta = np.array([[-0.5, -0.4, 0.6, 0.3, 0.4], [-3.0, 0.2, 0.1, 0.7, 0.1]])
    n, d = np.array([1e7, 3e9, 1e12]), np.array([1e9, 3e9, 2e13])
    predicted = solver.predict_log_loss(theta, centre.x(n), centre.y(d))
    for row, coefficients in zip(predicted, centre.coefficients(theta), strict=True):
        assert np.exp(row) == pytest.approx(loss(as_law(coefficients, "total"), n, d))


def test_predictions_outlast_the_range_of_floats() -> None:
    wild = np.array([[2e3, -3e3, -5e3, 40.0, 40.0]])
    with np.errstate(all="raise", under="ignore"):
        predicted = solver.predict_log_loss(wild, np.array([1.0, -2.0]), np.zeros(2))
    assert predicted[0] == pytest.approx([1960.0, 2080.0])


def test_objective_is_the_sum_of_scipys_huber_losses() -> None:
    data, weights = noisy()
    prior = Prior(np.array([0.1, 0.2, 0.5, 0.3, 0.3]), np.array([0, 1e-3, 2.0, 0, 0.1]))
    found = solver.objective(data, weights, np.tile(START, (3, 1)), prior)
    for row, value in zip(weights, found, strict=True):
        assert value == pytest.approx(reference(data, row, prior.mean, prior.weight)(START))


def test_objective_of_what_no_float_holds_is_infinite() -> None:
    data, weights = noisy()
    theta = np.array([[np.inf, 0, 0, 0, 0], [0, 0, np.nan, 0, 0], START])
    found = solver.objective(data, weights, theta)
    assert np.isinf(found[:2]).all()
    assert np.isfinite(found[2])


@pytest.mark.parametrize("near", [False, True])
def test_derivatives_are_those_of_finite_differences(near: bool) -> None:
    """Far from the runs the Huber loss is linear, near them it is a square."""
    data, weights = noisy()
    z = log_loss(START, data) + 4e-4 * np.sin(np.arange(24)) if near else data.z
    data = Data(data.x, data.y, z)
    prior = Prior(np.array([0.1, 0.2, 0.5, 0.2, 0.4]), np.array([0, 1e-3, 0, 0.02, 0.1]))
    thetas = np.tile(START, (3, 1))
    gradient, curvature, scale = solver._derivatives(data, weights, thetas, prior)
    assert (scale > 0).all()
    for row, own_gradient, own_curvature in zip(weights, gradient, curvature, strict=True):
        of = reference(data, row, prior.mean, prior.weight)
        assert own_gradient == pytest.approx(approx_fprime(START, of, 1e-8), rel=1e-4, abs=1e-6)

        def slope(theta: Array, row: Array = row) -> Array:
            return solver._derivatives(data, row[None], theta[None], prior)[0][0]

        by_difference = approx_fprime(START, slope, 1e-8)
        assert own_curvature == pytest.approx(by_difference, rel=1e-4, abs=1e-5)


def test_nothing_nelder_mead_finds_from_there_is_better() -> None:
    data, weights = noisy()
    found = solver.solve(data, weights, np.tile(START, (3, 1)))
    values = solver.objective(data, weights, found)
    for row, theta, value in zip(weights, found, values, strict=True):
        of = reference(data, row)
        for start in (theta, START):
            assert value <= least_by_scipy(of, start) * (1 + 1e-6)


def test_tied_exponents_reach_the_least_of_four_coordinates() -> None:
    data, weights = noisy()
    found = solver.solve(data, weights, np.tile(START, (3, 1)), tied=True)
    assert (found[:, 3] == found[:, 4]).all()
    values = solver.objective(data, weights, found)
    for row, theta, value in zip(weights, found, values, strict=True):
        of = reference(data, row)
        best = least_by_scipy(lambda four, of=of: of(four[[0, 1, 2, 3, 3]]), theta[:4])  # type: ignore[misc]
        assert value <= best * (1 + 1e-6)


def test_each_problem_has_its_own_prior_and_minds_no_other() -> None:
    data, weights = noisy()
    means = np.array([[0, 0, 0.5, 0.2, 0.5], [0, 0, 0.6, 0.5, 0.2], [0, 0, 0.4, 0.3, 0.3]])
    pull = np.array([0, 0, 1e-3, 0.05, 0.05])
    starts = np.tile(START, (3, 1))
    together = solver.solve(data, weights, starts, Prior(means, pull))
    for k in range(3):
        own = slice(k, k + 1)
        alone = solver.solve(data, weights[own], starts[own], Prior(means[k], pull))
        assert together[k] == pytest.approx(alone[0], rel=1e-6)
        of = reference(data, weights[k], means[k], pull)
        assert of(together[k]) <= least_by_scipy(of, together[k]) * (1 + 1e-6)


def test_a_heavier_prior_pulls_closer_to_its_mean() -> None:
    data, weights = noisy()
    distances = []
    for weight in (0.0, 0.01, 0.1, 1.0, 1e8):
        prior = Prior(np.array([0, 0, 0, 0.8, 0]), np.array([0, 0, 0, weight, 0]))
        theta = solver.solve(data, weights[:1], START[None], prior)[0]
        distances.append(abs(theta[3] - 0.8))
    assert (np.diff(distances) < 0).all()
    assert distances[0] > 0.3
    assert distances[-1] < 1e-6


def test_starts_are_left_as_they_were_and_what_is_found_is_kept() -> None:
    data, weights = noisy()
    starts = np.tile(START, (3, 1))
    found = solver.solve(data, weights, starts)
    assert (starts == START).all()
    before, after = (solver.objective(data, weights, theta) for theta in (starts, found))
    assert (after < before).all()
    again = solver.objective(data, weights, solver.solve(data, weights, found))
    assert again == pytest.approx(after, rel=1e-6)


def test_what_no_run_tells_apart_does_no_harm() -> None:
    """With a single number of tokens, b, e and β cannot be distinguished."""
    data, weights = noisy()
    flat = Data(data.x, np.zeros_like(data.y), data.z)
    with np.errstate(all="raise", under="ignore"):
        found = solver.solve(flat, weights, np.tile(START, (3, 1)))
    assert np.isfinite(found).all()
    assert (solver.objective(flat, weights, found) < np.inf).all()
    assert found[:, 4] == pytest.approx(START[4])


def test_no_prior_costs_nothing() -> None:
    assert (NO_PRIOR.cost(np.ones((3, solver.K)) * 7) == 0).all()

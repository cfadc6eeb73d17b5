"""Fits against SciPy, exact laws, and published runs."""

import statistics
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize

from engine.documents import InputError
from engine.facts import loss_coefficients
from engine.scaling import solver
from engine.scaling.fit import (
    COEFFICIENTS,
    Fit,
    _starts,
    centred,
    fit,
    resample_counts,
    solve_from_everywhere,
)
from engine.scaling.laws import Array, FittedLaw, compute_optimal, loss
from engine.scaling.published import published_sets, runs_of
from engine.scaling.runs import TrainingRuns, read_runs
from engine.scaling.solver import NO_PRIOR, Prior

pytestmark = pytest.mark.slow

PUBLISHED_SET = "gadre_c4.c4_original.c4_val"
LAW = FittedLaw(parameters_counted="total", A=400.0, B=1500.0, E=1.7, alpha=0.34, beta=0.36)


def made_runs(noise: float = 0.0, seed: int = 0) -> TrainingRuns:
    sizes = np.repeat(np.geomspace(5e7, 5e9, 6), 4)
    tokens = sizes * np.tile([5, 15, 45, 135], 6)
    scatter = np.exp(np.random.default_rng(seed).normal(0, noise, len(sizes)))
    losses = loss(LAW, sizes, tokens) * scatter
    lines = [f"{n},{d},{y}" for n, d, y in zip(sizes, tokens, losses, strict=True)]
    table = "\n".join(["params,tokens,loss", *lines])
    return read_runs(table.encode(), "made.csv", "total")


def one_objective(runs: TrainingRuns):  # type: ignore[no-untyped-def]
    data, _ = centred(runs)
    ones = np.ones((1, runs.n_runs))
    return lambda theta: float(solver.objective(data, ones, np.asarray(theta)[None])[0])


def test_an_exact_law_is_found() -> None:
    found = fit(made_runs())
    for name in COEFFICIENTS:
        assert getattr(found.law, name) == pytest.approx(getattr(LAW, name), rel=1e-3)


def test_derivatives_are_those_of_finite_differences() -> None:
    runs = made_runs(0.02)
    data, _ = centred(runs)
    theta = np.array([-0.5, -0.4, 0.6, 0.3, 0.4])
    ones = np.ones((1, runs.n_runs))
    gradient, curvature, _ = solver._derivatives(data, ones, theta[None], NO_PRIOR)
    by_difference = approx_fprime(theta, one_objective(runs), 1e-7)
    assert gradient[0] == pytest.approx(by_difference, rel=1e-4, abs=1e-7)

    def slope(at: Array) -> Array:
        return solver._derivatives(data, ones, at[None], NO_PRIOR)[0][0]

    steps = np.eye(solver.K) * 1e-7
    second = np.array([(slope(theta + step) - slope(theta - step)) / 2e-7 for step in steps])
    assert curvature[0] == pytest.approx(second, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_scipy_finds_is_better(seed: int) -> None:
    runs = made_runs(0.01, seed)
    data, _ = centred(runs)
    found = one_objective(runs)(solve_from_everywhere(data, np.ones(runs.n_runs)))
    rng = np.random.default_rng(seed)
    for _ in range(8):
        start = [*rng.normal(0, 1, 2), rng.normal(0.5, 0.2), *rng.uniform(0.1, 0.9, 2)]
        assert found <= minimize(one_objective(runs), start, method="BFGS").fun * (1 + 1e-6)


def test_bootstrap_samples_reach_their_own_optimum() -> None:
    runs = made_runs(0.01)
    data, centre = centred(runs)
    counts = resample_counts(runs.n_runs, 12, seed=3)
    drawn = fit(runs, bootstraps=12, seed=3).bootstrap
    for count, row in zip(counts, drawn, strict=True):
        best = centre.coefficients(solve_from_everywhere(data, count)[None])[0]
        assert row == pytest.approx(best, rel=1e-3)


def test_more_samples_than_are_solved_at_a_time_are_each_their_own() -> None:
    runs = made_runs(0.01)
    data, centre = centred(runs)
    start = solve_from_everywhere(data, np.ones(runs.n_runs))
    at_once = solver.solve(data, resample_counts(24, 260, seed=4), np.tile(start, (260, 1)))
    drawn = fit(runs, bootstraps=260, seed=4).bootstrap
    assert drawn == pytest.approx(centre.coefficients(at_once), rel=1e-6)


def test_spread_is_that_of_the_samples() -> None:
    found = fit(made_runs(0.01), bootstraps=11)
    for k, name in enumerate(COEFFICIENTS):
        column = sorted(found.bootstrap[:, k])
        assert found.standard_errors[name] == pytest.approx(statistics.stdev(column))
        assert found.percentiles(0, 0.5, 1)[name] == (column[0], column[5], column[10])
        assert [getattr(law, name) for law in found.ensemble] == found.bootstrap[:, k].tolist()


def test_no_samples_no_spread() -> None:
    found = fit(made_runs())
    assert found.bootstrap.shape == (0, 5)
    assert (found.standard_errors, found.percentiles(0.5), found.ensemble) == ({}, {}, ())


def test_the_bootstrap_is_balanced_and_repeats_itself() -> None:
    counts = resample_counts(7, 50, seed=1)
    assert (counts.sum(axis=0) == 50).all()
    assert (counts.sum(axis=1) == 7).all()
    assert (counts == resample_counts(7, 50, seed=1)).all()
    assert (counts != resample_counts(7, 50, seed=2)).any()


def test_tied_exponents_are_equal_and_fit_no_better() -> None:
    runs = made_runs(0.01)
    tied, free = fit(runs, tied=True), fit(runs)
    assert tied.law.alpha == tied.law.beta
    assert tied.objective >= free.objective


def test_tied_samples_are_tied_and_an_exactly_tied_law_is_found() -> None:
    drawn = fit(made_runs(0.01), tied=True, bootstraps=5).bootstrap
    assert (drawn[:, 3] == drawn[:, 4]).all()
    runs = made_runs()
    truth = replace(LAW, beta=LAW.alpha)
    exact = replace(runs, loss=loss(truth, runs.parameters, runs.tokens))
    found = fit(exact, tied=True)
    for name in COEFFICIENTS:
        assert getattr(found.law, name) == pytest.approx(getattr(truth, name), rel=1e-3)


def test_a_strong_prior_is_obeyed() -> None:
    runs = made_runs(0.01)
    data, _ = centred(runs)
    prior = Prior(np.array([0, 0, 0, 0.5, 0.2]), np.array([0, 0, 0, 1e6, 1e6]))
    theta = solve_from_everywhere(data, np.ones(runs.n_runs), prior)
    assert theta[3:] == pytest.approx([0.5, 0.2], abs=1e-4)


def test_four_runs_are_too_few() -> None:
    runs = made_runs()
    with pytest.raises(InputError):
        fit(runs.subset(np.arange(runs.n_runs) % 6 == 0))


@pytest.fixture(scope="module")
def published() -> Fit:
    return fit(runs_of(published_sets()[PUBLISHED_SET]), bootstraps=4_000)


def test_the_optimum_of_published_runs_against_scipy(published: Fit) -> None:
    data, _ = centred(published.runs)
    objective = one_objective(published.runs)
    least = min(
        minimize(objective, start, method="BFGS").fun for start in _starts(data, tied=False)
    )
    assert published.objective == pytest.approx(least, rel=1e-8)
    expected = {"A": 122.553, "B": 242.611, "E": 1.62003, "alpha": 0.252574, "beta": 0.262230}
    for name, value in expected.items():
        assert getattr(published.law, name) == pytest.approx(value, rel=1e-3)


def test_standard_errors_of_published_runs_against_scipy(published: Fit) -> None:
    """BFGS on 200 other samples, each from the optimum of all runs."""
    data, _ = centred(published.runs)
    start = solve_from_everywhere(data, np.ones(published.runs.n_runs))
    exponents = []
    for counts in resample_counts(published.runs.n_runs, 200, seed=1):

        def objective(theta: Array, counts: Array = counts) -> float:
            return float(solver.objective(data, counts[None], theta[None])[0])

        exponents.append(minimize(objective, start, method="BFGS").x[3:5])
    for name, error in zip(("alpha", "beta"), np.std(exponents, axis=0), strict=True):
        assert published.standard_errors[name] == pytest.approx(error, rel=0.2)


@pytest.mark.parametrize(("flops", "ratio"), [(1e20, 22.9), (1e22, 20.4), (1e24, 18.1)])
def test_tokens_per_parameter_of_epochs_optimum(flops: float, ratio: float) -> None:
    """Epoch's points have no licence to ship; their published fit (Besiroglu 2024) is here."""
    law = loss_coefficients()["besiroglu_2024"]
    assert compute_optimal(law, flops).tokens_per_parameter == pytest.approx(ratio, rel=0.01)


def test_samples_of_published_runs_reach_their_own_optimum(published: Fit) -> None:
    data, _ = centred(published.runs)
    start = solve_from_everywhere(data, np.ones(published.runs.n_runs))
    counts = resample_counts(published.runs.n_runs, 4_000, seed=0)[:20]
    drawn = solver.solve(data, counts, np.tile(start, (20, 1)))
    reached = solver.objective(data, counts, drawn)
    for count, value in zip(counts, reached, strict=True):
        best = solve_from_everywhere(data, count)[None]
        assert value <= solver.objective(data, count[None], best)[0] * (1 + 1e-6)

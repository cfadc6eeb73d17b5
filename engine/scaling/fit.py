"""A law fitted to runs: coefficients, their standard errors, and bootstrap samples of them.

The fit minimises the Huber loss of log L over all runs, as in approach 3 of Hoffmann 2022
(arXiv:2203.15556, equation 3). Standard errors come from refits to resampled runs (Besiroglu 2024,
arXiv:2404.10102, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.scaling import solver
from engine.scaling.laws import Array, Counting, FittedLaw
from engine.scaling.runs import TrainingRuns, require_enough
from engine.scaling.solver import NO_PRIOR, Data, Prior

COEFFICIENTS = ("A", "B", "E", "alpha", "beta")
_EXPONENTS_TO_START_FROM = (0.15, 0.35, 0.7)
_FLOORS_TO_START_FROM = (0.2, 0.6, 0.9)
"""Starting values of E, as shares of the least loss."""
_PROBLEMS_AT_A_TIME = 250
"""Problems solved at the same time; the arrays of more would exceed the processor's cache."""


@dataclass(frozen=True, slots=True)
class Centre:
    """Means of log N and log D, the origin of the solver's coordinates."""

    log_parameters: float
    log_tokens: float

    def x(self, parameters: Array) -> Array:
        """Return log N minus its mean."""
        return np.log(parameters) - self.log_parameters

    def y(self, tokens: Array) -> Array:
        """Return log D minus its mean."""
        return np.log(tokens) - self.log_tokens

    def coefficients(self, theta_PK: Array) -> Array:
        """Convert (a, b, e, α, β) of the centred form to (A, B, E, α, β), shape (P, K)."""
        a, b, e, alpha, beta = theta_PK.T
        return np.stack(
            [
                np.exp(a + alpha * self.log_parameters),
                np.exp(b + beta * self.log_tokens),
                np.exp(e),
                alpha,
                beta,
            ],
            axis=1,
        )


@dataclass(frozen=True)
class Fit:
    """A fitted law and its bootstrap samples."""

    runs: TrainingRuns
    law: FittedLaw
    objective: float
    """Sum of the Huber losses."""
    bootstrap: Array
    """Coefficients A, B, E, α, β of each bootstrap sample, shape (samples, 5)."""

    @cached_property
    def standard_errors(self) -> dict[str, float]:
        """Standard error of each coefficient; empty without bootstrap samples."""
        if len(self.bootstrap) < 2:
            return {}
        return dict(zip(COEFFICIENTS, self.bootstrap.std(axis=0, ddof=1).tolist(), strict=True))

    @cached_property
    def ensemble(self) -> tuple[FittedLaw, ...]:
        """Laws of the bootstrap samples."""
        return tuple(as_law(row, self.law.parameters_counted) for row in self.bootstrap)

    def percentiles(self, *shares: float) -> dict[str, tuple[float, ...]]:
        """Return percentiles of each coefficient over the bootstrap samples; empty without them."""
        if len(self.bootstrap) < 2:
            return {}
        found = np.quantile(self.bootstrap, shares, axis=0)
        return {name: tuple(found[:, k].tolist()) for k, name in enumerate(COEFFICIENTS)}


def as_law(coefficients: Array, counted: Counting) -> FittedLaw:
    """Return the law of the coefficients A, B, E, α, β."""
    A, B, E, alpha, beta = (float(coefficient) for coefficient in coefficients)
    return FittedLaw(parameters_counted=counted, A=A, B=B, E=E, alpha=alpha, beta=beta)


def fit(runs: TrainingRuns, *, tied: bool = False, bootstraps: int = 0, seed: int = 0) -> Fit:
    """Fit L(N, D) = E + A/N^α + B/D^β; with ``tied``, α = β (Gadre 2024).

    Raises
    ------
    InputError
        If there are fewer different runs than coefficients.
    """
    require_enough(runs, len(COEFFICIENTS) - tied)
    data, centre = centred(runs)
    weights = np.ones(runs.n_runs)
    theta = solve_from_everywhere(data, weights, tied=tied)
    drawn = resample(data, theta, bootstraps, seed, tied=tied)
    return Fit(
        runs=runs,
        law=as_law(centre.coefficients(theta[None])[0], runs.parameters_counted),
        objective=float(solver.objective(data, weights[None], theta[None])[0]),
        bootstrap=centre.coefficients(drawn),
    )


def centred(runs: TrainingRuns) -> tuple[Data, Centre]:
    """Return the runs in the solver's coordinates, and the origin of these."""
    centre = Centre(float(np.log(runs.parameters).mean()), float(np.log(runs.tokens).mean()))
    return Data(centre.x(runs.parameters), centre.y(runs.tokens), np.log(runs.loss)), centre


def solve_from_everywhere(
    data: Data, weights_R: Array, prior: Prior = NO_PRIOR, *, tied: bool = False
) -> Array:
    """Return the best of the fits from a grid of starts, shape (K,)."""
    starts = _starts(data, tied=tied)
    weights = np.broadcast_to(weights_R, (len(starts), len(weights_R)))
    found = solver.solve(data, weights, starts, prior, tied=tied)
    best: Array = found[solver.objective(data, weights, found, prior).argmin()]
    return best


def resample(
    data: Data,
    theta_K: Array,
    samples: int,
    seed: int,
    *,
    tied: bool = False,
) -> Array:
    """Return refits to ``samples`` draws of the runs with replacement, shape (samples, K).

    They start at the fit of all runs and reach their own optimum from there; a test compares them
    with fits from all starts.
    """
    counts = resample_counts(len(data.z), samples, seed)
    refits = []
    for start in range(0, samples, _PROBLEMS_AT_A_TIME):
        chunk = counts[start : start + _PROBLEMS_AT_A_TIME]
        starts = np.repeat(theta_K[None], len(chunk), axis=0)
        refits.append(solver.solve(data, chunk, starts, tied=tied))
    return np.concatenate(refits) if refits else np.empty((0, len(theta_K)))


def resample_counts(n_runs: int, samples: int, seed: int) -> Array:
    """Return the number of times that each run was drawn, shape (samples, n_runs).

    The bootstrap is balanced: over all samples every run is drawn equally often, which lowers the
    variance of the mean (Davison 1986, "Efficient bootstrap simulation").
    """
    drawn = np.random.default_rng(seed).permutation(np.tile(np.arange(n_runs), samples))
    which = np.repeat(np.arange(samples), n_runs)
    counts = np.bincount(which * n_runs + drawn, minlength=samples * n_runs)
    return counts.reshape(samples, n_runs).astype(float)


def _starts(data: Data, *, tied: bool) -> Array:
    """Return starts on a grid over exponents and the share of E, shape (P, K).

    The rest of the loss is divided evenly between the terms of N and D.
    """
    lowest, typical = np.exp(data.z.min()), np.exp(data.z.mean())
    grid = []
    for alpha in _EXPONENTS_TO_START_FROM:
        for beta in (alpha,) if tied else _EXPONENTS_TO_START_FROM:
            for share in _FLOORS_TO_START_FROM:
                floor = share * lowest
                half = np.log((typical - floor) / 2)
                grid.append((half, half, np.log(floor), alpha, beta))
    return np.array(grid)

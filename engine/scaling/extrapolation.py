"""Predictions of the loss of runs larger than those measured, with bounds.

The fit of :mod:`engine.scaling.fit` describes its own runs well. Beyond them it predicts badly,
and the bounds of its bootstrap are far too narrow. Three changes improve predictions of the large
runs of published sets from the small (``python -m engine backtest``):

* Runs with more compute and a lower loss have a larger weight. Runs far from either end of their
  training do not follow the law.
* Exponents and irreducible loss have a prior from published runs.
* Runs of one set share a tokenizer and a schedule, and therefore errors. Together they count as
  fewer independent runs.

The bounds come from refits to resampled runs, each with its own draw of the prior, and from the
scatter of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.scaling import solver
from engine.scaling.fit import (
    COEFFICIENTS,
    Centre,
    as_law,
    centred,
    resample_counts,
    solve_from_everywhere,
)
from engine.scaling.laws import Array, FittedLaw, loss
from engine.scaling.repeated import effective_tokens, repeated_coefficients
from engine.scaling.runs import TrainingRuns, require_enough
from engine.scaling.solver import HUBER_DELTA, Data, Prior

PriorChoice = Literal["weak", "none"]

_COMPUTE_POWER = 0.8
"""Power of a run's compute in its weight."""
_LOSS_POWER = 9.0
"""Power of the inverse of a run's loss in its weight."""
_TYPICAL_ALPHA, _TYPICAL_BETA, _TYPICAL_FLOOR = 0.30, 0.33, 0.62
"""Means of the prior; the floor is E as a share of the least loss of the runs."""
_EXPONENT_SD, _LOG_FLOOR_SD = 0.06, 0.10
"""Standard deviations of the prior, of the exponents and of the logarithm of the floor."""
_RUNS_PER_INDEPENDENT_RUN = 6.0
"""Runs of one set that count as one independent run."""
_LEAST_SCATTER = 0.003
"""Smallest mean absolute log error, also of runs that follow a law exactly: the effect of another
random seed."""
_DRAWN_EXPONENT_SD, _DRAWN_LOG_FLOOR_SD = 0.08, 0.20
"""Standard deviations of the priors of the draws, by the fits of whole published sets."""
_SD_PER_MEAN_ERROR = 1.5
"""Standard deviation over mean absolute error. It is 1.25 for a normal and 1.41 for a Laplace
distribution; the rest allows for predicted runs that differ from the fitted runs."""
DRAWS = 200
"""Refits to resampled runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedLoss:
    """Predicted losses in nats per token, with 95% bounds, in the shape of the points."""

    loss: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Extrapolation:
    """A law fitted for predictions beyond its runs."""

    runs: TrainingRuns
    law: FittedLaw
    centre: Centre
    draws: Array
    """Coefficients a, b, e, α, β of each draw in the solver's coordinates, shape (draws, 5). A and
    B of an extreme draw may overflow; their logarithms do not."""
    scatter: float
    """Standard deviation of log loss around the law."""

    @cached_property
    def ensemble(self) -> tuple[FittedLaw, ...]:
        """Laws of the draws."""
        coefficients = self.centre.coefficients(self.draws)
        return tuple(as_law(row, self.law.parameters_counted) for row in coefficients)

    def predict(
        self,
        parameters: npt.ArrayLike,
        tokens: npt.ArrayLike,
        unique_tokens: npt.ArrayLike | None = None,
    ) -> PredictedLoss:
        """Predict the loss at each point; ``unique_tokens`` is needed for repeated tokens."""
        n, d = np.broadcast_arrays(np.asarray(parameters, float), np.asarray(tokens, float))
        if unique_tokens is not None:
            n, d = np.broadcast_arrays(n, _as_fresh(d, np.asarray(unique_tokens, float)))
        value = loss(self.law, n, d)
        x, y = self.centre.x(n.ravel()), self.centre.y(d.ravel())
        log_losses = solver.predict_log_loss(self.draws, x, y).reshape(-1, *n.shape)
        sd = np.sqrt(log_losses.var(axis=0) + self.scatter**2)
        width = np.exp(1.96 * sd)
        return PredictedLoss(loss=value, low=value / width, high=value * width)


def extrapolation(
    runs: TrainingRuns,
    *,
    prior: PriorChoice = "weak",
    tied: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> Extrapolation:
    """Fit ``runs`` for predictions of larger runs.

    Repeated tokens count as fewer fresh tokens (Muennighoff 2023). With ``prior="none"`` all runs
    have equal weights and the bounds are those of the plain bootstrap, for comparison. ``tied``
    keeps α = β (Gadre 2024).

    Raises
    ------
    InputError
        If there are fewer than five different runs.
    """
    require_enough(runs, len(COEFFICIENTS))
    fresh = in_fresh_tokens(runs)
    data, centre = centred(fresh)
    counts = resample_counts(runs.n_runs, draws, seed)
    if prior == "none":
        weights = np.ones(runs.n_runs)
        theta = solve_from_everywhere(data, weights, tied=tied)
        drawn = solver.solve(data, counts, np.repeat(theta[None], draws, axis=0), tied=tied)
    else:
        weights = _weights(fresh)
        theta, pull = _with_prior(data, weights, tied)
        rng = np.random.default_rng(seed)
        sds = np.array([0, 0, _DRAWN_LOG_FLOOR_SD, _DRAWN_EXPONENT_SD, _DRAWN_EXPONENT_SD])
        means = pull.mean + rng.normal(size=(draws, solver.K)) * sds
        drawn = solver.solve(
            data,
            counts * weights,
            np.repeat(theta[None], draws, axis=0),
            Prior(means, pull.weight),
            tied=tied,
        )
    return Extrapolation(
        runs=runs,
        law=as_law(centre.coefficients(theta[None])[0], runs.parameters_counted),
        centre=centre,
        draws=drawn,
        scatter=_SD_PER_MEAN_ERROR * _mean_error(data, weights, theta) if prior == "weak" else 0.0,
    )


def in_fresh_tokens(runs: TrainingRuns) -> TrainingRuns:
    """Return the runs with repeated tokens converted to equivalent fresh tokens."""
    if runs.unique_tokens is None:
        return runs
    return replace(runs, tokens=_as_fresh(runs.tokens, runs.unique_tokens))


def _as_fresh(tokens: Array, unique_tokens: Array) -> Array:
    law = repeated_coefficients()["muennighoff_2023"]
    return effective_tokens(law, tokens, np.minimum(unique_tokens, tokens))


def _weights(runs: TrainingRuns) -> Array:
    """Return the weight of each run, with mean 1, shape (n_runs,)."""
    compute = runs.parameters * runs.tokens
    weight = (compute / compute.max()) ** _COMPUTE_POWER
    weight *= (runs.loss.min() / runs.loss) ** _LOSS_POWER
    scaled: Array = weight / weight.mean()
    return scaled


def _with_prior(data: Data, weights: Array, tied: bool) -> tuple[Array, Prior]:
    """Return the fit with the prior, and the prior.

    The weight of the prior grows with the scatter of the runs around their own law.
    """
    mean = np.array([0, 0, data.z.min() + np.log(_TYPICAL_FLOOR), _TYPICAL_ALPHA, _TYPICAL_BETA])
    precision = np.array([0, 0, _LOG_FLOOR_SD**-2, _EXPONENT_SD**-2, _EXPONENT_SD**-2])
    free = solve_from_everywhere(data, weights, tied=tied)
    scatter = _mean_error(data, weights, free)
    # Huber loss is about δ·|error|; a Laplace distribution's is |error| over its mean.
    pull = Prior(mean, HUBER_DELTA * scatter * _RUNS_PER_INDEPENDENT_RUN * precision)
    return solve_from_everywhere(data, weights, pull, tied=tied), pull


def _mean_error(data: Data, weights: Array, theta: Array) -> float:
    """Return the weighted mean absolute log error, at least ``_LEAST_SCATTER``."""
    errors = np.abs(solver.predict_log_loss(theta[None], data.x, data.y)[0] - data.z)
    return max(float(np.average(errors, weights=weights)), _LEAST_SCATTER)

"""Fits the predictor's parameters to measured runs: maximum a posteriori, robust, in logarithms.

Each parameter has a log-normal prior from measurements of single kernels and links, written
down before any run was predicted (``prior`` columns of ``data/efficiency.csv``). Whole runs
then move it as far as they insist. Residuals are log(predicted ÷ measured), with a loss that
grows linearly beyond two standard deviations, so that one odd run does not bend a law; the same
configuration measured again in a later release counts together as little more than one, and a
source with many rows as less than their number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.evidence.sample import Sample
from engine.predictor.columns import Array
from engine.predictor.efficiency import EfficiencyParameter

SPEED_LOG_SD = 0.08
"""Of a prediction for one run, parameters apart."""
MEMORY_LOG_SD = 0.08
STACK_LOG_SD = 0.08
"""Prior of a software stack's own factor of time."""
NOT_PRIORS = ("time_factor", "spread", "whole_run")
"""Rows of the table that a fit makes anew, or that other figures than step times do."""
LARGE_SOURCE_ROWS = 20
_ITERATIONS = 15
_EIGHTY_PERCENT_SDS = 1.2816
_FIXED_BELOW_LOG_SD = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One parameter after the fit; 80% of its uncertainty lies between ``low`` and ``high``."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    estimates: Mapping[str, Estimate]
    stacks: frozenset[str]
    """Software stacks that the fit has seen."""

    @property
    def values(self) -> dict[str, float]:
        return {key: one.value for key, one in self.estimates.items()}


def fit(sample: Sample, parameters: Sequence[EfficiencyParameter]) -> Fit:
    """Fit all parameters to a sample of measured runs.

    ``time_factor`` parameters are made for the stacks in the sample; others of the table are
    dropped, since nothing speaks for them.
    """
    from scipy.optimize import least_squares  # takes longer to load than most commands to run

    stacks = sorted({run.stack.stack for run in sample.runs})
    priors = {
        one.key: (one.prior, one.prior_log_sd)
        for one in parameters
        if one.parameter not in NOT_PRIORS
    }
    priors |= {f"time_factor:{stack}": (1.0, STACK_LOG_SD) for stack in stacks}
    free = [key for key, (_, log_sd) in priors.items() if log_sd > _FIXED_BELOW_LOG_SD]
    centre = np.array([math.log(priors[key][0]) for key in free])
    scale = np.array([priors[key][1] for key in free])
    fixed = {key: value for key, (value, _) in priors.items()}

    def values(z: Array) -> dict[str, float]:
        return fixed | dict(zip(free, np.exp(centre + scale * z).tolist(), strict=True))

    residuals = _residuals(sample, values)
    found = least_squares(residuals, np.zeros(len(free)), max_nfev=_ITERATIONS)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    spread = _EIGHTY_PERCENT_SDS * np.sqrt(np.diag(covariance)) * scale
    fitted = values(found.x)
    estimates = {key: Estimate(value=value, low=value, high=value) for key, value in fixed.items()}
    for key, half in zip(free, spread.tolist(), strict=True):
        value = fitted[key]
        estimates[key] = Estimate(
            value=value, low=value * math.exp(-half), high=value * math.exp(half)
        )
    return Fit(estimates=estimates, stacks=frozenset(stacks))


def _residuals(
    sample: Sample, values: Callable[[Array], dict[str, float]]
) -> Callable[[Array], Array]:
    weights = _weights(sample)
    speed = np.isfinite(sample.measured_tokens_per_s)
    memory = np.isfinite(sample.measured_memory_gb)

    def residuals(z: Array) -> Array:
        predicted = sample.predict(values(z))
        at_speed = np.log(predicted.tokens_per_s / sample.measured_tokens_per_s)[speed]
        at_memory = np.log(predicted.memory_gb / sample.measured_memory_gb)[memory]
        return np.concatenate(
            [
                robust(at_speed * weights[speed] / SPEED_LOG_SD),
                robust(at_memory * weights[memory] / MEMORY_LOG_SD),
                z,
            ]
        )

    return residuals


def robust(residual: Array) -> Array:
    """Square root of twice the pseudo-Huber loss: quadratic within one, linear beyond."""
    signed: Array = np.sign(residual) * np.sqrt(2 * (np.sqrt(1 + residual**2) - 1))
    return signed


def _weights(sample: Sample) -> Array:
    configurations = Counter(sample.configurations)
    sources = Counter(sample.sources)
    return np.array(
        [
            configurations[one] ** -0.5 * max(1.0, sources[source] / LARGE_SOURCE_ROWS) ** -0.25
            for one, source in zip(sample.configurations, sample.sources, strict=True)
        ]
    )

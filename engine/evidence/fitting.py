"""Robust maximum a posteriori fit of the predictor's parameters to measured runs, in logarithms.

Each parameter has a log-normal prior from measurements of single kernels and links, recorded
before any run was predicted (``prior`` columns of ``data/efficiency.csv``). Residuals are
log(predicted ÷ measured). Their loss grows linearly for large residuals, so that a single outlier
has little influence. The residuals of a configuration that was measured n times are divided by √n,
so that together they count as little more than one row. Rows of a large source have a lower weight.
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
"""Standard deviation of log(measured ÷ predicted) for one run, given the parameters."""
MEMORY_LOG_SD = 0.08
"""Standard deviation of log(measured ÷ predicted) memory of a device, given the parameters."""
STACK_LOG_SD = 0.08
"""Standard deviation of the prior of a software stack's time factor, in logarithms."""
NOT_PRIORS = ("time_factor", "spread", "device_spread", "whole_run")
"""Parameters of the table that have no prior: a fit computes them from other figures."""
LARGE_SOURCE_ROWS = 20
"""Rows above which a source's rows have a lower weight."""
_ITERATIONS = 15
_EIGHTY_PERCENT_SDS = 1.2816
_FIXED_BELOW_LOG_SD = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A fitted parameter; ``low`` and ``high`` bound 80% of its uncertainty."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """All fitted parameters."""

    estimates: Mapping[str, Estimate]
    """Fitted parameters by their keys in ``data/efficiency.csv``."""
    stacks: frozenset[str]
    """Software stacks of the fitted runs."""

    @property
    def values(self) -> dict[str, float]:
        """Fitted values by their keys."""
        return {key: estimate.value for key, estimate in self.estimates.items()}


def fit(sample: Sample, parameters: Sequence[EfficiencyParameter]) -> Fit:
    """Fit all parameters to a sample of measured runs.

    The stacks of the sample each get a ``time_factor``. Factors of other stacks in the table are
    dropped, since no run supports them.
    """
    from scipy.optimize import least_squares  # takes longer to load than most commands to run

    stacks = sorted({run.stack.stack for run in sample.runs})
    priors = {
        parameter.key: (parameter.prior, parameter.prior_log_sd)
        for parameter in parameters
        if parameter.parameter not in NOT_PRIORS
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
    """Return √(2·pseudo-Huber loss), signed: linear below 1, like a square root above."""
    signed: Array = np.sign(residual) * np.sqrt(2 * (np.sqrt(1 + residual**2) - 1))
    return signed


def _weights(sample: Sample) -> Array:
    """Return the weight of each row's residual, shape (rows,)."""
    configurations = Counter(sample.configurations)
    sources = Counter(sample.sources)
    return np.array(
        [
            configurations[configuration] ** -0.5
            * max(1.0, sources[source] / LARGE_SOURCE_ROWS) ** -0.25
            for configuration, source in zip(sample.configurations, sample.sources, strict=True)
        ]
    )

"""The accuracy on a task as a function of the loss on it (Bhagia 2024, arXiv:2412.04403).

By equation 2, Acc(L) = a / (1 + exp(-k·(L - L₀))) + b. Here a is bounded to [-1, 0] and k to at
least 0, so that accuracy falls from about b at low loss to a + b, chance, at high loss. The paper
averages each run's checkpoints, drops its first tenth and adds the point (0, 1); here the points
are fitted as given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit
from scipy.stats import t as student_t

from engine.documents import InputError
from engine.scaling.laws import Array

MIN_POINTS = 5
"""Fewest points of a fit: one more than coefficients."""

INTERVAL_SHARE = 0.8
"""Share of new runs that an interval is meant to contain."""

_LOWEST = (-1.0, 0.0, -np.inf, 0.0)
_HIGHEST = (0.0, np.inf, np.inf, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLaw:
    """Law Acc(L) = a / (1 + exp(-k·(L - L0))) + b, with losses in the unit of the points."""

    a: float
    k: float
    L0: float
    b: float
    covariance: tuple[tuple[float, ...], ...]
    """Covariance of (a, k, L0, b), shape (4, 4); inf if the points do not determine one."""
    residual: float
    """Standard deviation of accuracies about the curve, a share."""
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Share of correct answers, with the interval that contains 80% of new runs."""

    value: float
    low: float
    high: float


def fit_task(losses: npt.ArrayLike, accuracies: npt.ArrayLike) -> TaskLaw:
    """Fit the law by least squares within the bounds, from a start that the points suggest.

    Parameters
    ----------
    losses, accuracies
        Shape (points,); task losses in one unit, accuracies as shares.

    Raises
    ------
    InputError
        If there are fewer than five points, lengths differ, or an accuracy is outside 0 to 1.
    """
    x, y = np.asarray(losses, float), np.asarray(accuracies, float)
    if x.size < MIN_POINTS:
        raise InputError("losses", x.tolist(), "too_short", limit=MIN_POINTS)
    if y.shape != x.shape:
        raise InputError("accuracies", f"{y.size} values", "equal", to=f"{x.size} values")
    if not np.all(np.isfinite(x)):
        raise InputError("losses", x.tolist(), "finite")
    if not np.all((y >= 0) & (y <= 1)):
        raise InputError("accuracies", y.tolist(), "between", low=0, high=1)
    spread = np.ptp(x) or 1.0
    start = (y.min() - y.max(), 4 / spread, float(np.median(x)), y.max())
    scale = (0.1, 4 / spread, spread, 0.1)
    found, covariance = curve_fit(
        _curve,
        x,
        y,
        start,
        bounds=(_LOWEST, _HIGHEST),
        jac=_gradient,
        x_scale=scale,
        max_nfev=10_000,
    )
    # SciPy reports a variance of 0 for a coefficient that no point depends on.
    if np.linalg.matrix_rank(_gradient(x, *found) * scale) < len(found):
        covariance = np.full_like(covariance, np.inf)
    rest = y - _curve(x, *found)
    a, k, middle, b = (float(coefficient) for coefficient in found)
    return TaskLaw(
        a=a,
        k=k,
        L0=middle,
        b=b,
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        residual=float(np.sqrt(rest @ rest / (x.size - len(found)))),
        points=x.size,
    )


def accuracy(law: TaskLaw, losses: npt.ArrayLike) -> Array:
    """Return Acc(L) as shares, elementwise."""
    return np.clip(_curve(np.asarray(losses, float), law.a, law.k, law.L0, law.b), 0.0, 1.0)


def predict_accuracy(law: TaskLaw, loss: float) -> Accuracy:
    """Return the accuracy of a new run with this task loss, and its 80% interval.

    The variance is first order in the covariance of the coefficients (the delta method) plus the
    scatter of single runs, with Student's t for points - 4 degrees of freedom. If the points do
    not determine a coefficient, the interval is 0 to 1.
    """
    gradient = _gradient(np.array([loss]), law.a, law.k, law.L0, law.b)[0]
    covariance = np.array(law.covariance)
    is_determined = np.isfinite(covariance).all()
    variance = gradient @ covariance @ gradient + law.residual**2 if is_determined else np.inf
    quantile = student_t.ppf((1 + INTERVAL_SHARE) / 2, law.points - len(gradient))
    half = quantile * np.sqrt(variance)
    value = float(accuracy(law, loss))
    return Accuracy(value=value, low=float(max(0, value - half)), high=float(min(1, value + half)))


def _curve(x: Array, a: float, k: float, middle: float, b: float) -> Array:
    return a * _logistic(x, k, middle) + b


def _gradient(x: Array, a: float, k: float, middle: float, b: float) -> Array:
    """Return the derivatives of the curve by a, k, L0 and b, shape (points, 4)."""
    share = _logistic(x, k, middle)
    slope = a * share * (1 - share)
    return np.stack([share, slope * (x - middle), -slope * k, np.ones_like(x)], axis=1)


def _logistic(x: Array, k: float, middle: float) -> Array:
    """Return the logistic function, by tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(k * (x - middle) / 2))

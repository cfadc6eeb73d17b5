"""Minimisation of the Huber loss of log L̂(N, D), for many weightings of the same runs at once.

The model is log L̂ = log(exp(a − α·x) + exp(b − β·y) + exp(e)), where x and y are the logarithms of
N and D minus their means, so that a and α (b and β) are nearly independent. A start or a bootstrap
sample is one *problem*. All problems are solved together, as arrays whose first axis is the
problem. Letters: P problems, R runs, K = 5 coefficients (a, b, e, α, β).

References: Hoffmann 2022 (arXiv:2203.15556), equation 3 and appendix D.3, for the form and the
Huber loss. The paper uses L-BFGS from a grid of starts; this module uses a damped Newton method
with all second derivatives. The objective is a sum and not a mean (Besiroglu 2024,
arXiv:2404.10102, appendix A), since a mean meets an optimizer's tolerance too early.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.scaling.laws import Array

K = 5
HUBER_DELTA = 1e-3
"""Residual of log L at which the Huber loss becomes linear (Hoffmann 2022)."""
_MAX_STEPS = 200
_TOLERANCE = 1e-9
"""Relative decrease of the objective below which a problem is solved."""
_MOST_DAMPING = 1e8
_TIED = np.eye(K)[[0, 1, 2, 3]]
_TIED[3, 4] = 1.0
"""Directions of a tied law (α = β): one row for each of a, b, e and the exponent."""


@dataclass(frozen=True, slots=True)
class Data:
    """Centred runs, arrays of shape (R,)."""

    x: Array
    """Values of log N minus its mean."""
    y: Array
    """Values of log D minus its mean."""
    z: Array
    """Values of log L."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal distributions of the coefficients."""

    mean: Array
    """Means, shape (K,), or (P, K) if each problem has its own."""
    weight: Array
    """Weights of half the squared distance from the mean in the objective, shape (K,). A weight of
    0 leaves a coefficient free."""

    def of(self, problems: npt.NDArray[np.intp]) -> Prior:
        """Return the prior of some of the problems."""
        return self if self.mean.ndim == 1 else Prior(self.mean[problems], self.weight)

    def cost(self, theta_PK: Array) -> Array:
        """Return the prior's addition to the objective, shape (P,)."""
        cost: Array = 0.5 * ((theta_PK - self.mean) ** 2 @ self.weight)
        return cost


NO_PRIOR = Prior(np.zeros(K), np.zeros(K))


def predict_log_loss(theta_PK: Array, x: Array, y: Array) -> Array:
    """Return log L̂, shape (P, R)."""
    return _log_sum(_exponents(theta_PK, x, y))


def solve(
    data: Data,
    weights_PR: Array,
    start_PK: Array,
    prior: Prior = NO_PRIOR,
    *,
    tied: bool = False,
) -> Array:
    """Return the coefficients that minimise Σ weight · Huber(log L̂ − log L), shape (P, K).

    Each problem begins at its own start. Weights are the counts of a bootstrap sample, or 1.
    ``tied`` keeps α = β, which the starts must satisfy.
    """
    theta = start_PK.copy()
    moves = _TIED if tied else np.eye(K)
    n_problems = len(theta)
    damping = np.full(n_problems, 1e-3)
    value = objective(data, weights_PR, theta, prior)
    active = np.arange(n_problems)
    for _ in range(_MAX_STEPS):
        own = prior.of(active)
        gradient, curvature, scale = _derivatives(data, weights_PR[active], theta[active], own)
        # The step is computed in the free coordinates and converted back.
        step = _damped_step(
            gradient @ moves.T, moves @ curvature @ moves.T, scale @ moves.T, damping[active]
        )
        step = step @ moves
        tried = theta[active] + step
        tried_value = objective(data, weights_PR[active], tried, own)
        better = tried_value < value[active]
        fall = np.where(better, value[active] - tried_value, 0.0)
        still = ~better | (fall > _TOLERANCE * value[active])
        accepted = active[better]
        theta[accepted], value[accepted] = tried[better], tried_value[better]
        damping[active] *= np.where(better, 0.2, 8.0)
        np.clip(damping, 1e-9, None, out=damping)
        active = active[still & (damping[active] < _MOST_DAMPING)]
        if not len(active):
            break
    return theta


def objective(data: Data, weights_PR: Array, theta_PK: Array, prior: Prior = NO_PRIOR) -> Array:
    """Return the weighted sum of Huber losses plus the prior's cost, shape (P,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        residual = np.abs(predict_log_loss(theta_PK, data.x, data.y) - data.z)
        linear = residual - HUBER_DELTA / 2
        huber = np.where(residual < HUBER_DELTA, 0.5 * residual**2, HUBER_DELTA * linear)
        total: Array = np.einsum("pr,pr->p", weights_PR, huber) + prior.cost(theta_PK)
    return np.where(np.isfinite(total), total, np.inf)


def _exponents(theta_PK: Array, x: Array, y: Array) -> Array:
    """Return the logarithms of the law's three terms, shape (3, P, R)."""
    a, b, e, alpha, beta = (theta_PK[:, k, None] for k in range(K))
    return np.stack([a - alpha * x, b - beta * y, np.broadcast_to(e, (len(e), len(x)))])


def _log_sum(terms_3PR: Array) -> Array:
    """Return the logarithm of the sum of the exponentials of three terms, shape (P, R)."""
    top = terms_3PR.max(axis=0)
    total: Array = top + np.log(np.exp(terms_3PR - top).sum(axis=0))
    return total


def _derivatives(
    data: Data, weights_PR: Array, theta_PK: Array, prior: Prior
) -> tuple[Array, Array, Array]:
    """Return gradient (P, K) and Hessian (P, K, K) of the objective, and a damping scale (P, K).

    Each term of the law is exp(u·θ) with a constant vector u for each run. The gradient of log L̂ is
    therefore Σ p·u, and its Hessian is Σ p·u·uᵀ minus the outer square of the gradient, where p is
    each term's share of L̂.
    """
    terms = _exponents(theta_PK, data.x, data.y)
    predicted = _log_sum(terms)
    share = np.exp(terms - predicted)
    residual = predicted - data.z
    slope = np.clip(residual, -HUBER_DELTA, HUBER_DELTA)
    quadratic = weights_PR * (np.abs(residual) < HUBER_DELTA)
    pull = weights_PR * slope
    majorized = weights_PR * HUBER_DELTA / np.maximum(np.abs(residual), HUBER_DELTA)
    x, y = data.x, data.y
    jacobian = np.stack(
        [share[0], share[1], share[2], -share[0] * x, -share[1] * y], axis=2
    )  # (P, R, K)
    gradient = np.einsum("pr,prk->pk", pull, jacobian)
    curvature = _outer_sum(quadratic - pull, jacobian)
    curvature += _second_moments(pull[None] * share, x, y)
    scale = np.einsum("pr,prk->pk", majorized, jacobian**2)
    gradient += prior.weight * (theta_PK - prior.mean)
    diagonal = np.arange(K)
    curvature[:, diagonal, diagonal] += prior.weight
    return gradient, curvature, scale + prior.weight


def _outer_sum(weight_PR: Array, jacobian_PRK: Array) -> Array:
    """Return Σ over runs of weight · j·jᵀ, shape (P, K, K)."""
    weighted = weight_PR[:, :, None] * jacobian_PRK
    summed: Array = np.matmul(weighted.transpose(0, 2, 1), jacobian_PRK)
    return summed


def _second_moments(pull_3PR: Array, x: Array, y: Array) -> Array:
    """Return Σ over runs and terms of pull · u·uᵀ, shape (P, K, K).

    The vectors u of the three terms are (1, 0, 0, −x, 0), (0, 1, 0, 0, −y) and (0, 0, 1, 0, 0).
    """
    first, second, third = pull_3PR
    found = np.zeros((len(first), K, K))
    found[:, 0, 0] = first.sum(1)
    found[:, 0, 3] = found[:, 3, 0] = -(first @ x)
    found[:, 3, 3] = first @ x**2
    found[:, 1, 1] = second.sum(1)
    found[:, 1, 4] = found[:, 4, 1] = -(second @ y)
    found[:, 4, 4] = second @ y**2
    found[:, 2, 2] = third.sum(1)
    return found


def _damped_step(gradient: Array, curvature: Array, scale: Array, damping: Array) -> Array:
    """Return −(H + λ·scale)⁻¹·g, or the scaled negative gradient if that leads uphill, (P, K)."""
    diagonal = np.arange(gradient.shape[1])
    damped = curvature.copy()
    # A floor for coefficients that no run determines.
    floor = scale.max(axis=1, keepdims=True) * 1e-12 + 1e-300
    damped[:, diagonal, diagonal] += damping[:, None] * scale + floor
    step = -np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
    uphill = np.einsum("pk,pk->p", step, gradient) >= 0
    downhill = -gradient / (scale + floor) / (1 + damping[:, None])
    chosen: Array = np.where(uphill[:, None], downhill, step)
    return chosen

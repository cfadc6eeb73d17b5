"""Approach 2 on a table of runs: the best size at each compute budget, and its growth with C.

References: Hoffmann 2022 (arXiv:2203.15556), section 3.2, for parabolas in log N. Czech 2026
(arXiv:2603.22339) describes their bias: the curve of the law is no parabola, so that on a wide grid
(with α ≠ β) or off its centre the fitted minimum differs from the true optimum.
Letters: R runs of one budget, u = log N less its mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.scaling.approaches import MIN_OPTIMA, PowerLaw, fit_power_law
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Array, Law, compute_optimal, loss

MIN_SIZES = 3
"""Fewest different sizes of a budget: three points determine a parabola."""

SAME_BUDGET_LOG10 = 0.05
"""Largest difference of log10 C within a budget. Runs miss their budget by a few percent, since
sizes and steps are whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parabola:
    """Minimum of the least-squares parabola L = a + b·u + c·u², with errors from the residuals."""

    parameters: float
    parameters_relative_error: float | None
    """Standard error of log N; None for three runs, which leave no residuals."""
    loss: float
    """Loss at the minimum, in nats per token."""
    loss_error: float | None
    """Standard error of the loss; None for three runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptimum:
    """The best size of one compute budget."""

    training_flops: float
    """Geometric mean of the runs' FLOPs."""
    runs: int
    minimum: Parabola
    tokens: float
    tokens_relative_error: float | None
    inside_grid: bool
    """Whether the minimum is between the smallest and the largest model trained."""
    bias_share: float | None
    """Distance of the parabola's minimum from the optimum of the law fitted to all runs, as a share
    of N_opt; None without a law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IsoflopFit:
    """Best sizes of all budgets, and power laws through them."""

    budgets: tuple[BudgetOptimum, ...]
    """Optima, the smallest budget first."""
    budgets_without_minimum: tuple[float, ...]
    """FLOPs of budgets whose losses curve downwards in log N."""
    runs_left_out: int
    """Number of runs in budgets with fewer than three sizes."""
    parameters_law: PowerLaw | None
    """Power law N_opt ∝ C^a of the minima inside their grids; None with fewer than three."""
    tokens_law: PowerLaw | None
    """Power law D_opt ∝ C^b of the same minima."""


def fit_isoflops(
    parameters: npt.ArrayLike,
    tokens: npt.ArrayLike,
    losses: npt.ArrayLike,
    training_flops: npt.ArrayLike,
    *,
    law: Law | None = None,
    same_budget_log10: float = SAME_BUDGET_LOG10,
) -> IsoflopFit:
    """Fit the optimum of each compute budget and the power laws through the optima.

    Parameters
    ----------
    parameters, tokens, losses, training_flops
        Shape (runs,); losses in nats per token. FLOPs need not be 6·N·D: tokens at the optimum
        come from a line through log D over log N of the budget's runs.
    law
        Law fitted to all runs, for the bias of each budget.
    same_budget_log10
        Largest difference of log10 C between runs of one budget.

    Raises
    ------
    InputError
        If lengths differ, a value is not above 0, or no budget has three sizes.
    """
    given = {
        "parameters": np.asarray(parameters, float),
        "tokens": np.asarray(tokens, float),
        "losses": np.asarray(losses, float),
        "training_flops": np.asarray(training_flops, float),
    }
    n, d, y, c = given.values()
    for field, values in given.items():
        if values.shape != n.shape:
            raise InputError(field, f"{values.size} values", "equal", to=f"{n.size} values")
        if not np.all(values > 0):
            raise InputError(field, values.tolist(), "greater_than", limit=0)
    groups = group_budgets(c, same_budget_log10)
    usable = [group for group in groups if np.unique(n[group]).size >= MIN_SIZES]
    if not usable:
        raise InputError("runs", n.size, "no_isoflop", least=MIN_SIZES)
    found = [(group, _optimum(n[group], d[group], y[group], c[group], law)) for group in usable]
    budgets = tuple(best for _, best in found if best is not None)
    inside = [best for best in budgets if best.inside_grid]
    flops = [best.training_flops for best in inside]
    enough = len(inside) >= MIN_OPTIMA
    return IsoflopFit(
        budgets=budgets,
        budgets_without_minimum=tuple(_mean(c[group]) for group, best in found if best is None),
        runs_left_out=n.size - sum(group.size for group in usable),
        parameters_law=(
            fit_power_law(flops, [best.minimum.parameters for best in inside]) if enough else None
        ),
        tokens_law=fit_power_law(flops, [best.tokens for best in inside]) if enough else None,
    )


def group_budgets(
    training_flops: Array, same_budget_log10: float = SAME_BUDGET_LOG10
) -> list[npt.NDArray[np.intp]]:
    """Return the indices of the runs of each budget, the smallest budget first.

    The runs of a budget differ by at most ``same_budget_log10`` in log10 C.
    """
    log_c = np.log10(training_flops)
    groups: list[list[int]] = []
    for run in np.argsort(log_c):
        if groups and log_c[run] - log_c[groups[-1][0]] <= same_budget_log10:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [np.array(group, np.intp) for group in groups]


def fit_parabola(parameters: Array, losses: Array) -> Parabola | None:
    """Fit a parabola to arrays of shape (R,), R ≥ 3, by least squares; None without a minimum.

    Errors are first order in the variance of the residuals, which has R - 3 degrees of freedom.
    At u* = -b / (2c), the gradient of u* is (0, -1, b/c) / (2c) and that of the loss (1, u*, u*²).
    """
    log_n = np.log(parameters)
    u = log_n - log_n.mean()
    design = np.vander(u, 3, increasing=True)
    a, b, c = np.linalg.lstsq(design, losses)[0]
    if not c > 0:
        return None
    at = -b / (2 * c)
    gradients = np.array([[0, -1 / (2 * c), b / (2 * c**2)], [1, at, at**2]])
    errors: list[float | None] = [None, None]
    if u.size > MIN_SIZES:
        rest = losses - design @ (a, b, c)
        covariance = rest @ rest / (u.size - 3) * np.linalg.inv(design.T @ design)
        errors = np.sqrt(np.einsum("ij,jk,ik->i", gradients, covariance, gradients)).tolist()
    return Parabola(
        parameters=float(np.exp(log_n.mean() + at)),
        parameters_relative_error=errors[0],
        loss=float(a + b * at / 2),
        loss_error=errors[1],
    )


def parabola_bias(law: Law, grid_parameters: npt.ArrayLike, training_flops: float) -> float | None:
    """Return the error of approach 2 for noiseless runs of ``law``, as a share of N_opt.

    The parabola is fitted to the losses of the law at ``grid_parameters``, shape (R,), and
    D = C / (6·N). The result is None if the grid is so narrow that rounding hides the curvature.

    Raises
    ------
    InputError
        As :func:`engine.scaling.laws.compute_optimal`.
    """
    grid = np.asarray(grid_parameters, float)
    tokens = training_flops / (FLOPS_PER_PARAMETER_AND_TOKEN * grid)
    fitted = fit_parabola(grid, loss(law, grid, tokens))
    if fitted is None:
        return None
    return fitted.parameters / compute_optimal(law, training_flops).parameters - 1


def _optimum(n: Array, d: Array, y: Array, c: Array, law: Law | None) -> BudgetOptimum | None:
    minimum = fit_parabola(n, y)
    if minimum is None:
        return None
    slope, intercept = np.polyfit(np.log(n), np.log(d), 1)
    error = minimum.parameters_relative_error
    # The law uses C = 6·N·D, which may differ from the FLOPs of the runs.
    bias = parabola_bias(law, n, _mean(FLOPS_PER_PARAMETER_AND_TOKEN * n * d)) if law else None
    return BudgetOptimum(
        training_flops=_mean(c),
        runs=n.size,
        minimum=minimum,
        tokens=float(np.exp(intercept + slope * np.log(minimum.parameters))),
        tokens_relative_error=None if error is None else float(abs(slope)) * error,
        inside_grid=bool(n.min() <= minimum.parameters <= n.max()),
        bias_share=bias,
    )


def _mean(values: Array) -> float:
    return float(np.exp(np.log(values).mean()))

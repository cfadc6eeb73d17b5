"""Backtests: errors of predictions of large runs from small runs, on published sets.

A set is divided at a share of its largest compute. Runs above it are predicted from the runs
below and compared with their measured losses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.scaling.extrapolation import PriorChoice, extrapolation
from engine.scaling.runs import TrainingRuns

USUAL_CUT = 30.0
"""Compute of the largest run over that of the largest fitted run."""
LEAST_RUNS = 6
"""Fewest different small runs of a set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Errors of one method on the large runs of one set."""

    n_fitted: int
    n_predicted: int
    error: float
    """Mean of |predicted ÷ measured − 1|."""
    bias: float
    """Mean of predicted ÷ measured − 1."""
    coverage: float
    """Share of the large runs inside the 95% bounds."""
    width: float
    """Mean distance of the upper bound from the prediction, as a share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBacktest:
    """Errors of each method on one set."""

    name: str
    plain: Backtest
    """Errors of the Huber fit and its bootstrap, with equal weights of all runs."""
    weak_prior: Backtest
    """Errors of the app's predictions, with weights and the weak prior."""
    floor: float
    """Error of the plain law fitted to all runs, the large ones included."""


def split(runs: TrainingRuns, cut: float) -> tuple[TrainingRuns, TrainingRuns]:
    """Return the runs of at most 1/``cut`` of the largest compute, and the others."""
    small = runs.flops <= runs.flops.max() / cut * (1 + 1e-6)  # printed figures are rounded
    return runs.subset(small), runs.subset(~small)


def backtest(small: TrainingRuns, large: TrainingRuns, prior: PriorChoice) -> Backtest:
    """Predict ``large`` from ``small``."""
    predicted = extrapolation(small, prior=prior).predict(
        large.parameters, large.tokens, large.unique_tokens
    )
    error = predicted.loss / large.loss - 1
    inside = (predicted.low <= large.loss) & (large.loss <= predicted.high)
    return Backtest(
        n_fitted=small.n_runs,
        n_predicted=large.n_runs,
        error=float(np.abs(error).mean()),
        bias=float(error.mean()),
        coverage=float(inside.mean()),
        width=float((predicted.high / predicted.loss - 1).mean()),
    )


def backtest_sets(
    sets: Iterable[tuple[str, TrainingRuns]], cut: float = USUAL_CUT
) -> list[SetBacktest]:
    """Backtest each set that has six different runs up to the cut, and any above it."""
    found = []
    for name, runs in sets:
        small, large = split(runs, cut)
        if small.n_points < LEAST_RUNS or not large.n_runs:
            continue
        whole = extrapolation(runs, prior="none", draws=2).predict(
            large.parameters, large.tokens, large.unique_tokens
        )
        found.append(
            SetBacktest(
                name=name,
                plain=backtest(small, large, "none"),
                weak_prior=backtest(small, large, "weak"),
                floor=float(np.abs(whole.loss / large.loss - 1).mean()),
            )
        )
    return found

"""Cautions about runs and about a law fitted to them.

Each caution has a key below ``scaling_caution`` in the message catalogs. The limits are judgement,
not theorems.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.quantities import count
from engine.scaling.laws import Law, compute_optimal
from engine.scaling.runs import TrainingRuns, training_flops
from engine.text import catalog

FEW_RUNS = 6
FEW_SIZES = 3
ONE_RATIO = 2.0
"""Factor between tokens per parameter below which only noise distinguishes N from D."""
MIXED_COUNTS = 1.5
FAR_TIMES = 30.0
"""Factor over the compute of the largest run above which a prediction is far."""
LOW_FLOOR_SHARE = 0.1
LOW_FLOOR_NATS = math.exp(-3)
FLAT_EXPONENT = 0.01
OUTSIDE_TIMES = 2.0
"""Factor beyond the range of the runs above which an optimum is outside."""
_STEPS_PER_TOKEN_SPREAD = 1.05
_NUMBERED = re.compile(r"(.*\D)(\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A key below ``scaling_caution`` in the catalogs, and the values of its placeholders."""

    key: str
    params: dict[str, float]

    def in_language(self, language: str) -> str:
        """Return the caution as a sentence that states its meaning and a remedy."""
        shown = {name: count(value, language) for name, value in self.params.items()}
        return catalog(language)(f"scaling_caution.{self.key}", **shown)


class Target(Protocol):
    """A point to predict: an ``Allocation``, runs, or any object with these two properties."""

    @property
    def parameters(self) -> npt.ArrayLike: ...
    @property
    def tokens(self) -> npt.ArrayLike: ...


def cautions(
    runs: TrainingRuns, law: Law | None = None, *, predict: Target | None = None
) -> tuple[Caution, ...]:
    """Return the reasons not to trust numbers from these runs.

    Parameters
    ----------
    law
        Law fitted to the runs; None before a fit.
    predict
        Point that the law predicts.
    """
    found = [*_of_design(runs), *_of_counts(runs), *_of_schedules(runs)]
    if predict is not None:
        found += _of_target(runs, predict)
    if law is not None:
        found += [*_of_law(runs, law), *_of_optimum(runs, law, predict)]
    return tuple(found)


def _of_design(runs: TrainingRuns) -> Iterator[Caution]:
    if runs.n_runs < FEW_RUNS:
        yield Caution(key="few_runs", params={"n_runs": runs.n_runs})
    n_sizes = len(np.unique(runs.parameters))
    if n_sizes < FEW_SIZES:
        yield Caution(key="few_sizes", params={"n_sizes": n_sizes, "least": FEW_SIZES})
    per_parameter = runs.tokens / runs.parameters
    if per_parameter.max() < ONE_RATIO * per_parameter.min():
        yield Caution(key="one_ratio", params={"ratio": float(np.median(per_parameter))})


def _of_counts(runs: TrainingRuns) -> Iterator[Caution]:
    times = runs.flops / training_flops(runs.parameters, runs.tokens)
    low, high = float(times.min()), float(times.max())
    if not runs.counting_stated and high > MIXED_COUNTS * low:
        yield Caution(key="mixed_counts", params={"low": low, "high": high})
    if runs.unique_tokens is not None:
        epochs = runs.tokens / runs.unique_tokens
        n_repeating = int((epochs > 1).sum())
        if n_repeating:
            params = {"n_runs": n_repeating, "epochs": float(epochs.max())}
            yield Caution(key="repeated_tokens", params=params)


def _of_schedules(runs: TrainingRuns) -> Iterator[Caution]:
    if runs.annealed is False:
        yield Caution(key="not_annealed", params={})
    elif runs.annealed is None:
        models = list(_checkpoints(runs))
        if models:
            n_rows = sum(len(rows) for rows in models)
            yield Caution(key="checkpoints", params={"n_rows": n_rows, "n_models": len(models)})


def _checkpoints(runs: TrainingRuns) -> Iterator[list[int]]:
    """Yield rows that appear to be one run at several steps.

    They have the same size, and either one name for different tokens or names whose last number,
    the step, grows in proportion to the tokens.
    """
    named, numbered = defaultdict(list), defaultdict(list)
    for row, (name, size) in enumerate(zip(runs.names, runs.parameters, strict=True)):
        named[name, size].append(row)
        match = _NUMBERED.fullmatch(name)
        if match and int(match[2]):
            numbered[match[1], size].append((row, runs.tokens[row] / int(match[2])))
    for rows in named.values():
        if len(np.unique(runs.tokens[rows])) > 1:
            yield rows
    for pairs in numbered.values():
        tokens_per_step = [ratio for _, ratio in pairs]
        rows = [row for row, _ in pairs]
        steady = max(tokens_per_step) < _STEPS_PER_TOKEN_SPREAD * min(tokens_per_step)
        # At least three, since runs 1 and 2 may have trained on one and two billion tokens.
        if steady and len(np.unique(runs.tokens[rows])) >= 3:
            yield rows


def _of_target(runs: TrainingRuns, target: Target) -> Iterator[Caution]:
    times = _most_flops(target) / _most_flops(runs)
    if times > FAR_TIMES:
        yield Caution(key="far_extrapolation", params={"times": times, "limit": FAR_TIMES})


def _of_law(runs: TrainingRuns, law: Law) -> Iterator[Caution]:
    low_floor = max(LOW_FLOOR_SHARE * float(runs.loss.min()), LOW_FLOOR_NATS)
    if low_floor > law.E:
        yield Caution(key="low_floor", params={"E": law.E})
    if law.alpha <= FLAT_EXPONENT:
        yield Caution(key="flat_alpha", params={"alpha": law.alpha})
    if law.beta <= FLAT_EXPONENT:
        yield Caution(key="flat_beta", params={"beta": law.beta})


def _of_optimum(runs: TrainingRuns, law: Law, target: Target | None) -> Iterator[Caution]:
    """Warn if the optimum is outside the runs, for the target's compute or that of the largest run.

    The smaller of the two is used, since every optimum of a larger budget is outside.
    """
    if min(law.A, law.B, law.alpha, law.beta) <= 0:
        return
    flops = min(_most_flops(runs), math.inf if target is None else _most_flops(target))
    best = compute_optimal(law, flops)
    if not (_covers(runs.parameters, best.parameters) and _covers(runs.tokens, best.tokens)):
        params = {"flops": flops, "parameters": best.parameters, "tokens": best.tokens}
        yield Caution(key="optimum_outside", params=params)


def _covers(values: npt.NDArray[np.float64], wanted: float) -> bool:
    return bool(values.min() / OUTSIDE_TIMES <= wanted <= values.max() * OUTSIDE_TIMES)


def _most_flops(target: Target) -> float:
    """Return the largest 6·N·D; FLOPs of tables follow other conventions."""
    parameters, tokens = np.asarray(target.parameters, float), np.asarray(target.tokens, float)
    return float(np.max(training_flops(parameters, tokens)))

"""Published results of the three approaches of Hoffmann 2022 (arXiv:2203.15556).

Power laws are fitted to optima as in their approaches 1 and 2. Their parameters include
embeddings; their FLOPs are 6·N·D to about a tenth (table A4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from engine.documents import InputError
from engine.facts import Confidence, Fact, read_facts
from engine.paths import DATA_DIR
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN

Approach = Literal[1, 2, 3]

MIN_OPTIMA = 3
"""Fewest points of a line with a standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponents:
    """N_opt ∝ C^a and D_opt ∝ C^b, each with its 10th and 90th bootstrap percentile."""

    parameters: Interval
    tokens: Interval


PUBLISHED_EXPONENTS: dict[Approach, Exponents] = {
    1: Exponents(
        parameters=Interval(value=0.50, low=0.488, high=0.502),
        tokens=Interval(value=0.50, low=0.501, high=0.512),
    ),
    2: Exponents(
        parameters=Interval(value=0.49, low=0.462, high=0.534),
        tokens=Interval(value=0.51, low=0.483, high=0.529),
    ),
    3: Exponents(
        parameters=Interval(value=0.46, low=0.454, high=0.455),
        tokens=Interval(value=0.54, low=0.542, high=0.543),
    ),
}
"""Table 2 as printed; by rounding, two of the values are just outside their intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """The best allocation of a budget, without its loss."""

    training_flops: float
    parameters: float
    tokens: float

    @property
    def tokens_per_parameter(self) -> float:
        """Ratio D/N."""
        return self.tokens / self.parameters


class PublishedOptimum(Fact):
    """One row of table 3 (approach 1) or A3 (approaches 2 and 3)."""

    approach: Annotated[int, Field(ge=1, le=3)]
    parameters: float
    training_flops: float
    tokens: float
    """Tokens as printed: rounded, to two digits in the trillions."""
    confidence: Confidence
    notes: str


@cache
def published_optima(approach: Approach) -> tuple[PublishedOptimum, ...]:
    """Return the rows of one approach, the smallest budget first."""
    rows = read_facts(DATA_DIR / "scaling_approaches.csv", PublishedOptimum)
    return tuple(sorted((r for r in rows if r.approach == approach), key=lambda r: r.parameters))


def compute_optimal_table(approach: Approach, training_flops: float) -> Optimum:
    """Return the optimum of ``training_flops`` between the printed rows of ``approach``.

    N is interpolated linearly in log C and log N. D is C / (6·N), as in the rows' FLOPs; the
    printed tokens have fewer digits.

    Raises
    ------
    InputError
        If the budget is outside the table.
    """
    rows = published_optima(approach)
    low, high = rows[0].training_flops, rows[-1].training_flops
    if not low <= training_flops <= high:
        raise InputError("training_flops", training_flops, "between", low=low, high=high)
    log_parameters = np.interp(
        np.log(training_flops),
        np.log([row.training_flops for row in rows]),
        np.log([row.parameters for row in rows]),
    )
    parameters = float(np.exp(log_parameters))
    tokens = training_flops / (FLOPS_PER_PARAMETER_AND_TOKEN * parameters)
    return Optimum(training_flops=training_flops, parameters=parameters, tokens=tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """y = k·C^exponent, C in FLOPs."""

    scale: float
    """Factor k, in units of y."""
    exponent: float
    exponent_standard_error: float
    points: int

    def at(self, training_flops: float) -> float:
        """Return y at a budget."""
        return float(self.scale * training_flops**self.exponent)


def fit_power_law(training_flops: npt.ArrayLike, optima: npt.ArrayLike) -> PowerLaw:
    """Fit log y to log C by least squares (Hoffmann 2022, sections 3.1 and 3.2).

    Parameters
    ----------
    training_flops, optima
        Shape (points,): budgets in FLOPs, and N_opt or D_opt at each.

    Raises
    ------
    InputError
        If there are fewer than three budgets, or a value is not above 0.
    """
    from scipy.stats import linregress  # takes longer to load than most pages to open

    c, y = np.asarray(training_flops, float), np.asarray(optima, float)
    if np.unique(c).size < MIN_OPTIMA:
        raise InputError("training_flops", c.tolist(), "too_few_budgets", least=MIN_OPTIMA)
    for field, values in (("training_flops", c), ("optima", y)):
        if not np.all(values > 0):
            raise InputError(field, float(values.min()), "greater_than", limit=0)
    line = linregress(np.log(c), np.log(y))
    return PowerLaw(
        scale=float(np.exp(line.intercept)),
        exponent=float(line.slope),
        exponent_standard_error=float(line.stderr),
        points=c.size,
    )

"""The expected loss of a plan, by a published law, with bounds that were tested on published runs.

The bounds span the published fits of the law, widened by the scatter of runs around their own law.
Above the fitted range, each term A/N^α or B/D^β falls from its value at the edge with an unknown
exponent between a quarter of the law's and four times it, so that the bounds widen with the
distance from the edge.

``tests/engine/scaling/test_expected.py`` measures the coverage of this rule on the published sets:
laws fitted to small runs predict runs with up to 64 times the tokens or parameters. At every
distance, the bounds contain at least 80% of the runs, in the mean over the sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.facts import LossCoefficients, loss_coefficients
from engine.scaling.laws import Law, loss

RUN_SCATTER = 0.03
"""Relative width of the bounds around the span of the fits. 80% of the runs of a source are within
2.5% of a law fitted to them (median over the sources of ``data/scaling/``); the rest covers the
error of a law that was fitted to smaller runs."""
EXPONENT_TIMES = 4.0
"""Factor by which the exponent of an extrapolated term may be larger or smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRange:
    """Range of the runs that a law was fitted to."""

    min_parameters: float
    max_parameters: float
    min_tokens: float
    max_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLoss:
    """Loss in nats per token, with 80% bounds."""

    value: float
    low: float
    high: float
    extrapolated: bool
    """Whether the plan is outside the runs that the law was fitted to."""


def expected_loss(
    law: LossCoefficients, parameters: float, tokens: float, vocab: int
) -> ExpectedLoss:
    """Return the loss by ``law``, with bounds from all fits that count parameters alike.

    A uniform guess has the loss ln(vocab), which limits all values; far below the fitted range
    the law itself would exceed it.
    """
    ceiling = math.log(vocab)
    fits = (
        (other, range_of(other))
        for other in loss_coefficients().values()
        if other.parameters_counted == law.parameters_counted
    )
    low, high = loss_bounds(fits, parameters, tokens)
    fitted = range_of(law)
    return ExpectedLoss(
        value=min(float(loss(law, parameters, tokens)), ceiling),
        low=min(ceiling, low),
        high=min(ceiling, high),
        extrapolated=not (
            fitted.min_parameters <= parameters <= fitted.max_parameters
            and fitted.min_tokens <= tokens <= fitted.max_tokens
        ),
    )


def range_of(law: LossCoefficients) -> FittedRange:
    """Return the range of the runs that a published law was fitted to."""
    return FittedRange(
        min_parameters=law.min_parameters,
        max_parameters=law.max_parameters,
        min_tokens=law.min_tokens,
        max_tokens=law.max_tokens,
    )


def loss_bounds(
    fits: Iterable[tuple[Law, FittedRange]], parameters: float, tokens: float
) -> tuple[float, float]:
    """Return the low and the high bound of the loss by several fits of one law."""
    bounds = [
        [_bound(law, fitted, parameters, tokens, side) for side in ("low", "high")]
        for law, fitted in fits
    ]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return low / (1 + RUN_SCATTER), high * (1 + RUN_SCATTER)


def _bound(
    law: Law,
    fitted: FittedRange,
    parameters: float,
    tokens: float,
    side: Literal["low", "high"],
) -> float:
    """Return the loss with each extrapolated term at its smallest or its largest."""
    return float(
        loss(
            law,
            _as_if(parameters, fitted.min_parameters, fitted.max_parameters, side),
            _as_if(tokens, fitted.min_tokens, fitted.max_tokens, side),
        )
    )


def _as_if(amount: float, least: float, most: float, side: Literal["low", "high"]) -> float:
    """Return the parameters or tokens at which the law's term has the bound.

    Above the fitted range, the term is its value at the edge times (amount/edge)^(−α·k), which is
    the law's term at edge·(amount/edge)^k. Below the range, the term is between 0 and the law's
    value.
    """
    if amount > most:
        times = EXPONENT_TIMES if side == "low" else 1 / EXPONENT_TIMES
        return most * float((amount / most) ** times)
    return math.inf if amount < least and side == "low" else amount

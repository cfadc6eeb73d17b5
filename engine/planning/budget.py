"""Models for a training budget: of the same budget, or of the same loss, to be compared.

References: Hoffmann 2022 (arXiv:2203.15556), equation 4 and section 3.2, for the frontier and for
curves of equal compute; Sardana 2023 (arXiv:2401.00448) for the choice that counts serving.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.forecast import Figure
from engine.planning.prices import Prices
from engine.planning.spending import (
    Budget,
    compute_optimal_for_budget,
    inference_aware_for_budget,
    over_trained_for_budget,
)
from engine.scaling.laws import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Allocation,
    Array,
    Law,
    compute_optimal,
    loss,
)
from engine.scaling.lifetime import require_served_tokens

Kind = Literal["compute_optimal", "over_trained", "inference_aware"]

BOUNDS_PERCENT = (10, 90)
"""Percentiles of an ensemble between which 80% of its values lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One model for the budget, with its loss and cost."""

    kind: Kind
    parameters: float
    parameters_low: float | None
    """10th percentile of the sizes that the laws of the ensemble choose; None without ensemble."""
    parameters_high: float | None
    """90th percentile of those sizes."""
    tokens: float
    loss: float
    """Predicted loss in nats per token."""
    loss_low: float | None
    """10th percentile of the ensemble's losses for this model; None without ensemble."""
    loss_high: float | None
    """90th percentile of those losses."""
    loss_penalty: float
    """Loss above that of the compute-optimal model of the same budget, in nats per token."""
    device_hours: Figure
    training_usd: Figure
    serving_usd: Figure | None
    """Cost of serving over the lifetime; None if the serving devices cannot hold the model."""

    @property
    def training_flops(self) -> float:
        """Training FLOPs as the law counts them, 6·N·D."""
        return FLOPS_PER_PARAMETER_AND_TOKEN * self.parameters * self.tokens

    @property
    def tokens_per_parameter(self) -> float:
        """Ratio of training tokens to parameters."""
        return self.tokens / self.parameters

    @property
    def total_usd(self) -> Figure | None:
        """Cost of training and serving in USD.

        The bounds are added, because both costs are predicted from the same efficiencies.
        """
        train, serve = self.training_usd, self.serving_usd
        if serve is None:
            return None
        return Figure(
            value=train.value + serve.value,
            low=train.low + serve.low,
            high=train.high + serve.high,
        )


def choices(
    law: Law,
    budget: Budget,
    prices: Prices,
    *,
    over_training_ratio: float,
    served_tokens: float,
    ensemble: Sequence[Law] = (),
) -> tuple[Choice, ...]:
    """Return the compute-optimal, the over-trained and the inference-aware model.

    Parameters
    ----------
    over_training_ratio
        Tokens per parameter of the over-trained model.
    served_tokens
        Input and output tokens over the lifetime.
    ensemble
        Other laws that fit the runs, for example from a bootstrap. They give the bounds.

    Raises
    ------
    InputError
        If the budget leads to no model; see :mod:`engine.planning.spending`.
    """
    require_served_tokens(served_tokens)
    allocate: dict[Kind, Callable[[Law], Allocation]] = {
        "compute_optimal": lambda fitted: compute_optimal_for_budget(fitted, budget, prices),
        "over_trained": lambda fitted: over_trained_for_budget(
            fitted, budget, prices, over_training_ratio
        ),
        "inference_aware": lambda fitted: inference_aware_for_budget(
            fitted, budget, prices, served_tokens
        ),
    }
    least_loss = allocate["compute_optimal"](law).loss
    return tuple(
        _choice(kind, allocation_of, law, prices, served_tokens, ensemble, least_loss)
        for kind, allocation_of in allocate.items()
    )


def frontier(law: Law, training_flops: npt.ArrayLike) -> tuple[Allocation, ...]:
    """Return the compute-optimal model for each training budget in FLOPs."""
    return tuple(compute_optimal(law, float(flops)) for flops in np.ravel(training_flops))


def isoflop_curves(law: Law, training_flops: npt.ArrayLike, parameters: npt.ArrayLike) -> Array:
    """Return the loss in nats per token of every size at every budget. Shape (budgets, sizes).

    Each row is a curve of equal compute C with D = C/(6·N) (Hoffmann 2022, section 3.2).
    """
    flops = np.asarray(training_flops, float)[:, None]
    n = np.asarray(parameters, float)[None, :]
    return loss(law, n, flops / (FLOPS_PER_PARAMETER_AND_TOKEN * n))


def _choice(
    kind: Kind,
    allocation_of: Callable[[Law], Allocation],
    law: Law,
    prices: Prices,
    served_tokens: float,
    ensemble: Sequence[Law],
    least_loss: float,
) -> Choice:
    found = allocation_of(law)
    hours = prices.device_hours_figure(found.parameters, found.tokens)
    sizes = _bounds([allocation_of(other).parameters for other in ensemble])
    losses = _bounds([float(loss(other, found.parameters, found.tokens)) for other in ensemble])
    return Choice(
        kind=kind,
        parameters=found.parameters,
        parameters_low=sizes[0],
        parameters_high=sizes[1],
        tokens=found.tokens,
        loss=found.loss,
        loss_low=losses[0],
        loss_high=losses[1],
        loss_penalty=found.loss - least_loss,
        device_hours=hours,
        training_usd=hours * prices.usd_per_device_hour,
        serving_usd=prices.serving_figure(found.parameters, served_tokens),
    )


def _bounds(values: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    if not values:
        return None, None
    low, high = np.percentile(values, BOUNDS_PERCENT)
    return float(low), float(high)

"""The model of a given loss that is cheapest to train and to serve over its lifetime.

A smaller model reaches the same loss with more tokens; it costs more to train and less to serve.
Letters are those of :mod:`engine.scaling.laws`. ℓ is the wanted loss, and D_inf are the tokens
served over the lifetime, input and output together.

References: Sardana 2023 (arXiv:2401.00448), equation 3, for the optimum in FLOPs, and its section
on real-world costs for the optimum in money. The paper solves for D with Newton's method, at rates
that are the same for every size. This module searches over N, so that prices may depend on the
size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from engine.documents import InputError
from engine.scaling.laws import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Allocation,
    Array,
    Law,
    allocation,
    tokens_for_loss,
)

SERVING_FLOPS_PER_PARAMETER_AND_TOKEN = 2.0
"""FLOPs of a forward pass (Kaplan 2020, section 2.1)."""

TrainingCost = Callable[[Array, Array], Array]
"""Cost of training N parameters on D tokens, elementwise; inf where it is impossible."""
ServingCost = Callable[[Array], Array]
"""Cost of serving N parameters over the lifetime, elementwise; inf where it is impossible."""

_NEAREST = 1e-5
"""Relative distance from the smallest model of the wanted loss at which the search begins."""
_FARTHEST = 100.0
"""Factor beyond the size that is cheapest to train at which the search ends; usual prices lead to
smaller models."""
_GRID = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeChoice:
    """The cheapest model of a loss, and its costs."""

    parameters: float
    tokens: float
    loss: float
    """Loss in nats per token."""
    training_usd: float
    serving_usd: float
    """Cost of serving over the lifetime, in USD."""

    @property
    def total_usd(self) -> float:
        """Cost of training and serving, in USD."""
        return self.training_usd + self.serving_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeFlops:
    """The model of a loss with the fewest FLOPs over its lifetime."""

    parameters: float
    tokens: float
    loss: float
    """Loss in nats per token."""
    training_flops: float
    serving_flops: float
    """FLOPs of serving over the lifetime."""

    @property
    def total_flops(self) -> float:
        """FLOPs of training and serving."""
        return self.training_flops + self.serving_flops


def compute_optimal_for_loss(law: Law, wanted_loss: float) -> Allocation:
    """Return the model that reaches ``wanted_loss`` with the least 6·N·D.

    N = [A·(1 + α/β)/(ℓ − E)]^(1/α) and D = [B·(1 + β/α)/(ℓ − E)]^(1/β), since at the optimum the
    ratio of the terms of N and D is β/α (from Hoffmann 2022, arXiv:2203.15556, equation 4).

    Raises
    ------
    InputError
        If the loss is not above E, so that no model reaches it.
    """
    if not wanted_loss > law.E:
        raise InputError("wanted_loss", wanted_loss, "greater_than", limit=law.E)
    above = wanted_loss - law.E
    parameters = (law.A * (1 + law.alpha / law.beta) / above) ** (1 / law.alpha)
    tokens = (law.B * (1 + law.beta / law.alpha) / above) ** (1 / law.beta)
    return allocation(law, parameters, tokens)


def cheapest_for_loss(
    law: Law, wanted_loss: float, training_usd: TrainingCost, serving_usd: ServingCost
) -> LifetimeChoice:
    """Return the model of ``wanted_loss`` with the least cost of training and serving.

    Parameters
    ----------
    training_usd
        Cost in USD of training N parameters on D tokens; arrays of equal shape.
    serving_usd
        Cost in USD of serving a model of N parameters over its lifetime.

    Raises
    ------
    InputError
        If no model reaches the loss.
    """
    found = _cheapest(law, wanted_loss, training_usd, serving_usd)
    return LifetimeChoice(
        parameters=found.parameters,
        tokens=found.tokens,
        loss=found.loss,
        training_usd=_first(training_usd(_array(found.parameters), _array(found.tokens))),
        serving_usd=_first(serving_usd(_array(found.parameters))),
    )


def cheapest_flops(law: Law, wanted_loss: float, served_tokens: float) -> LifetimeFlops:
    """Return the model of ``wanted_loss`` with the least 6·N·D + 2·N·D_inf.

    The objective is equation 3 of Sardana 2023.

    Raises
    ------
    InputError
        If no model reaches the loss, or ``served_tokens`` is below 0.
    """
    require_served_tokens(served_tokens)
    per_parameter = SERVING_FLOPS_PER_PARAMETER_AND_TOKEN * served_tokens
    found = _cheapest(
        law,
        wanted_loss,
        lambda parameters, tokens: FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens,
        lambda parameters: per_parameter * parameters,
    )
    return LifetimeFlops(
        parameters=found.parameters,
        tokens=found.tokens,
        loss=found.loss,
        training_flops=found.flops,
        serving_flops=per_parameter * found.parameters,
    )


def require_served_tokens(served_tokens: float) -> None:
    """Raise an InputError if the served tokens are negative or not finite."""
    if not 0 <= served_tokens < math.inf:
        raise InputError("served_tokens", served_tokens, "greater_than_equal", limit=0)


def _cheapest(
    law: Law, wanted_loss: float, training: TrainingCost, serving: ServingCost
) -> Allocation:
    """Return the cheapest model on a grid over u = log(N/N_min − 1), refined between neighbours.

    Below N_min = [A/(ℓ − E)]^(1/α) no number of tokens reaches the loss, and just above it the
    tokens grow without bound. The logarithm of the distance resolves that end as finely as the
    other.
    """
    trained_cheapest = compute_optimal_for_loss(law, wanted_loss)
    smallest = (law.A / (wanted_loss - law.E)) ** (1 / law.alpha)
    end = _FARTHEST * trained_cheapest.parameters / smallest - 1
    grid = np.linspace(math.log(_NEAREST), math.log(end), _GRID)

    def sizes(u: Array) -> tuple[Array, Array]:
        parameters = smallest * (1 + np.exp(u))
        tokens = np.array([tokens_for_loss(law, float(size), wanted_loss) for size in parameters])
        return parameters, tokens

    def cost(u: Array) -> Array:
        parameters, tokens = sizes(u)
        return training(parameters, tokens) + serving(parameters)

    at = int(np.argmin(cost(grid)))
    neighbours = (grid[max(0, at - 1)], grid[min(len(grid) - 1, at + 1)])
    with np.errstate(invalid="ignore"):  # a neighbour may cost inf
        refined = minimize_scalar(
            lambda u: _first(cost(_array(u))),
            bounds=neighbours,
            method="bounded",
            options={"xatol": 1e-9},
        )
    parameters, tokens = sizes(_array(refined.x))
    return allocation(law, _first(parameters), _first(tokens))


def _array(value: float) -> Array:
    return np.array([value], dtype=np.float64)


def _first(values: Array) -> float:
    return float(values[0])

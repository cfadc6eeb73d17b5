"""The model that a training budget pays for, on a path of models of increasing cost.

A budget is money, device-hours or FLOPs. The cost of a FLOP depends on the model's size, and the
best size depends on the FLOPs. A budget of money or hours is therefore solved for the FLOPs that it
pays for along a path: the compute-optimal models, or models of one ratio of tokens to parameters.

References: Hoffmann 2022 (arXiv:2203.15556), equation 4, for the compute-optimal path; Sardana
2023 (arXiv:2401.00448) for the model that is cheapest with its serving.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy.optimize import brentq

from engine.documents import InputError
from engine.planning.prices import Prices
from engine.scaling.laws import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Allocation,
    Law,
    allocation,
    compute_optimal,
    require_counting,
)
from engine.scaling.lifetime import cheapest_for_loss, require_served_tokens

Unit = Literal["usd", "flops", "device_hours"]

LEAST_FLOPS = 1e12
"""Smallest training budget, that of a toy model."""
MOST_FLOPS = 1e32
"""Largest training budget, far above any published one."""
_EXACT = 1e-9
"""Largest relative error of the cost of the model that is found."""
_NEVER = 700.0
"""Logarithm of a cost above every budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Amount that may be spent on training."""

    amount: float
    unit: Unit


def compute_optimal_for_budget(law: Law, budget: Budget, prices: Prices) -> Allocation:
    """Return the model of least loss that the budget trains if all of it is spent.

    Raises
    ------
    InputError
        If the budget is too small or too large for any model, the devices do not hold the model
        that it leads to, or prices and law count parameters differently.
    """
    return _along(lambda flops: compute_optimal(law, flops), law, budget, prices)


def over_trained_for_budget(
    law: Law, budget: Budget, prices: Prices, tokens_per_parameter: float
) -> Allocation:
    """Return the model that the budget trains at a ratio of tokens to parameters.

    With D = M·N and C = 6·N·D, N = √(C/(6·M)).

    Raises
    ------
    InputError
        For the reasons of :func:`compute_optimal_for_budget`, or if the ratio is not above 0.
    """
    if not 0 < tokens_per_parameter < math.inf:
        raise InputError("tokens_per_parameter", tokens_per_parameter, "greater_than", limit=0)

    def path(flops: float) -> Allocation:
        square = flops / (FLOPS_PER_PARAMETER_AND_TOKEN * tokens_per_parameter)
        parameters = math.sqrt(square)
        return allocation(law, parameters, tokens_per_parameter * parameters)

    return _along(path, law, budget, prices)


def inference_aware_for_budget(
    law: Law, budget: Budget, prices: Prices, served_tokens: float
) -> Allocation:
    """Return the model that is cheapest to train and serve at the best loss of the budget.

    Its training costs more than the budget if serving saves more than the difference.

    Raises
    ------
    InputError
        For the reasons of :func:`compute_optimal_for_budget`, or if ``served_tokens`` is below 0.
    """
    require_served_tokens(served_tokens)
    wanted = compute_optimal_for_budget(law, budget, prices).loss
    found = cheapest_for_loss(
        law, wanted, prices.training_usd, lambda n: prices.serving_usd(n, served_tokens)
    )
    return allocation(law, found.parameters, found.tokens)


def _along(
    path: Callable[[float], Allocation], law: Law, budget: Budget, prices: Prices
) -> Allocation:
    """Return the model at which ``path``, from training FLOPs to models, costs the whole budget."""
    require_counting(law, prices.parameters_counted)

    def spent(flops: float) -> float:
        if budget.unit == "flops":
            return flops
        model = path(flops)
        cost = prices.training_usd if budget.unit == "usd" else prices.device_hours
        return float(cost(model.parameters, model.tokens))

    _require_within(budget, spent(LEAST_FLOPS), spent(MOST_FLOPS))

    def excess(log_flops: float) -> float:
        """Return log cost − log budget, which rises along the path."""
        cost = spent(math.exp(log_flops))
        return (math.log(cost) if math.isfinite(cost) else _NEVER) - math.log(budget.amount)

    ends = math.log(LEAST_FLOPS * (1 - _EXACT)), math.log(MOST_FLOPS * (1 + _EXACT))
    found = float(brentq(excess, *ends, xtol=1e-13, rtol=1e-14))
    if abs(excess(found)) > _EXACT:  # the cost jumps because the devices hold no larger model
        raise prices.too_large()
    return path(math.exp(found))


def _require_within(budget: Budget, least: float, most: float) -> None:
    field, amount = f"budget_{budget.unit}", budget.amount
    if not math.isfinite(amount):
        raise InputError(field, amount, "finite")
    if amount < least:
        raise InputError(field, amount, "greater_than_equal", limit=f"{least:.2g}")
    if amount > most:
        raise InputError(field, amount, "less_than_equal", limit=f"{most:.2g}")

"""The expected loss of a plan, by a published law and the spread of its fits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from engine.facts import LossCoefficients, loss_coefficients
from engine.scaling.laws import loss


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLoss:
    """Loss in nats per token.

    ``low`` and ``high`` span the published fits of the same law, and outside the fitted range
    also the uncertainty there.
    """

    value: float
    low: float
    high: float
    extrapolated: bool
    """Whether the plan is outside the runs that the law was fitted to."""


def expected_loss(
    law: LossCoefficients, parameters: float, tokens: float, vocab: int
) -> ExpectedLoss:
    """Return the loss by ``law``, with the spread of all fits that count parameters alike.

    A uniform guess has the loss ln(vocab), which limits all values; far below the fitted range
    the law itself would exceed it. Outside that range a term is between 0 and the larger of its
    values at the nearest edge and at the plan, and the bounds include both.
    """
    ceiling = math.log(vocab)
    fits = [
        other
        for other in loss_coefficients().values()
        if other.parameters_counted == law.parameters_counted
    ]
    return ExpectedLoss(
        value=min(float(loss(law, parameters, tokens)), ceiling),
        low=min(ceiling, *(_bound(fit, parameters, tokens, outside="none") for fit in fits)),
        high=min(ceiling, max(_bound(fit, parameters, tokens, outside="edge") for fit in fits)),
        extrapolated=not (_knows_parameters(law, parameters) and _knows_tokens(law, tokens)),
    )


def _bound(
    law: LossCoefficients, parameters: float, tokens: float, *, outside: Literal["none", "edge"]
) -> float:
    """Return the loss with each extrapolated term at its smallest or its largest."""
    if outside == "edge":
        return float(loss(law, min(parameters, law.max_parameters), min(tokens, law.max_tokens)))
    return float(
        loss(
            law,
            parameters if _knows_parameters(law, parameters) else math.inf,
            tokens if _knows_tokens(law, tokens) else math.inf,
        )
    )


def _knows_parameters(law: LossCoefficients, parameters: float) -> bool:
    return law.min_parameters <= parameters <= law.max_parameters


def _knows_tokens(law: LossCoefficients, tokens: float) -> bool:
    return law.min_tokens <= tokens <= law.max_tokens

"""The cost in loss or compute of training past the compute-optimal tokens (Gadre 2024).

Gadre 2024 (arXiv:2403.08540), equation 4 and appendix B, write the law in C = 6·N·D and the
token multiplier M = D/N. With N = √(C/(6·M)) and D = √(C·M/6),

    A·N^-α = A·(6·M/C)^(α/2)      B·D^-β = B·(6/(M·C))^(β/2)

and where α = β = 2η both have C^-η:

    L(C, M) = E + (a·M^η + b·M^-η)·C^-η,  a = A·6^η,  b = B·6^η.

At any fixed M the loss is then a power law in C of one exponent. All other functions also accept
laws with α ≠ β.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from engine.documents import InputError
from engine.scaling.laws import (
    FLOPS_PER_PARAMETER_AND_TOKEN,
    Allocation,
    Law,
    allocation,
    compute_optimal,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TiedLaw:
    """Law L(C, M) = E + (a·M^η + b·M^-η)·C^-η (Gadre 2024, equation 4)."""

    E: float
    a: float
    b: float
    eta: float


def tied(law: Law) -> TiedLaw:
    """Return ``law`` in the letters of Gadre 2024.

    Raises
    ------
    InputError
        If α differs from β.
    """
    if law.alpha != law.beta:
        raise InputError("alpha", law.alpha, "equal", to=law.beta)
    eta = law.alpha / 2
    scale = FLOPS_PER_PARAMETER_AND_TOKEN**eta
    return TiedLaw(E=law.E, a=law.A * scale, b=law.B * scale, eta=eta)


def overtrained(law: Law, training_flops: float, tokens_per_parameter: float) -> Allocation:
    """Return the model that ``training_flops`` train at ``tokens_per_parameter``.

    Raises
    ------
    InputError
        If either number is not above 0.
    """
    for field, value in (
        ("training_flops", training_flops),
        ("tokens_per_parameter", tokens_per_parameter),
    ):
        if not value > 0:
            raise InputError(field, value, "greater_than", limit=0)
    parameters = math.sqrt(training_flops / (FLOPS_PER_PARAMETER_AND_TOKEN * tokens_per_parameter))
    return allocation(law, parameters, parameters * tokens_per_parameter)


def penalty(law: Law, training_flops: float, tokens_per_parameter: float) -> float:
    """Return the loss above that of the best ratio for the same FLOPs, in nats per token.

    The result is at least 0.

    Raises
    ------
    InputError
        As :func:`overtrained` and :func:`engine.scaling.laws.compute_optimal`.
    """
    chosen = overtrained(law, training_flops, tokens_per_parameter)
    return chosen.loss - compute_optimal(law, training_flops).loss


def extra_compute(law: Law, wanted_loss: float, tokens_per_parameter: float) -> float:
    """Return the FLOPs to reach ``wanted_loss`` at this ratio over those at the best ratio.

    Raises
    ------
    InputError
        If no budget reaches the loss, and as :func:`penalty`.
    """
    if not wanted_loss > law.E:
        raise InputError("wanted_loss", wanted_loss, "greater_than", limit=law.E)
    least = _least_flops(law, wanted_loss)

    def excess(log_multiple: float) -> float:
        flops = least * math.exp(log_multiple)
        return overtrained(law, flops, tokens_per_parameter).loss - wanted_loss

    # By rounding, the loss at the optimal ratio may be slightly below the wanted loss.
    if excess(0) <= 0:
        return 1.0
    most = _enough_flops(law, wanted_loss, tokens_per_parameter)
    return math.exp(brentq(excess, 0, math.log(most / least), xtol=1e-12))


def _least_flops(law: Law, wanted_loss: float) -> float:
    """Return the FLOPs whose compute-optimal loss is ``wanted_loss``.

    On the optimal path the ratio of A·N^-α to B·D^-β is constant. L - E is therefore a power law
    in C of exponent αβ / (α + β), and one of its points determines all others.
    """
    at = FLOPS_PER_PARAMETER_AND_TOKEN
    ratio = (compute_optimal(law, at).loss - law.E) / (wanted_loss - law.E)
    return float(at * ratio ** (1 / law.alpha + 1 / law.beta))


def _enough_flops(law: Law, wanted_loss: float, tokens_per_parameter: float) -> float:
    """Return FLOPs at which each of the two terms is less than half of L - E."""
    half = (wanted_loss - law.E) / 2
    parameters = (law.A / half) ** (1 / law.alpha)
    tokens = (law.B / half) ** (1 / law.beta)
    parameters = max(parameters, tokens / tokens_per_parameter)
    return float(FLOPS_PER_PARAMETER_AND_TOKEN * parameters**2 * tokens_per_parameter)

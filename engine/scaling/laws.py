"""The parametric law that fits, budgets and plans use: L(N, D) = E + A/N^α + B/D^β.

N are parameters, counted as the law counts them; D are tokens; L is in nats per token. C are
FLOPs, here 6·N·D as in the papers, which leave out attention and embeddings.

References: Hoffmann 2022 (arXiv:2203.15556), equations 2 and 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from engine.documents import InputError

Array = npt.NDArray[np.float64]

Counting = Literal["total", "non_embedding"]
"""Parameters that N counts: all, or those outside the token, position and output embeddings. A
law holds for the counting that it was fitted with."""

FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
"""FLOPs of training: 2 forward and 4 backward (Kaplan 2020, section 2.1)."""


class Law(Protocol):
    """Interface of the five coefficients of a law, published or fitted."""

    @property
    def parameters_counted(self) -> Counting: ...
    @property
    def A(self) -> float: ...  # noqa: N802 - the field's own letters
    @property
    def B(self) -> float: ...  # noqa: N802
    @property
    def E(self) -> float: ...  # noqa: N802
    @property
    def alpha(self) -> float: ...
    @property
    def beta(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLaw:
    """Coefficients of a fit."""

    parameters_counted: Counting
    A: float
    B: float
    E: float
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One way to spend a training budget, and its loss."""

    parameters: float
    tokens: float
    loss: float
    """Nats per token."""

    @property
    def flops(self) -> float:
        """Training FLOPs, 6·N·D."""
        return FLOPS_PER_PARAMETER_AND_TOKEN * self.parameters * self.tokens

    @property
    def tokens_per_parameter(self) -> float:
        """Ratio D/N."""
        return self.tokens / self.parameters


def loss(law: Law, parameters: npt.ArrayLike, tokens: npt.ArrayLike) -> Array:
    """Return L(N, D) in nats per token, elementwise (Hoffmann 2022, equation 2)."""
    n, d = np.asarray(parameters, float), np.asarray(tokens, float)
    found: Array = law.E + law.A * n**-law.alpha + law.B * d**-law.beta
    return found


def compute_optimal(law: Law, training_flops: float) -> Allocation:
    """Return the N and D of least loss for C = 6·N·D FLOPs (Hoffmann 2022, equation 4).

    Raises
    ------
    InputError
        If an exponent or a coefficient of ``law`` is not above 0, so that there is no optimum.
    """
    for name in ("A", "B", "alpha", "beta"):
        if not getattr(law, name) > 0:
            raise InputError(name, getattr(law, name), "greater_than", limit=0)
    scale = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    compute = training_flops / FLOPS_PER_PARAMETER_AND_TOKEN
    parameters = scale * compute ** (law.beta / (law.alpha + law.beta))
    return allocation(law, parameters, compute / parameters)


def allocation(law: Law, parameters: float, tokens: float) -> Allocation:
    """Return an allocation with its loss by ``law``."""
    return Allocation(
        parameters=parameters, tokens=tokens, loss=float(loss(law, parameters, tokens))
    )


def tokens_for_loss(law: Law, parameters: float, wanted_loss: float) -> float:
    """Return the tokens with which ``parameters`` reach ``wanted_loss``; inf if none do."""
    left = wanted_loss - law.E - law.A * parameters**-law.alpha
    return (law.B / left) ** (1 / law.beta) if left > 0 else math.inf


def require_counting(law: Law, counted: Counting) -> None:
    """Raise an InputError if parameters are not counted as ``law`` counts them."""
    if counted != law.parameters_counted:
        raise InputError("parameters_counted", counted, "equal", to=law.parameters_counted)

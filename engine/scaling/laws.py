"""The parametric law that fits, budgets and plans stand on: L(N, D) = E + A/N^α + B/D^β.

N are parameters, counted as the law counts them; D tokens; L nats per token; C FLOPs, here
6·N·D as the papers do (attention and embeddings left out).

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
"""Which parameters N counts: all, or those outside the token, position and output embeddings. A
law holds for the one it was fitted to."""

FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
"""Forward 2, backward 4 (Kaplan 2020, section 2.1)."""


class Law(Protocol):
    """Anything with the five coefficients, published or fitted."""

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
    """Coefficients that a fit found."""

    parameters_counted: Counting
    A: float
    B: float
    E: float
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One way to spend a training budget, and the loss it buys."""

    parameters: float
    tokens: float
    loss: float
    """Nats per token."""

    @property
    def flops(self) -> float:
        return FLOPS_PER_PARAMETER_AND_TOKEN * self.parameters * self.tokens

    @property
    def tokens_per_parameter(self) -> float:
        return self.tokens / self.parameters


def loss(law: Law, parameters: npt.ArrayLike, tokens: npt.ArrayLike) -> Array:
    """L(N, D) in nats per token, elementwise over broadcast arrays (Hoffmann 2022, equation 2)."""
    n, d = np.asarray(parameters, float), np.asarray(tokens, float)
    found: Array = law.E + law.A * n**-law.alpha + law.B * d**-law.beta
    return found


def compute_optimal(law: Law, training_flops: float) -> Allocation:
    """The N and D of least loss for C = 6·N·D FLOPs (Hoffmann 2022, equation 4).

    Raises
    ------
    InputError
        If an exponent or a coefficient of ``law`` is not above 0: then there is no optimum.
    """
    for name in ("A", "B", "alpha", "beta"):
        if not getattr(law, name) > 0:
            raise InputError(name, getattr(law, name), "greater_than", limit=0)
    scale = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    compute = training_flops / FLOPS_PER_PARAMETER_AND_TOKEN
    parameters = scale * compute ** (law.beta / (law.alpha + law.beta))
    return allocation(law, parameters, compute / parameters)


def allocation(law: Law, parameters: float, tokens: float) -> Allocation:
    return Allocation(
        parameters=parameters, tokens=tokens, loss=float(loss(law, parameters, tokens))
    )


def tokens_for_loss(law: Law, parameters: float, wanted_loss: float) -> float:
    """Tokens with which a model of ``parameters`` reaches ``wanted_loss``; inf if none do."""
    left = wanted_loss - law.E - law.A * parameters**-law.alpha
    return (law.B / left) ** (1 / law.beta) if left > 0 else math.inf


def require_counting(law: Law, counted: Counting, field: str = "parameters_counted") -> None:
    """InputError where parameters counted one way would go into a law of the other."""
    if counted != law.parameters_counted:
        raise InputError(field, counted, "equal", to=law.parameters_counted)

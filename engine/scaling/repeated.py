"""The loss of training on few unique tokens, by the value of repeats and of excess parameters.

L(N, D, U) = E + A/N'^α + B/D'^β. Of U unique tokens a run sees U_D = min(U, D), each D/U_D
times. Each repeat lowers the loss less than the previous, and so does each parameter beyond the
U_N that are compute-optimal for U_D tokens:

    D' = U_D + U_D·R*_D·(1 − exp(−R_D/R*_D)),  R_D = D/U_D − 1
    N' = U_N + U_N·R*_N·(1 − exp(−R_N/R*_N)),  R_N = N/U_N − 1

By this law, further repeats and excess parameters become worthless but never raise the loss. In
the fitted runs they did: the law does not model overfitting.

References: Muennighoff 2023 (arXiv:2305.16264), equations 5 and 6 and appendix A.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.facts import Fact, read_facts
from engine.field_types import PositiveFloat
from engine.paths import DATA_DIR
from engine.scaling import laws
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Allocation, Array, Counting, Law

Number = TypeVar("Number", float, Array)

_LOG_SLACK = 1e-6
"""Margin of brackets of logarithms, so that rounding leaves the root inside."""


class RepeatedLaw(Law, Protocol):
    """Interface of a law with the decay of repeated tokens and of excess parameters."""

    @property
    def repeated_tokens_decay(self) -> float:
        """R*_D: after that many repeats, a repeat has 1/e of the value of fresh tokens."""

    @property
    def excess_parameters_decay(self) -> float:
        """R*_N, in multiples of the parameters that are optimal for the unique tokens."""


class RepeatedCoefficients(Fact):
    """One published fit of the law, in nats per token."""

    law: str
    label: str
    parameters_counted: Counting
    A: PositiveFloat
    B: PositiveFloat
    E: PositiveFloat
    alpha: PositiveFloat
    beta: PositiveFloat
    repeated_tokens_decay: PositiveFloat
    excess_parameters_decay: PositiveFloat


@cache
def repeated_coefficients() -> dict[str, RepeatedCoefficients]:
    """Return the published fits by name."""
    rows = read_facts(DATA_DIR / "scaling_laws_repeated.csv", RepeatedCoefficients)
    return {row.law: row for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedAllocation(Allocation):
    """One way to spend a training budget on few unique tokens, and its loss."""

    unique_tokens: float
    """Unique tokens that the run sees: all of them, or its tokens if they are fewer."""

    @property
    def epochs(self) -> float:
        """Number of times that the run sees each token; 1 without repeats."""
        return self.tokens / self.unique_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthOfData:
    """Savings of a training budget by more unique tokens, at the same loss."""

    before: RepeatedAllocation
    """Best allocation of the budget without the extra tokens."""
    after: RepeatedAllocation
    """Cheapest allocation of the same loss with the extra tokens."""
    flops_saved: float
    usd_saved: float
    usd_saved_per_token: float
    """Savings per extra token: its highest worthwhile price if only this run uses it."""


def suited_parameters(law: Law, unique_tokens: npt.ArrayLike) -> Array:
    """Return the N for which the tokens are compute-optimal, elementwise.

    The condition is α·A/N^α = β·B/U^β (Muennighoff 2023, appendix A, there as G·(G·U)^(β/α)).
    """
    tokens = np.asarray(unique_tokens, float)
    suited: Array = (law.alpha * law.A / (law.beta * law.B) * tokens**law.beta) ** (1 / law.alpha)
    return suited


def effective_tokens(
    law: RepeatedLaw, tokens: npt.ArrayLike, unique_tokens: npt.ArrayLike
) -> Array:
    """Return D', the fresh tokens equivalent to ``tokens`` drawn from ``unique_tokens``.

    Elementwise over broadcast arrays (Muennighoff 2023, equation 5).
    """
    used = np.asarray(tokens, float)
    return _effective(used, np.minimum(unique_tokens, used), law.repeated_tokens_decay)


def effective_parameters(
    law: RepeatedLaw, parameters: npt.ArrayLike, unique_tokens: npt.ArrayLike
) -> Array:
    """Return N', the effective parameters on ``unique_tokens``, elementwise over broadcast arrays.

    Unique tokens are those that the run sees, U_D (Muennighoff 2023, equation 6).
    """
    used = np.asarray(parameters, float)
    suited = np.minimum(suited_parameters(law, unique_tokens), used)
    return _effective(used, suited, law.excess_parameters_decay)


def _effective(used: Number, fresh: Number, decay: float) -> Number:
    worth: Number = fresh - fresh * decay * np.expm1((1 - used / fresh) / decay)
    return worth


def loss(
    law: RepeatedLaw, parameters: npt.ArrayLike, tokens: npt.ArrayLike, unique_tokens: npt.ArrayLike
) -> Array:
    """Return L(N, D, U) in nats per token, elementwise over broadcast arrays.

    The loss is that of the plain law if no token repeats and no parameter is in excess. With one
    epoch, parameters beyond the optimum for ``tokens`` are still in excess.
    """
    seen = np.minimum(unique_tokens, np.asarray(tokens, float))
    return laws.loss(
        law, effective_parameters(law, parameters, seen), effective_tokens(law, tokens, seen)
    )


def compute_optimal(
    law: RepeatedLaw, training_flops: float, unique_tokens: float
) -> RepeatedAllocation:
    """Return the N and D of least loss for C = 6·N·D FLOPs on ``unique_tokens``.

    They are those of the plain law if its optimum needs no repeats.

    Raises
    ------
    InputError
        If FLOPs or tokens are not finite and above 0.
    """
    _require_positive(training_flops=training_flops, unique_tokens=unique_tokens)
    plain = laws.compute_optimal(law, training_flops)
    compute = training_flops / FLOPS_PER_PARAMETER_AND_TOKEN
    parameters = plain.parameters
    if plain.tokens > unique_tokens:
        parameters = _balanced_parameters(law, compute, unique_tokens)
    tokens = compute / parameters
    return RepeatedAllocation(
        parameters=parameters,
        tokens=tokens,
        loss=float(loss(law, parameters, tokens, unique_tokens)),
        unique_tokens=min(unique_tokens, tokens),
    )


def _balanced_parameters(law: RepeatedLaw, compute: float, unique_tokens: float) -> float:
    """Return the N at which parameters and tokens have the same relative return.

    There is one such N between the N that is optimal for the unique tokens, where parameters have
    the larger return, and the N of one epoch, where tokens do. The search compares returns in
    logarithms and not losses, which are equal to the last digit over a wide range once both are
    saturated. (The authors' README searches a grid.)
    """
    suited = float(suited_parameters(law, unique_tokens))
    from scipy.optimize import brentq  # takes longer to load than most pages to open

    def excess_return(log_parameters: float) -> float:
        n = math.exp(log_parameters)
        d = compute / n
        of_n = _log_return(law.A, law.alpha, n, suited, law.excess_parameters_decay)
        of_d = _log_return(law.B, law.beta, d, unique_tokens, law.repeated_tokens_decay)
        return of_n - of_d

    least, most = math.log(suited) - _LOG_SLACK, math.log(compute / unique_tokens) + _LOG_SLACK
    return math.exp(brentq(excess_return, least, most))


def _log_return(scale: float, exponent: float, used: float, fresh: float, decay: float) -> float:
    """Return ln(−∂L/∂ln x) of scale/x'^exponent, where x is N or D and ∂x'/∂x = exp(−R/R*)."""
    log_effective = math.log(_effective(used, fresh, decay))
    repeats = used / fresh - 1
    return math.log(scale * exponent * used) - (exponent + 1) * log_effective - repeats / decay


def frontier(
    law: RepeatedLaw, parameters: float, unique_tokens: float, epochs: npt.ArrayLike
) -> Array:
    """Return the loss of one model for each of ``epochs`` over the unique tokens."""
    return loss(law, parameters, np.asarray(epochs, float) * unique_tokens, unique_tokens)


def epochs_worth(law: RepeatedLaw, share_of_fresh_value: float = 0.5) -> float:
    """Return the epochs after which a further token has that share of a fresh token's value.

    By equation 5 of Muennighoff 2023, dD'/dD = exp(−R_D/R*_D). The result, 1 + R*_D·ln(1/share),
    does not depend on the size of the model or of the data.

    Raises
    ------
    InputError
        If the share is not above 0 and at most 1.
    """
    if not 0 < share_of_fresh_value <= 1:
        raise InputError("share_of_fresh_value", share_of_fresh_value, "between", low=0, high=1)
    return 1 - law.repeated_tokens_decay * math.log(share_of_fresh_value)


def worth_of_unique_tokens(
    law: RepeatedLaw,
    training_flops: float,
    unique_tokens: float,
    extra_unique_tokens: float,
    usd_per_flop: float,
) -> WorthOfData:
    """Return the savings of a training budget by more unique tokens, at the same loss.

    There are none if the optimum repeats no tokens. Both budgets are spent at their optimum. The
    costs of serving the two models are not included.

    Raises
    ------
    InputError
        If FLOPs or tokens are not finite and above 0, or the price is below 0.
    """
    _require_positive(extra_unique_tokens=extra_unique_tokens)
    if not usd_per_flop >= 0:
        raise InputError("usd_per_flop", usd_per_flop, "greater_than_equal", limit=0)
    before = compute_optimal(law, training_flops, unique_tokens)
    enough = unique_tokens + extra_unique_tokens
    flops = _flops_for_loss(law, before.loss, enough, training_flops)
    saved = training_flops - flops
    return WorthOfData(
        before=before,
        after=compute_optimal(law, flops, enough),
        flops_saved=saved,
        usd_saved=saved * usd_per_flop,
        usd_saved_per_token=saved * usd_per_flop / extra_unique_tokens,
    )


def _flops_for_loss(
    law: RepeatedLaw, wanted_loss: float, unique_tokens: float, enough_flops: float
) -> float:
    """Return the least FLOPs that reach ``wanted_loss``, which ``enough_flops`` reach.

    A lower bound is the FLOPs with unlimited data, where the loss above E is proportional to
    C^(−αβ/(α+β)) (Hoffmann 2022, equation 4).
    """
    from scipy.optimize import brentq  # takes longer to load than most pages to open

    def log_excess(flops: float) -> float:
        best = compute_optimal(law, flops, unique_tokens).loss
        return math.log((best - law.E) / (wanted_loss - law.E))

    if log_excess(enough_flops) >= 0:  # the optimum repeats nothing
        return enough_flops
    plain = laws.compute_optimal(law, enough_flops).loss
    log_spared = math.log((wanted_loss - law.E) / (plain - law.E)) * (1 / law.alpha + 1 / law.beta)
    most = math.log(enough_flops) + _LOG_SLACK
    least = most - log_spared - 2 * _LOG_SLACK
    root = brentq(lambda log_flops: log_excess(math.exp(log_flops)), least, most)
    return min(enough_flops, math.exp(root))


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise InputError(name, value, "finite")
        if not value > 0:
            raise InputError(name, value, "greater_than", limit=0)

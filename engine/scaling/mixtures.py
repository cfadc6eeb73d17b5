"""The loss of mixtures of experts by active parameters, all parameters and tokens.

By Ludziejewski 2025 (arXiv:2502.05172), equation 6, the law of any number of experts E is
Hoffmann's in active parameters and tokens, with coefficients that depend on E:

    L = a·Ê^δ·N^(α + γ·ln Ê) + b·Ê^ω·D^(β + ζ·ln Ê) + c
    1/Ê = 1/(E - 1 + (1/E_start - 1/E_max)^-1) + 1/E_max                          (equation 4)

E = 1 is dense. The law was fitted to Switch layers with one expert of full size per token, in
every layer, on FineWeb-Edu with the GPT-2 tokenizer. Losses on other data or with other tokenizers
are not comparable with it, and fine-grained or shared experts reach slightly lower losses.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

from scipy.optimize import brentq

from engine.documents import InputError
from engine.facts import Confidence, Fact, look_up, read_facts
from engine.paths import DATA_DIR
from engine.scaling.laws import FittedLaw
from engine.scaling.laws import loss as dense_loss

# The paper's models (appendix A): d_model / 64 layers, gated FFNs of 3·d_model, GPT-2's vocabulary.
_VOCAB = 50_257
_WIDTH_PER_LAYER = 64
_ATTENTION_SQUARES = 4
_EXPERT_SQUARES = 9


class MixtureLaw(Fact):
    """Coefficients of equation 6, and the range of the fitted runs."""

    law: str
    label: str
    parameters_counted: Literal["total"]
    """Counting of parameters: active parameters include embedding and output head."""
    a: float
    alpha: float
    delta: float
    gamma: float
    b: float
    beta: float
    omega: float
    zeta: float
    experts_start: float
    experts_max: float
    c: float
    min_parameters_active: float
    max_parameters_active: float
    max_experts: float
    min_tokens: float
    max_tokens: float
    max_tokens_per_parameter: float
    """Largest ratio of tokens to active parameters of any run."""
    confidence: Confidence


@cache
def mixture_laws() -> dict[str, MixtureLaw]:
    """Return all rows of ``data/scaling_laws_mixtures.csv`` by name."""
    rows = read_facts(DATA_DIR / "scaling_laws_mixtures.csv", MixtureLaw)
    return {row.law: row for row in rows}


def mixture_law(name: str, field: str = "mixture_law") -> MixtureLaw:
    """Return the coefficients of that name.

    Raises
    ------
    InputError
        If there are none; the message has the nearest names.
    """
    return look_up(mixture_laws(), name, field)


def at_experts(law: MixtureLaw, experts: float) -> FittedLaw:
    """Return the law in active parameters and tokens for ``experts`` experts; 1 is dense.

    The functions of :mod:`engine.scaling.laws` apply to it, with 6·N_act·D FLOPs.

    Raises
    ------
    InputError
        If there is less than one expert.
    """
    if not experts >= 1:
        raise InputError("experts", experts, "greater_than_equal", limit=1)
    shift = 1 / (1 / law.experts_start - 1 / law.experts_max)
    effective = 1 / (1 / (experts - 1 + shift) + 1 / law.experts_max)
    return FittedLaw(
        parameters_counted=law.parameters_counted,
        A=law.a * effective**law.delta,
        B=law.b * effective**law.omega,
        E=law.c,
        alpha=-(law.alpha + law.gamma * math.log(effective)),
        beta=-(law.beta + law.zeta * math.log(effective)),
    )


def expert_count(parameters_active: float, parameters_total: float) -> float:
    """Return the number of experts, with one active, of a model of the paper's shape.

    The model has the given active and total parameters. By equations 9 and 10 with d_model / 64
    layers, N_act = 2·V·d + 13·d³/64 determines d, and each further expert adds 9·d³/64. For
    fine-grained experts the result is about the ratio of all experts to active experts.

    Raises
    ------
    InputError
        If the active parameters are not above 0, or exceed all parameters.
    """
    if not parameters_active > 0:
        raise InputError("parameters_active", parameters_active, "greater_than", limit=0)
    if not parameters_total >= parameters_active:
        raise InputError(
            "parameters_total", parameters_total, "greater_than_equal", limit=parameters_active
        )
    block = (_ATTENTION_SQUARES + _EXPERT_SQUARES) / _WIDTH_PER_LAYER

    def excess(width: float) -> float:
        return 2 * _VOCAB * width + block * width**3 - parameters_active

    width = brentq(excess, 0, (parameters_active / block) ** (1 / 3), xtol=1e-9)
    expert = _EXPERT_SQUARES / _WIDTH_PER_LAYER * width**3
    return float(1 + (parameters_total - parameters_active) / expert)


def loss(
    law: MixtureLaw, parameters_active: float, parameters_total: float, tokens: float
) -> float:
    """Return the loss in nats per token of a model with these parameters after ``tokens``.

    Raises
    ------
    InputError
        As :func:`expert_count`.
    """
    reduced = at_experts(law, expert_count(parameters_active, parameters_total))
    return float(dense_loss(reduced, parameters_active, tokens))


def dense_equivalent(
    law: MixtureLaw, parameters_active: float, parameters_total: float, tokens: float
) -> float:
    """Return the parameters of the dense model with the same loss after the same tokens.

    The result is inf if no dense model reaches the loss.

    Raises
    ------
    InputError
        As :func:`expert_count`.
    """
    wanted = loss(law, parameters_active, parameters_total, tokens)
    dense = at_experts(law, 1)
    left = wanted - dense.E - dense.B * tokens**-dense.beta
    return (dense.A / left) ** (1 / dense.alpha) if left > 0 else math.inf


def extrapolates(
    law: MixtureLaw, parameters_active: float, parameters_total: float, tokens: float
) -> bool:
    """Return whether the model is outside the runs that the law was fitted to."""
    return not (
        law.min_parameters_active <= parameters_active <= law.max_parameters_active
        and law.min_tokens <= tokens <= law.max_tokens
        and tokens / parameters_active <= law.max_tokens_per_parameter
        and expert_count(parameters_active, parameters_total) <= law.max_experts
    )

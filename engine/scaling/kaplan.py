"""The laws of Kaplan 2020 (arXiv:2001.08361), for comparison with later laws.

They hold for early-stopped runs on WebText2, and favour larger models than later laws do. N and
the FLOPs leave out embeddings. The laws of one variable have their own constants (tables 5 and 6),
and L(N, D) has those of the joint fit (table 2); the two sets differ and must not be mixed. D is
the size of the data set of a run with early stopping, not the tokens of one pass. The laws were
fitted to 768 to 1.5e9 parameters and 2.2e7 to 2.3e10 tokens.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.scaling.approaches import Optimum
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Array
from engine.units import SECONDS_PER_DAY

PF_DAY_FLOPS = 1e15 * SECONDS_PER_DAY

# Limits by one variable: equations 1.1 to 1.3, table 5.
ALPHA_N, N_C = 0.076, 8.8e13
ALPHA_D, D_C_TOKENS = 0.095, 5.4e13
ALPHA_C_MIN, C_C_MIN_PF_DAYS = 0.050, 3.1e8

# Joint fit of both limits: table 2.
JOINT_ALPHA_N, JOINT_N_C = 0.076, 6.4e13
JOINT_ALPHA_D, JOINT_D_C_TOKENS = 0.103, 1.8e13

# Best sizes: table 6.
OPTIMAL_PARAMETERS, OPTIMAL_PARAMETERS_EXPONENT = 1.3e9, 0.73
OPTIMAL_TOKENS, OPTIMAL_TOKENS_EXPONENT = 2e10, 0.27

# Critical batch size: equation 5.3, with the constants of figure 10.
CRITICAL_BATCH_TOKENS, CRITICAL_BATCH_ALPHA = 2.1e8, 0.21

FLOPS_PER_MINIMAL_FLOPS = 2.0
"""FLOPs of a run at the critical batch size over C_min (equation 5.5 at B = B_crit)."""


def loss_of_parameters(parameters: npt.ArrayLike) -> Array:
    """Return L(N) in nats per token, for convergence on enough data (equation 1.1)."""
    return np.asarray((N_C / np.asarray(parameters, float)) ** ALPHA_N)


def loss_of_tokens(tokens: npt.ArrayLike) -> Array:
    """Return L(D) in nats per token, for a large model stopped early (equation 1.2)."""
    return np.asarray((D_C_TOKENS / np.asarray(tokens, float)) ** ALPHA_D)


def loss_of_compute(minimal_flops: npt.ArrayLike) -> Array:
    """Return L(C_min) in nats per token at the best size (equation 1.3).

    ``minimal_flops`` is C_min, the FLOPs of the run far below the critical batch size.
    """
    pf_days = np.asarray(minimal_flops, float) / PF_DAY_FLOPS
    return np.asarray((C_C_MIN_PF_DAYS / pf_days) ** ALPHA_C_MIN)


def loss(parameters: npt.ArrayLike, tokens: npt.ArrayLike) -> Array:
    """Return L(N, D) in nats per token, elementwise (equation 1.5).

    The constants are those of the joint fit (table 2), so that the limits differ a little from
    the laws of one variable.
    """
    n, d = np.asarray(parameters, float), np.asarray(tokens, float)
    of_size = (JOINT_N_C / n) ** (JOINT_ALPHA_N / JOINT_ALPHA_D)
    return np.asarray((of_size + JOINT_D_C_TOKENS / d) ** JOINT_ALPHA_D)


def critical_batch_tokens(loss_nats_per_token: npt.ArrayLike) -> Array:
    """Return the critical batch size in tokens at a training loss (equation 5.3).

    A larger batch needs fewer steps and more tokens. Kaplan measured it on WebText2; later studies
    (Zhang 2024, arXiv:2410.21676; Bergsma 2025, arXiv:2505.13738) find that it grows with the
    number of tokens, so it is an order of magnitude.
    """
    losses_nats = np.asarray(loss_nats_per_token, float)
    return np.asarray(CRITICAL_BATCH_TOKENS / losses_nats ** (1 / CRITICAL_BATCH_ALPHA))


def tokens_ratio_of_batch(batch_tokens: npt.ArrayLike, critical_tokens: npt.ArrayLike) -> Array:
    """Return the tokens to a loss at a batch size ÷ those at a small batch: 1 + B / B_crit.

    Equation 5.1 with S/S_min = 1 + B_crit/B.
    """
    ratio: Array = 1 + np.asarray(batch_tokens, float) / np.asarray(critical_tokens, float)
    return ratio


def optimal_parameters(minimal_flops: float) -> float:
    """Return N_opt for C_min FLOPs (table 6)."""
    pf_days = minimal_flops / PF_DAY_FLOPS
    return float(OPTIMAL_PARAMETERS * pf_days**OPTIMAL_PARAMETERS_EXPONENT)


def optimal_tokens(minimal_flops: float) -> float:
    """Return D_opt, the tokens of a run at the critical batch size, for C_min FLOPs (table 6).

    6·N_opt·D_opt is 1.8·C_min at a PF-day, whereas equation 6.7 has 2·C_min, since the printed
    constants are rounded.
    """
    pf_days = minimal_flops / PF_DAY_FLOPS
    return float(OPTIMAL_TOKENS * pf_days**OPTIMAL_TOKENS_EXPONENT)


def compute_optimal(training_flops: float) -> Optimum:
    """Return the best sizes for FLOPs spent at the critical batch size, which are twice C_min.

    N is from table 6, and D = C / (6·N) meets the budget (equation 6.7).
    """
    parameters = optimal_parameters(training_flops / FLOPS_PER_MINIMAL_FLOPS)
    tokens = training_flops / (FLOPS_PER_PARAMETER_AND_TOKEN * parameters)
    return Optimum(training_flops=training_flops, parameters=parameters, tokens=tokens)

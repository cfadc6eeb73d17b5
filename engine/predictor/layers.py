"""Seconds of one micro batch in one layer: matmuls, attention and memory-bound kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.flops import BACKWARD_PER_FORWARD
from engine.predictor.columns import Array
from engine.predictor.context import StepContext

FUSED_BACKWARD_PER_FORWARD = 2.5
"""Time of the backward pass of fused attention over that of its forward pass: five matmuls for two
(Dao 2023, section 3)."""
ALIGNMENT = 64
"""A width that is a multiple of 64 values (128 bytes) fills whole tiles (NVIDIA, Matrix
multiplication background guide, section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Seconds of one micro batch in one layer (or at the head), forward and backward."""

    matmul: Array
    attention: Array
    elementwise: Array

    @property
    def total(self) -> Array:
        """Sum of the three parts, in seconds."""
        return self.matmul + self.attention + self.elementwise


def _matmul_s(
    m: Array, k: Array, n: Array, share: Array, peak: Array, context: StepContext
) -> Array:
    """Return the seconds, forward and backward, of a k × n weight matrix and ``m`` tokens.

    The size penalty is time at the 16-bit rate: it models tiles that are not full and operands
    that are still being loaded, neither of which speeds up with the tensor cores.
    """
    efficiency = context.efficiency
    base = context.device.base_flops_per_s * efficiency.base_matmul_share
    flops = 2.0 * (1 + BACKWARD_PER_FORWARD) * m * k * n
    fit = efficiency.size_penalty * (1.0 / m + 1.0 / k + 1.0 / n)
    aligned = (k % ALIGNMENT == 0) & (n % ALIGNMENT == 0)
    slowdown = np.where(aligned, 1.0, efficiency.misaligned)
    return flops * (1.0 / (peak * share) + fit / base) * slowdown


def _linear_s(m: Array, k: Array, n: Array, context: StepContext) -> Array:
    """Return the seconds of a linear layer's matmul, at the layout's precision."""
    return _matmul_s(
        m, k, n, context.efficiency.matmul_share, context.device.linear_flops_per_s, context
    )


def attention_layer(context: StepContext) -> Passes:
    """Return the seconds of one layer's attention, with projections, norm and residual."""
    shape, layout, tokens = context.shape, context.layout, context.tokens
    matmul: Array = np.zeros(1)
    cast_values: Array = np.zeros(1)
    for matrix in shape.attention:
        exists = matrix.n_in > 0
        divided = np.where(matrix.splits_in + matrix.splits_out > 0, 1.0, layout.tp)
        k = np.maximum(1.0, matrix.n_in / np.where(matrix.splits_in > 0, layout.tp, 1.0))
        n = np.maximum(1.0, matrix.n_out / np.where(matrix.splits_out > 0, layout.tp, 1.0))
        seconds = _linear_s(tokens / divided, k, n, context)
        matmul = matmul + np.where(exists, seconds, 0.0)
        values = (matrix.n_in + matrix.n_out) / layout.tp
        cast_values = cast_values + np.where(exists, values, 0.0)
    moved = (
        6.0 * shape.d_model / context.norm_ranks + 4.0 * (shape.d_attn + 2 * shape.d_kv) / layout.tp
    )
    return Passes(
        matmul=matmul,
        attention=_kernel_s(context),
        elementwise=_memory_s(moved, cast_values, tokens, context),
    )


def _kernel_s(context: StepContext) -> Array:
    """Return the seconds of scores and weighted values of one layer, forward and backward.

    A fused kernel computes the causal half; unfused attention computes the full square and
    writes the scores to memory.
    """
    shape, layout, efficiency = context.shape, context.layout, context.efficiency
    width = (shape.d_attn + shape.d_value) / layout.tp
    square = 2.0 * width * shape.seq_len_tokens * context.tokens
    head = np.minimum(1.0, shape.head_dim / 128.0) ** efficiency.head_dim_exponent
    rate = context.device.base_flops_per_s * efficiency.attention_share * head
    fused = (
        square
        / 2
        * (1 + FUSED_BACKWARD_PER_FORWARD)
        / rate
        * (1 + efficiency.attention_half_tokens / shape.seq_len_tokens)
    )
    if not efficiency.unfused_attention.any():
        return fused
    scores = shape.n_heads / layout.tp * shape.seq_len_tokens * context.tokens
    slowdown = np.where(shape.head_dim % 8 == 0, 1.0, efficiency.misaligned_heads)
    unfused = square * (1 + BACKWARD_PER_FORWARD) / rate * slowdown + (
        scores * efficiency.score_bytes / context.memory_bytes_per_s
    )
    return np.where(efficiency.unfused_attention > 0, unfused, fused)


def ffn_layer(context: StepContext) -> Passes:
    """Return the seconds of one dense feed-forward network, with its norm and residual."""
    shape, layout, tokens = context.shape, context.layout, context.tokens
    inner = shape.d_ff / layout.tp
    widening = shape.ffn_matrices - 1.0
    matmul = _linear_s(tokens, shape.d_model, widening * inner, context) + _linear_s(
        tokens, inner, shape.d_model, context
    )
    values = 6.0 * shape.d_model / context.norm_ranks + _activation_values(widening) * inner
    cast_values = 2.0 * shape.d_model / layout.tp + (1 + widening) * inner
    return Passes(
        matmul=matmul,
        attention=np.zeros(1),
        elementwise=_memory_s(values, cast_values, tokens, context),
    )


def _activation_values(widening: Array) -> Array:
    """Return the values that the activation reads and writes for each inner value.

    A gated network moves 3 forward and 5 backward, a plain one 2 and 3.
    """
    return np.where(widening > 1, 8.0, 5.0)


def expert_layer(context: StepContext) -> Passes:
    """Return the seconds of one layer of routed and shared experts.

    Tensor parallel ranks hold whole experts and split the tokens. Each routed expert computes its
    share of the tokens of the whole expert parallel group.
    """
    shape, layout, efficiency = context.shape, context.layout, context.efficiency
    own_tokens = context.tokens / layout.tp
    routed = own_tokens * shape.top_k
    local = np.maximum(1.0, shape.n_experts / layout.ep)
    per_expert = np.maximum(1.0, routed / local)
    widening = shape.ffn_matrices - 1.0
    inner = np.maximum(1.0, shape.d_expert)
    expert = _linear_s(per_expert, shape.d_model, widening * inner, context) + _linear_s(
        per_expert, inner, shape.d_model, context
    )
    shared_inner = np.maximum(1.0, shape.n_shared_experts * shape.d_expert)
    shared = np.where(
        shape.n_shared_experts > 0,
        _linear_s(own_tokens, shape.d_model, widening * shared_inner, context)
        + _linear_s(own_tokens, shared_inner, shape.d_model, context),
        0.0,
    )
    active = (shape.top_k + shape.n_shared_experts) * shape.d_expert
    values = (
        6.0 * shape.d_model
        + _activation_values(widening) * active
        + efficiency.permute_passes * shape.top_k * shape.d_model
    )
    cast_values = 2.0 * shape.d_model * (1 + shape.top_k) + (1 + widening) * active
    has_experts = shape.n_moe_layers > 0
    matmul = local * expert / efficiency.expert_matmul_share + shared
    elementwise = _memory_s(values, cast_values, own_tokens, context)
    return Passes(
        matmul=np.where(has_experts, matmul, 0.0),
        attention=np.zeros(1),
        elementwise=np.where(has_experts, elementwise, 0.0),
    )


def output_head(context: StepContext) -> Passes:
    """Return the seconds of the output matrix and the loss.

    The output matrix runs in 16 bits at every precision of the layers.
    """
    tokens = context.tokens
    vocab = context.shape.vocab / context.layout.tp
    matmul = _matmul_s(
        tokens,
        context.shape.d_model,
        vocab,
        context.efficiency.base_matmul_share,
        context.device.base_flops_per_s,
        context,
    )
    return Passes(
        matmul=matmul,
        attention=np.zeros(1),
        elementwise=tokens * vocab * context.efficiency.logit_bytes / context.memory_bytes_per_s,
    )


def _memory_s(values: Array, cast_values: Array, tokens: Array, context: StepContext) -> Array:
    """Return the seconds that elementwise kernels take to move ``values`` for each token.

    Each of ``cast_values`` is cast twice, once for the matmul and once transposed for its
    gradient; a cast reads two bytes and writes one.
    """
    efficiency = context.efficiency
    moved = (
        efficiency.elementwise * context.layout.value_bytes * values
        + efficiency.cast * 3.0 * cast_values
    )
    return tokens * moved / context.memory_bytes_per_s

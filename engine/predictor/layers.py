"""Seconds of one micro batch in one layer: matmuls, attention and what memory bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns

BACKWARD_PER_FORWARD = 2.0
FUSED_BACKWARD_PER_FORWARD = 2.5
"""Of fused attention: five matmuls for two."""
ALIGNMENT = 64
"""Values: widths that are multiples of 128 bytes fill whole tiles (NVIDIA, Matrix multiplication
background guide, section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """Seconds of one micro batch in one layer (or at the head), forward and backward."""

    matmul: Array
    attention: Array
    elementwise: Array

    @property
    def total(self) -> Array:
        return self.matmul + self.attention + self.elementwise


def spread_of(layout: LayoutColumns, known: EfficiencyColumns) -> Array:
    """Devices that share the norms and residuals of a token."""
    return np.where(known.sequence_parallel > 0, layout.tp, 1.0)


def _matmul_s(
    m: Array, k: Array, n: Array, share: Array, peak: Array, known: EfficiencyColumns, base: Array
) -> Array:
    """Forward and backward of one weight matrix for ``m`` tokens.

    The penalty is time at the 16-bit rate: what it stands for, tiles that are not full and
    operands on their way, does not speed up with the tensor cores.
    """
    flops = 2.0 * (1 + BACKWARD_PER_FORWARD) * m * k * n
    fit = known.size_penalty * (1.0 / m + 1.0 / k + 1.0 / n)
    aligned = (k % ALIGNMENT == 0) & (n % ALIGNMENT == 0)
    return flops * (1.0 / (peak * share) + fit / base) * np.where(aligned, 1.0, known.misaligned)


def _linear_s(
    m: Array, k: Array, n: Array, device: DeviceColumns, known: EfficiencyColumns
) -> Array:
    base = device.base_flops_per_s * known.base_matmul_share
    return _matmul_s(m, k, n, known.matmul_share, device.linear_flops_per_s, known, base)


def attention_layer(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
    spread: Array,
) -> Passes:
    """One layer's attention with its projections, its norm and its residual."""
    matmul: Array = np.zeros(1)
    cast_values: Array = np.zeros(1)
    for one in shape.attention:
        there = one.n_in > 0
        divided = np.where(one.splits_in + one.splits_out > 0, 1.0, layout.tp)
        k = np.maximum(1.0, one.n_in / np.where(one.splits_in > 0, layout.tp, 1.0))
        n = np.maximum(1.0, one.n_out / np.where(one.splits_out > 0, layout.tp, 1.0))
        seconds = _linear_s(tokens / divided, k, n, device, known)
        matmul = matmul + np.where(there, seconds, 0.0)
        cast_values = cast_values + np.where(there, (one.n_in + one.n_out) / layout.tp, 0.0)
    values = 6.0 * shape.d_model / spread + 4.0 * (shape.d_attn + 2 * shape.d_kv) / layout.tp
    return Passes(
        matmul=matmul,
        attention=_kernel_s(shape, layout, device, known, tokens),
        elementwise=_memory_s(values, cast_values, layout, device, known, tokens),
    )


def _kernel_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Array:
    """Scores and weighted values of one layer, forward and backward."""
    width = (shape.d_attn + shape.d_value) / layout.tp
    square = 2.0 * width * shape.seq_len_tokens * tokens
    head = np.minimum(1.0, shape.head_dim / 128.0) ** known.head_dim_exponent
    rate = device.base_flops_per_s * known.attention_share * head
    fused = (
        square
        / 2
        * (1 + FUSED_BACKWARD_PER_FORWARD)
        / rate
        * (1 + known.attention_half_tokens / shape.seq_len_tokens)
    )
    if not known.unfused_attention.any():
        return fused
    scores = shape.n_heads / layout.tp * shape.seq_len_tokens * tokens
    straight = np.where(shape.head_dim % 8 == 0, 1.0, known.misaligned_heads)
    unfused = square * (1 + BACKWARD_PER_FORWARD) / rate * straight + scores * known.score_bytes / (
        device.memory_bytes_per_s * known.bandwidth_share
    )
    return np.where(known.unfused_attention > 0, unfused, fused)


def ffn_layer(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Passes:
    """One dense feed-forward network with its norm and its residual."""
    inner = shape.d_ff / layout.tp
    widening = shape.ffn_matrices - 1.0
    matmul = _linear_s(tokens, shape.d_model, widening * inner, device, known) + _linear_s(
        tokens, inner, shape.d_model, device, known
    )
    spread = spread_of(layout, known)
    values = 6.0 * shape.d_model / spread + _activation_values(widening) * inner
    cast_values = 2.0 * shape.d_model / layout.tp + (1 + widening) * inner
    return Passes(
        matmul=matmul,
        attention=np.zeros(1),
        elementwise=_memory_s(values, cast_values, layout, device, known, tokens),
    )


def _activation_values(widening: Array) -> Array:
    """Values read and written for each inner one: gated 3 forward and 5 backward, plain 2
    and 3."""
    return np.where(widening > 1, 8.0, 5.0)


def expert_layer(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Passes:
    """One layer of routed and shared experts: whole experts, tokens split by tensor parallel
    ranks, each expert with its share of the tokens of the expert parallel group."""
    own_tokens = tokens / layout.tp
    routed = own_tokens * shape.top_k
    local = np.maximum(1.0, shape.n_experts / layout.ep)
    per_expert = np.maximum(1.0, routed / local)
    widening = shape.ffn_matrices - 1.0
    inner = np.maximum(1.0, shape.d_expert)
    expert = _linear_s(per_expert, shape.d_model, widening * inner, device, known) + _linear_s(
        per_expert, inner, shape.d_model, device, known
    )
    shared_inner = np.maximum(1.0, shape.n_shared_experts * shape.d_expert)
    shared = np.where(
        shape.n_shared_experts > 0,
        _linear_s(own_tokens, shape.d_model, widening * shared_inner, device, known)
        + _linear_s(own_tokens, shared_inner, shape.d_model, device, known),
        0.0,
    )
    active = (shape.top_k + shape.n_shared_experts) * shape.d_expert
    values = (
        6.0 * shape.d_model
        + _activation_values(widening) * active
        + known.permute_passes * shape.top_k * shape.d_model
    )
    cast_values = 2.0 * shape.d_model * (1 + shape.top_k) + (1 + widening) * active
    there = shape.n_moe_layers > 0
    return Passes(
        matmul=np.where(there, local * expert / known.expert_matmul_share + shared, 0.0),
        attention=np.zeros(1),
        elementwise=np.where(
            there, _memory_s(values, cast_values, layout, device, known, own_tokens), 0.0
        ),
    )


def output_head(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Passes:
    """The output matrix, in 16 bits whatever the layers run in, and the loss."""
    vocab = shape.vocab / layout.tp
    base = device.base_flops_per_s * known.base_matmul_share
    matmul = _matmul_s(
        tokens,
        shape.d_model,
        vocab,
        known.base_matmul_share,
        device.base_flops_per_s,
        known,
        base,
    )
    rate = device.memory_bytes_per_s * known.bandwidth_share
    return Passes(
        matmul=matmul,
        attention=np.zeros(1),
        elementwise=tokens * vocab * known.logit_bytes / rate,
    )


def _memory_s(
    values: Array,
    cast_values: Array,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Array:
    """Time to move what elementwise kernels read and write; a cast reads two bytes and writes
    one, for the matmul and once more turned for its gradient."""
    moved = known.elementwise * layout.value_bytes * values + known.cast * 3.0 * cast_values
    return tokens * moved / (device.memory_bytes_per_s * known.bandwidth_share)

"""Memory that training takes on one device.

Weights, gradients and optimizer states follow ZeRO (Rajbhandari 2020, section 3.1 and figure 1).
Activations are counted tensor by tensor as in Korthikanti 2022 (section 4.1), but for fused
attention where the software has it and without dropout, and for the micro batches that a
pipeline keeps in flight (Narayanan 2021, section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.predictor.columns import Array, Parts
from engine.predictor.context import StepContext
from engine.units import BYTES_PER_GB


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory(Parts):
    """Bytes on the fullest device at the moment of its peak memory, by use."""

    weights: Array
    gradients: Array
    optimizer: Array
    activations: Array
    logits: Array
    runtime: Array
    """Libraries, kernels and communication buffers of any model, and memory that the allocator
    holds without using it."""


def device_memory(context: StepContext) -> DeviceMemory:
    """Return the peak memory of one device, in bytes."""
    layout, efficiency = context.layout, context.efficiency
    dense, experts = context.dense_parameters, context.expert_parameters

    def sharded(from_stage: int) -> Array:
        stage = layout.zero_stage >= from_stage
        if from_stage > 1:  # a pipeline keeps gathered weights and summed gradients whole
            stage = stage & (layout.pp == 1)
        group = np.where(layout.shard_group < layout.dp, layout.shard_group, context.replicas)
        return dense / np.where(stage, group, 1.0) + experts / np.where(
            stage, np.minimum(group, context.expert_replicas), 1.0
        )

    # Adam's two moments in 32 bits, and a 32-bit master copy where the weights are shorter.
    optimizer_bytes = np.where(layout.value_bytes == 4, 8.0, 12.0)
    # Fully sharded weights are gathered one layer ahead of the layer that computes.
    gathered = np.where(
        context.is_fully_sharded, 2.0 * (dense + experts) / context.layers_per_stage, 0.0
    )
    weights = layout.value_bytes * (sharded(3) + gathered)
    activations, logits = _activations(context)
    gradients = context.gradient_bytes * sharded(2) + _buffers(context)
    optimizer = np.where(layout.offload > 0, 0.0, optimizer_bytes * sharded(1))
    held = weights + gradients + optimizer + activations + logits
    return DeviceMemory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        logits=logits,
        runtime=efficiency.runtime_gb * BYTES_PER_GB + efficiency.allocator_slack * held,
    )


def _buffers(context: StepContext) -> Array:
    """Return the bytes of buffers that gradients and weights are sent and received in."""
    layout, efficiency = context.layout, context.efficiency
    is_sharded, is_gathered = layout.zero_stage > 0, layout.zero_stage == 3
    copies = (
        np.where(layout.dp > 1, efficiency.communication_buffers, 0.0)
        + np.where(is_sharded, efficiency.sharding_buffers, 0.0)
        + np.where(is_gathered, efficiency.gathering_buffers, 0.0)
    )
    fixed = np.where(is_sharded, efficiency.sharding_gb * BYTES_PER_GB, 0.0)
    parameters = context.dense_parameters + context.expert_parameters
    return copies * layout.value_bytes * parameters + fixed


def _activations(context: StepContext) -> tuple[Array, Array]:
    """Return the bytes of activations and of logits on the fullest stage.

    The first stage of 1F1B keeps the activations of as many micro batches as there are stages;
    with interleaving, a few pieces more. The last stage keeps one micro batch and the logits;
    with interleaving, all but the last pieces of each group. No stage keeps more micro batches
    than the step has.
    """
    shape, layout, tokens = context.shape, context.layout, context.tokens
    full, selective = layout.checkpointing == 2, layout.checkpointing == 1
    layer = layer_activation_bytes_per_token(context, selective)
    inputs = layout.value_bytes * shape.d_model / context.norm_ranks
    kept = np.where(full, inputs, layer) * context.layers_per_stage
    again = np.where(full, layer, 0.0)  # one layer at a time is recomputed
    ahead = 1.0 + np.where(layout.vp > 1, (layout.pp - 1) / (layout.pp * layout.vp), 0.0)
    at_last = np.where(layout.vp > 1, layout.pp - (layout.pp - 1) / layout.vp, 1.0)
    first = tokens * (kept * np.minimum(layout.pp * ahead, layout.micro_steps) + again)
    last = tokens * (kept * np.minimum(at_last, layout.micro_steps) + again)
    logits = tokens * context.efficiency.logit_memory_bytes * shape.vocab / layout.tp
    on_last = last + logits > first
    return np.where(on_last, last, first), np.where(on_last, logits, 0.0)


def layer_activation_bytes_per_token(
    context: StepContext, selective: npt.NDArray[np.bool_]
) -> Array:
    """Return the bytes that one layer keeps for each token, averaged over kinds of layers.

    Both norms keep their input and their output (4·d values). Attention keeps queries, keys,
    values and output. A gated FFN keeps gate, up and their product; a plain FFN keeps its inner
    values before and after the activation. Software that runs many small kernels keeps more
    copies. Unfused attention also keeps scores after softmax and after dropout, and the mask
    between them (5 bytes a score), unless ``selective`` recomputes them. Experts keep the inputs
    and outputs of the tokens sent to them.
    """
    shape, layout, efficiency = context.shape, context.layout, context.efficiency
    value = layout.value_bytes
    norms = 4.0 * shape.d_model / context.norm_ranks
    attention = (shape.d_attn + 2.0 * shape.d_kv + shape.d_value) / layout.tp
    inner = np.where(shape.ffn_matrices == 3, 3.0, 2.0)
    dense = inner * shape.d_ff / layout.tp
    share = shape.n_moe_layers / shape.n_layers
    routed = (
        inner * (shape.top_k + shape.n_shared_experts) * shape.d_expert
        + 2.0 * shape.top_k * shape.d_model
    ) / layout.tp
    values = norms + attention + (1.0 - share) * dense + share * routed
    scores = np.where(
        (efficiency.unfused_attention > 0) & ~selective,
        5.0 * shape.n_heads / layout.tp * shape.seq_len_tokens,
        0.0,
    )
    return efficiency.activation_copies * value * values + scores

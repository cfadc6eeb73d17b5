"""The time of one training step, term by term.

Every term is a count from the shape and the layout, divided by a rate of the device times an
efficiency (:mod:`engine.predictor.efficiency`). All functions take a context of columns and
return columns.

Per micro batch and device, with T tokens:

*matmul*       3·2·T·k·n FLOPs for each k × n matrix (Kaplan 2020, section 2.1), slower for
               small matrices
*attention*    the causal half of scores and weighted values; 2 matmuls forward and 5 backward
               in a fused kernel, which recomputes the scores (Dao 2023, section 3)
*elementwise*  bytes that norms, activations, residuals and casts move through memory
*recompute*    a second forward pass, of everything or of attention's scores
*pipeline*     bubble of 1F1B: (p − 1)/v micro batches (Narayanan 2021, section 2.2)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.flops import BACKWARD_PER_FORWARD
from engine.predictor.columns import Array, Parts
from engine.predictor.communication import (
    context_s,
    data_s,
    expert_exchange_s,
    pipeline_s,
    tensor_s,
)
from engine.predictor.context import StepContext
from engine.predictor.layers import (
    FUSED_BACKWARD_PER_FORWARD,
    attention_layer,
    expert_layer,
    ffn_layer,
    output_head,
)

OFFLOAD_LINK_BYTES = 6.0
"""Bytes over the host link for each parameter and step: its gradient to the host in 32 bits and
its weight back in 16."""
OFFLOAD_LINK_BYTES_PER_S = 12e9
"""Rate of the host link: half of PCIe 4, since both directions share the host's memory."""
OFFLOAD_HOST_BYTES = 28.0
"""Bytes that Adam reads and writes on the host for each parameter and step."""
OFFLOAD_HOST_BYTES_PER_S = 25e9
"""One device's share of its host's memory bandwidth: 200 GB/s among eight devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime(Parts):
    """Seconds of one optimizer step by cause; the parts add up to the step."""

    matmul: Array
    attention: Array
    elementwise: Array
    recompute: Array
    tensor_communication: Array
    context_communication: Array
    expert_communication: Array
    """The all-to-alls of expert parallelism."""
    pipeline_bubble: Array
    pipeline_communication: Array
    data_communication: Array
    optimizer: Array
    accumulation: Array
    """Time to add each micro batch's gradients to those of earlier micro batches."""
    overhead: Array
    """Time that the device waits because the host launches kernels more slowly than they run."""


def step_time(context: StepContext) -> StepTime:
    """Return the seconds of one optimizer step."""
    shape, layout, efficiency = context.shape, context.layout, context.efficiency
    attention = attention_layer(context)
    dense = ffn_layer(context)
    head = output_head(context)

    # The fullest stage sets the pace; layers that do not divide evenly make it fuller.
    uneven = context.layers_per_stage * layout.pp / shape.n_layers
    layers = shape.n_layers / layout.pp * uneven
    moe_layers = shape.n_moe_layers / layout.pp * uneven
    dense_layers = layers - moe_layers
    heads = 1.0 / layout.pp + efficiency.head_imbalance * (1.0 - 1.0 / layout.pp)

    matmul = layers * attention.matmul + dense_layers * dense.matmul + heads * head.matmul
    kernels = layers * attention.attention
    elementwise = (
        layers * attention.elementwise + dense_layers * dense.elementwise + heads * head.elementwise
    )
    layer_s = attention.total + dense.total
    host = dense_layers * _host_bound_s(layer_s, efficiency.layer_host_s, context)
    full, selective = layout.checkpointing == 2, layout.checkpointing == 1
    forward = (layers * (attention.matmul + attention.elementwise) + dense_layers * dense.total) / (
        1 + BACKWARD_PER_FORWARD
    )
    exchange: Array = np.zeros(1)
    if shape.n_moe_layers.any():
        experts = expert_layer(context)
        matmul = matmul + moe_layers * experts.matmul
        elementwise = elementwise + moe_layers * experts.elementwise
        exchange = moe_layers * expert_exchange_s(context)
        host = host + moe_layers * _host_bound_s(
            attention.total + experts.total, efficiency.moe_host_s, context
        )
        forward = forward + moe_layers * experts.total / (1 + BACKWARD_PER_FORWARD)
    layers_only = matmul - heads * head.matmul, elementwise - heads * head.elementwise
    matmul_again = layers_only[0] / (1 + BACKWARD_PER_FORWARD) / 2
    elementwise_again = layers_only[1] / (1 + BACKWARD_PER_FORWARD)
    is_unfused = efficiency.unfused_attention > 0
    kernels_again = kernels * np.where(
        is_unfused, 1 / (1 + BACKWARD_PER_FORWARD), 1 / (1 + FUSED_BACKWARD_PER_FORWARD)
    )
    recompute = (
        np.where(full, forward, 0.0)
        + np.where(
            selective & (efficiency.selective_half > 0), matmul_again + elementwise_again, 0.0
        )
        + np.where(full | (selective & is_unfused), kernels_again, 0.0)
        + np.where(full, host / (1 + BACKWARD_PER_FORWARD) + exchange / 2, 0.0)
    )
    tensor = layers * tensor_s(context)
    ring = layers * context_s(context, attention.attention)
    host = host + np.where(context.is_fully_sharded, layers * efficiency.sharded_layer_host_s, 0.0)

    work = matmul + kernels + elementwise + recompute
    stage = work + tensor + ring + exchange + host
    bubble = efficiency.bubble * (layout.pp - 1) / layout.vp * stage
    factor, m = efficiency.time_factor, layout.micro_steps
    return StepTime(
        matmul=factor * m * matmul,
        attention=factor * m * kernels,
        elementwise=factor * m * elementwise,
        recompute=factor * m * recompute,
        tensor_communication=factor * m * tensor,
        context_communication=factor * m * ring,
        expert_communication=factor * m * exchange,
        pipeline_bubble=factor * bubble,
        pipeline_communication=factor * m * pipeline_s(context),
        data_communication=factor * data_s(context, work),
        optimizer=factor * _optimizer_s(context),
        accumulation=factor * m * _accumulation_s(context),
        overhead=factor * (m * host + efficiency.step_host_s),
    )


def _host_bound_s(device_s: Array, host_s: Array, context: StepContext) -> Array:
    """Return the seconds that launching kernels adds to ``device_s`` of computing.

    The two are joined by a power mean: nearly their maximum on a GPU, and their sum on a CPU,
    which launches its own kernels.
    """
    power = context.efficiency.host_smoothness
    bound: Array = (device_s**power + host_s**power) ** (1 / power) - device_s
    return bound


def _accumulation_s(context: StepContext) -> Array:
    """Return the seconds to add one micro batch's gradients; 0 with a single micro batch.

    Fully sharded gradients are reduced in every micro batch, and only a shard is added to.
    """
    own = context.dense_parameters + context.expert_parameters
    own = np.where(context.is_fully_sharded, own / context.shards_of(context.replicas), own)
    moved_s = own * 2.0 * context.gradient_bytes / context.memory_bytes_per_s
    return np.where(context.layout.micro_steps > 1, context.efficiency.accumulation * moved_s, 0.0)


def _optimizer_s(context: StepContext) -> Array:
    """Return the seconds in which Adam reads and writes its states, each device its own shard."""
    layout, efficiency = context.layout, context.efficiency
    dense, experts = context.dense_parameters, context.expert_parameters
    is_sharded = layout.zero_stage > 0
    own = dense / np.where(is_sharded, context.shards_of(context.replicas), 1.0)
    own = own + experts / np.where(is_sharded, context.shards_of(context.expert_replicas), 1.0)
    rate = context.memory_bytes_per_s
    on_device = own * efficiency.optimizer_bytes / rate
    on_device = on_device + np.where(
        is_sharded, (dense + experts) * efficiency.sharding_copy_bytes / rate, 0.0
    )
    on_host = own * (
        OFFLOAD_LINK_BYTES / OFFLOAD_LINK_BYTES_PER_S
        + OFFLOAD_HOST_BYTES / OFFLOAD_HOST_BYTES_PER_S
    )
    return on_device + np.where(layout.offload > 0, on_host, 0.0)

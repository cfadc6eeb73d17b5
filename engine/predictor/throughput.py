"""How long one training step takes, term by term.

Every term is a count from the shape and the layout, divided by a rate of the device times an
efficiency (:mod:`engine.predictor.efficiency`). All functions take columns and give columns.

Per micro batch and device, with T tokens:

*matmul*       3·2·T·k·n FLOPs a matrix (Kaplan 2020, section 2.1), slowed for small ones
*attention*    the causal half of scores and weighted values; 2 matmuls forward and 5 backward
               in a fused kernel, which computes the scores again (Dao 2023, section 3)
*elementwise*  bytes that norms, activations, residuals and casts move through memory
*recompute*    a second forward pass, of everything or of attention's scores
*pipeline*     bubble of 1F1B: (p − 1)/v micro batches (Narayanan 2021, section 2.2)
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns
from engine.predictor.exchange import (
    context_s,
    data_s,
    expert_exchange_s,
    pipeline_s,
    tensor_s,
)
from engine.predictor.layers import (
    BACKWARD_PER_FORWARD,
    FUSED_BACKWARD_PER_FORWARD,
    attention_layer,
    expert_layer,
    ffn_layer,
    output_head,
    spread_of,
)
from engine.predictor.states import (
    expert_parameters_per_device,
    gradient_bytes,
    parameters_per_device,
    shards_of,
)

OFFLOAD_LINK_BYTES = 6.0
"""Over the host link, for each parameter of a step: gradient down in 32 bits, weight up in 16."""
OFFLOAD_LINK_BYTES_PER_S = 12e9
"""Half of PCIe 4: both directions share the host's memory."""
OFFLOAD_HOST_BYTES = 28.0
"""Read and written by Adam on the host."""
OFFLOAD_HOST_BYTES_PER_S = 25e9
"""One device's share of its host's memory bandwidth: 200 GB/s among eight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """Seconds of one optimizer step by where they go; the parts add up."""

    matmul: Array
    attention: Array
    elementwise: Array
    recompute: Array
    tensor_communication: Array
    context_communication: Array
    expert_communication: Array
    """All-to-all, and putting tokens in the order of their experts."""
    pipeline_bubble: Array
    pipeline_communication: Array
    data_communication: Array
    optimizer: Array
    accumulation: Array
    """Adding each micro batch's gradients to those before it."""
    overhead: Array
    """Where the host cannot launch kernels as fast as the device runs them."""

    @property
    def total(self) -> Array:
        return sum((getattr(self, field.name) for field in fields(self)), np.zeros(1))

    def parts(self, row: int = 0) -> dict[str, float]:
        """The parts of one row as plain numbers."""
        return {
            field.name: float(np.broadcast_to(getattr(self, field.name), self.total.shape)[row])
            for field in fields(self)
        }


def step_time(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
) -> StepTime:
    """Time of one optimizer step, in seconds."""
    tokens = layout.micro_batch * shape.seq_len_tokens / layout.cp
    spread = spread_of(layout, known)
    attention = attention_layer(shape, layout, device, known, tokens, spread)
    dense = ffn_layer(shape, layout, device, known, tokens)
    head = output_head(shape, layout, device, known, tokens)

    # The fullest stage sets the pace; layers that do not divide make it fuller still.
    uneven = np.ceil(shape.n_layers / layout.pp) * layout.pp / shape.n_layers
    layers = shape.n_layers / layout.pp * uneven
    moe_layers = shape.n_moe_layers / layout.pp * uneven
    dense_layers = layers - moe_layers
    heads = 1.0 / layout.pp + known.head_imbalance * (1.0 - 1.0 / layout.pp)

    matmul = layers * attention.matmul + dense_layers * dense.matmul + heads * head.matmul
    kernels = layers * attention.attention
    elementwise = (
        layers * attention.elementwise + dense_layers * dense.elementwise + heads * head.elementwise
    )
    layer_s = attention.total + dense.total
    host = dense_layers * _host_bound(layer_s, known.layer_host_s, known)
    full, selective = layout.checkpointing == 2, layout.checkpointing == 1
    forward = (layers * (attention.matmul + attention.elementwise) + dense_layers * dense.total) / (
        1 + BACKWARD_PER_FORWARD
    )
    exchange: Array = np.zeros(1)
    if shape.n_moe_layers.any():
        experts = expert_layer(shape, layout, device, known, tokens)
        matmul = matmul + moe_layers * experts.matmul
        elementwise = elementwise + moe_layers * experts.elementwise
        exchange = moe_layers * expert_exchange_s(shape, layout, device, known, tokens)
        host = host + moe_layers * _host_bound(
            attention.total + experts.total, known.moe_host_s, known
        )
        forward = forward + moe_layers * experts.total / (1 + BACKWARD_PER_FORWARD)
    layers_only = matmul - heads * head.matmul, elementwise - heads * head.elementwise
    matmul_again = layers_only[0] / (1 + BACKWARD_PER_FORWARD) / 2
    elementwise_again = layers_only[1] / (1 + BACKWARD_PER_FORWARD)
    kernels_again = kernels * np.where(
        known.unfused_attention > 0,
        1 / (1 + BACKWARD_PER_FORWARD),
        1 / (1 + FUSED_BACKWARD_PER_FORWARD),
    )
    recompute = (
        np.where(full, forward, 0.0)
        + np.where(selective & (known.selective_half > 0), matmul_again + elementwise_again, 0.0)
        + np.where(full | (selective & (known.unfused_attention > 0)), kernels_again, 0.0)
        + np.where(full, host / (1 + BACKWARD_PER_FORWARD) + exchange / 2, 0.0)
    )
    tensor = layers * tensor_s(shape, layout, device, known, tokens)
    context = layers * context_s(shape, layout, device, known, tokens, attention.attention)

    sharded = (layout.zero_stage == 3) & (layout.pp == 1)
    host = host + np.where(sharded, layers * known.sharded_layer_host_s, 0.0)

    work = matmul + kernels + elementwise + recompute
    stage = work + tensor + context + exchange + host
    bubble = known.bubble * (layout.pp - 1) / layout.vp * stage
    factor, m = known.time_factor, layout.micro_steps
    return StepTime(
        matmul=factor * m * matmul,
        attention=factor * m * kernels,
        elementwise=factor * m * elementwise,
        recompute=factor * m * recompute,
        tensor_communication=factor * m * tensor,
        context_communication=factor * m * context,
        expert_communication=factor * m * exchange,
        pipeline_bubble=factor * bubble,
        pipeline_communication=factor * m * pipeline_s(shape, layout, device, known, tokens),
        data_communication=factor * data_s(shape, layout, device, known, work),
        optimizer=factor * _optimizer_s(shape, layout, device, known),
        accumulation=factor * m * _accumulation_s(shape, layout, device, known),
        overhead=factor * (m * host + known.step_host_s),
    )


def _host_bound(device_s: Array, host_s: Array, known: EfficiencyColumns) -> Array:
    """What the host adds where launching takes as long as computing: a smooth maximum, or a
    sum where the device is its own host."""
    power = known.host_smoothness
    bound: Array = (device_s**power + host_s**power) ** (1 / power) - device_s
    return bound


def _accumulation_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
) -> Array:
    """Each micro batch's gradients are read and written once; none where there is but one."""
    own = parameters_per_device(shape, layout) + expert_parameters_per_device(shape, layout)
    # Fully sharded gradients are reduced in every micro batch, and added to a shard.
    replicas = layout.dp * layout.cp
    sharded = (layout.zero_stage == 3) & (layout.pp == 1)
    own = np.where(sharded, own / shards_of(layout, replicas), own)
    rate = device.memory_bytes_per_s * known.bandwidth_share
    moved = own * 2.0 * gradient_bytes(layout, known) / rate
    return np.where(layout.micro_steps > 1, known.accumulation * moved, 0.0)


def _optimizer_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
) -> Array:
    """Adam reads and writes its states once a step, each device those of its shard."""
    dense = parameters_per_device(shape, layout)
    experts = expert_parameters_per_device(shape, layout)
    sharded = layout.zero_stage > 0
    own = dense / np.where(sharded, shards_of(layout, layout.dp * layout.cp), 1.0)
    expert_replicas = np.maximum(1.0, layout.n_devices / (layout.pp * layout.ep))
    own = own + experts / np.where(sharded, shards_of(layout, expert_replicas), 1.0)
    rate = device.memory_bytes_per_s * known.bandwidth_share
    near = own * known.optimizer_bytes / rate
    near = near + np.where(sharded, (dense + experts) * known.sharding_copy_bytes / rate, 0.0)
    far = own * (
        OFFLOAD_LINK_BYTES / OFFLOAD_LINK_BYTES_PER_S
        + OFFLOAD_HOST_BYTES / OFFLOAD_HOST_BYTES_PER_S
    )
    return near + np.where(layout.offload > 0, far, 0.0)

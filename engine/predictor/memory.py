"""Memory that training takes on one device.

Weights, gradients and optimizer states as in ZeRO (Rajbhandari 2020, section 3.1 and
figure 1). Activations are counted tensor by tensor after the manner of Korthikanti 2022
(section 4.1), for fused attention where the software has it, without dropout, and for the
micro batches that a pipeline keeps in flight (Narayanan 2021, section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns
from engine.predictor.states import (
    expert_parameters_per_device,
    gradient_bytes,
    parameters_per_device,
)
from engine.units import BYTES_PER_GB


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """Bytes on the fullest device at the moment that takes most of them."""

    weights: Array
    gradients: Array
    optimizer: Array
    activations: Array
    logits: Array
    runtime: Array
    """Libraries, kernels and communication buffers, whatever the model, and what the allocator
    holds without using it."""

    @property
    def total(self) -> Array:
        return sum((getattr(self, field.name) for field in fields(self)), np.zeros(1))

    def parts(self, row: int = 0) -> dict[str, float]:
        """The parts of one row as plain numbers."""
        return {
            field.name: float(np.broadcast_to(getattr(self, field.name), self.total.shape)[row])
            for field in fields(self)
        }


def device_memory(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
) -> DeviceMemory:
    """Peak memory of one device in bytes."""
    dense = parameters_per_device(shape, layout)
    experts = expert_parameters_per_device(shape, layout)
    replicas = layout.dp * layout.cp
    expert_replicas = np.maximum(1.0, layout.n_devices / (layout.pp * layout.ep))

    def sharded(from_stage: int) -> Array:
        stage = layout.zero_stage >= from_stage
        if from_stage > 1:  # a pipeline keeps whole what it gathered and what it sums
            stage = stage & (layout.pp == 1)
        group = np.where(layout.shard_group < layout.dp, layout.shard_group, replicas)
        return dense / np.where(stage, group, 1.0) + experts / np.where(
            stage, np.minimum(group, expert_replicas), 1.0
        )

    # Adam's two moments in 32 bits, and a 32-bit master copy where the weights are shorter.
    optimizer_bytes = np.where(layout.value_bytes == 4, 8.0, 12.0)
    # Fully sharded weights are gathered one layer ahead of the one that computes.
    layers = np.ceil(shape.n_layers / layout.pp)
    gathered = np.where(
        (layout.zero_stage == 3) & (layout.pp == 1), 2.0 * (dense + experts) / layers, 0.0
    )
    weights = layout.value_bytes * (sharded(3) + gathered)
    activations, logits = _activations(shape, layout, known)
    gradients = gradient_bytes(layout, known) * sharded(2) + _buffers(
        layout, known, dense + experts
    )
    optimizer = np.where(layout.offload > 0, 0.0, optimizer_bytes * sharded(1))
    held = weights + gradients + optimizer + activations + logits
    return DeviceMemory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        logits=logits,
        runtime=known.runtime_gb * BYTES_PER_GB + known.allocator_slack * held,
    )


def _buffers(layout: LayoutColumns, known: EfficiencyColumns, parameters: Array) -> Array:
    """What gradients and weights are sent from and received into."""
    is_sharded, is_gathered = layout.zero_stage > 0, layout.zero_stage == 3
    copies = (
        np.where(layout.dp > 1, known.communication_buffers, 0.0)
        + np.where(is_sharded, known.sharding_buffers, 0.0)
        + np.where(is_gathered, known.gathering_buffers, 0.0)
    )
    fixed = np.where(is_sharded, known.sharding_gb * BYTES_PER_GB, 0.0)
    return copies * layout.value_bytes * parameters + fixed


def _activations(
    shape: ShapeColumns, layout: LayoutColumns, known: EfficiencyColumns
) -> tuple[Array, Array]:
    """What layers keep for the backward pass, and the logits, on the fullest stage.

    The first stage of 1F1B keeps as many micro batches as there are stages, interleaving a few
    pieces more; the last one keeps one, interleaving all but its last pieces of each group, and
    the logits. No stage keeps more than there are.
    """
    tokens = layout.micro_batch * shape.seq_len_tokens / layout.cp
    layers = np.ceil(shape.n_layers / layout.pp)
    full, selective = layout.checkpointing == 2, layout.checkpointing == 1
    layer = layer_activation_bytes_per_token(shape, layout, known, selective)
    spread = np.where(known.sequence_parallel > 0, layout.tp, 1.0)
    inputs = layout.value_bytes * shape.d_model / spread
    kept = np.where(full, inputs, layer) * layers
    again = np.where(full, layer, 0.0)  # one layer at a time is computed again
    ahead = 1.0 + np.where(layout.vp > 1, (layout.pp - 1) / (layout.pp * layout.vp), 0.0)
    at_last = np.where(layout.vp > 1, layout.pp - (layout.pp - 1) / layout.vp, 1.0)
    first = tokens * (kept * np.minimum(layout.pp * ahead, layout.micro_steps) + again)
    last = tokens * (kept * np.minimum(at_last, layout.micro_steps) + again)
    logits = tokens * known.logit_memory_bytes * shape.vocab / layout.tp
    on_last = last + logits > first
    return np.where(on_last, last, first), np.where(on_last, logits, 0.0)


def layer_activation_bytes_per_token(
    shape: ShapeColumns,
    layout: LayoutColumns,
    known: EfficiencyColumns,
    selective: npt.NDArray[np.bool_],
) -> Array:
    """Bytes that one layer keeps for each token, on one device, averaged over kinds of layers.

    Both norms keep their input and their output (4·d values); attention its queries, keys,
    values and output; a gated FFN gate, up and their product, a plain one its inner values
    before and after the activation. Software that runs many small kernels keeps more copies.
    Unfused attention also keeps scores after softmax and after dropout, and the mask between
    them (5 bytes a score). Experts keep the inputs and outputs that were sent to them.
    """
    value = layout.value_bytes
    spread = np.where(known.sequence_parallel > 0, layout.tp, 1.0)
    norms = 4.0 * shape.d_model / spread
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
        (known.unfused_attention > 0) & ~selective,
        5.0 * shape.n_heads / layout.tp * shape.seq_len_tokens,
        0.0,
    )
    return known.activation_copies * value * values + scores

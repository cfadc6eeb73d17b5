"""Communication that lengthens a step, by the kind of parallelism that needs it."""

from __future__ import annotations

import numpy as np

from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.communication import (
    all_to_all_s,
    exposed_s,
    pair_bytes_per_s,
    ring_bytes_per_s,
)
from engine.predictor.efficiency import EfficiencyColumns
from engine.predictor.states import (
    expert_parameters_per_device,
    gradient_bytes,
    parameters_per_device,
    shards_of,
)


def tensor_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Array:
    """Exposed tensor parallel communication of one layer: two all-reduces forward and two
    backward, or as many pairs of all-gather and reduce-scatter, which move as much
    (Korthikanti 2022, section 4.2.2); two more where layers are computed again."""
    if not (layout.tp > 1).any():
        return np.zeros(1)
    again = np.where(layout.checkpointing == 2, 1.5, 1.0)
    size = tokens * shape.d_model * layout.value_bytes
    ring = (layout.tp - 1) / layout.tp * size
    one = np.ones(1)
    seconds = 8.0 * ring / ring_bytes_per_s(layout.tp, one, device, known)
    latency = 8.0 * known.collective_latency_s
    return np.where(layout.tp > 1, again * (known.tensor_exposed * seconds + latency), 0.0)


def context_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
    kernel_s: Array,
) -> Array:
    """Exposed exchange of keys and values of one layer: once round forward, twice backward
    (their gradients travel too); it hides behind attention (Liu 2023, section 3)."""
    if not (layout.cp > 1).any():
        return np.zeros(1)
    sent = 3.0 * (layout.cp - 1) * 2 * shape.d_kv / layout.tp * tokens * layout.value_bytes
    seconds = sent / ring_bytes_per_s(layout.cp, layout.tp, device, known)
    latency = 3.0 * (layout.cp - 1) * known.collective_latency_s
    exposed = exposed_s(seconds, known.context_exposed, kernel_s)
    return np.where(layout.cp > 1, exposed + latency, 0.0)


def expert_exchange_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Array:
    """Exposed all-to-all of one layer: out and back, forward and backward."""
    once = all_to_all_s(
        tokens / layout.tp,
        shape.d_model * layout.value_bytes,
        shape.top_k,
        layout.ep,
        device,
        known,
    )
    seconds = 4.0 * (known.expert_exposed * once + known.collective_latency_s)
    return np.where((layout.ep > 1) & (shape.n_moe_layers > 0), seconds, 0.0)


def pipeline_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    tokens: Array,
) -> Array:
    """Exposed hand-over between stages, for one micro batch: each piece gets an input and a
    gradient, split along the sequence where tensor parallel ranks share it."""
    if not (layout.pp > 1).any():
        return np.zeros(1)
    sent = tokens * shape.d_model * layout.value_bytes / layout.tp
    rate = pair_bytes_per_s(layout.n_devices / layout.pp, device, known)
    seconds = 2.0 * layout.vp * (sent / rate + known.collective_latency_s)
    return np.where(layout.pp > 1, known.pipeline_exposed * seconds, 0.0)


def data_s(
    shape: ShapeColumns,
    layout: LayoutColumns,
    device: DeviceColumns,
    known: EfficiencyColumns,
    work_s: Array,
) -> Array:
    """Exposed communication of gradients and weights in one step.

    A ring moves (n − 1)/n of a shard's whole: gradients once reduced, weights once gathered;
    stage 2 reduces in every micro step, stage 3 also gathers the weights twice in each
    (Rajbhandari 2020, section 7). Groups of a hybrid shard reduce between them once a step.
    """
    seconds: Array = np.zeros(1)
    value = gradient_bytes(layout, known)
    # A pipeline keeps what it gathered until the step is over: it comes back to each layer.
    m = np.where(layout.pp > 1, 1.0, layout.micro_steps)
    for parameters, replicas, step in (
        (parameters_per_device(shape, layout), layout.dp * layout.cp, layout.tp),
        (
            expert_parameters_per_device(shape, layout),
            np.maximum(1.0, layout.n_devices / (layout.pp * layout.ep)),
            layout.ep,
        ),
    ):
        if not parameters.any():
            continue
        group = np.maximum(1.0, shards_of(layout, replicas))
        whole = (replicas - 1) / replicas
        rate = ring_bytes_per_s(replicas, step, device, known)
        gradients = parameters * value * whole / rate
        weights = parameters * layout.value_bytes * whole / rate
        both = gradients + np.where(layout.zero_stage >= 1, weights, gradients)
        once = exposed_s(both, known.data_exposed, work_s)
        each = (
            exposed_s(m * gradients, known.data_exposed, m * work_s) + known.data_exposed * weights
        )
        in_group = (group - 1) / group / ring_bytes_per_s(group, step, device, known)
        sharded = m * parameters * (2.0 * layout.value_bytes + value) * in_group
        between = replicas / group
        across = (
            parameters
            / group
            * 2.0
            * value
            * (between - 1)
            / between
            / ring_bytes_per_s(between, step * group, device, known)
        )
        full = exposed_s(sharded, known.fsdp_exposed, m * work_s) + exposed_s(
            across, known.data_exposed, work_s
        )
        stage = layout.zero_stage
        seconds = seconds + np.where(
            replicas > 1, np.where(stage == 3, full, np.where(stage == 2, each, once)), 0.0
        )
    return seconds

"""Communication that lengthens a step: bytes sent, links crossed, and what computing hides.

Ranks are numbered as in Megatron-LM: tensor parallel neighbours first, then context parallel,
then expert or data parallel, and pipeline stages outermost. The groups that communicate most are
therefore inside the domain of the fast links (Narayanan 2021, section 3).
"""

from __future__ import annotations

import numpy as np

from engine.predictor.columns import Array
from engine.predictor.context import StepContext

# Links ---------------------------------------------------------------------------------------


def ring_bytes_per_s(size: Array, stride: Array, context: StepContext) -> Array:
    """Return the rate, in bytes/s, of a ring collective over ``size`` devices.

    ``stride`` is the distance between neighbours of the ring, in ranks. A ring inside the domain
    runs at the fast links' rate. A larger ring enters and leaves each node once, over the network
    cards of all its members in that node, at most at the fast links' rate.
    """
    device = context.device
    fast = device.fast_bytes_per_s * context.efficiency.fast_link_share
    members_in_domain = np.maximum(1.0, np.floor(device.domain / stride))
    cards = device.slow_bytes_per_s * context.efficiency.slow_link_share * members_in_domain
    return np.where(size * stride <= device.domain, fast, np.minimum(fast, cards))


def pair_bytes_per_s(stride: Array, context: StepContext) -> Array:
    """Return the rate, in bytes/s, between two devices that are ``stride`` ranks apart."""
    device = context.device
    return np.where(
        stride < device.domain,
        device.fast_bytes_per_s * context.efficiency.fast_link_share,
        device.slow_bytes_per_s * context.efficiency.slow_link_share,
    )


def all_to_all_s(
    tokens: Array, bytes_per_token: Array, top_k: Array, size: Array, context: StepContext
) -> Array:
    """Return the seconds to send each token to its ``top_k`` experts on ``size`` devices.

    Within the domain a token goes to the device of each of its experts. Beyond it, the token goes
    once to each domain that holds any of them, and from there over the fast links (as in DeepEP
    and HybridEP). Counts are expected values for balanced, independent choices of experts.
    """
    device = context.device
    domains = np.maximum(1.0, size / device.domain)
    reached = domains * (1.0 - (1.0 - 1.0 / domains) ** np.maximum(top_k, 1.0))
    away = tokens * reached * (1.0 - 1.0 / domains)
    inside = np.minimum(size, device.domain)
    near = tokens * top_k * (1.0 - 1.0 / inside)
    return near * bytes_per_token / (
        device.fast_bytes_per_s * context.efficiency.fast_link_share
    ) + away * bytes_per_token / (device.slow_bytes_per_s * context.efficiency.slow_link_share)


def exposed_s(communication_s: Array, exposed_share: Array, work_s: Array) -> Array:
    """Return the seconds of communication that lengthen the step.

    The share ``exposed_share`` never overlaps with computing. The rest overlaps with ``work_s``
    of computing, and only what exceeds ``work_s`` is exposed.
    """
    hidden = (1.0 - exposed_share) * communication_s
    return exposed_share * communication_s + np.maximum(0.0, hidden - work_s)


# One layer -----------------------------------------------------------------------------------


def tensor_s(context: StepContext) -> Array:
    """Return the exposed seconds of tensor parallel communication of one layer.

    Two all-reduces forward and two backward, or as many pairs of all-gather and reduce-scatter,
    which move as many bytes (Korthikanti 2022, section 4.2.2). Full checkpointing repeats the
    two of the forward pass.
    """
    layout, efficiency = context.layout, context.efficiency
    if not (layout.tp > 1).any():
        return np.zeros(1)
    again = np.where(layout.checkpointing == 2, 1.5, 1.0)
    size = context.tokens * context.shape.d_model * layout.value_bytes
    ring = (layout.tp - 1) / layout.tp * size
    seconds = 8.0 * ring / ring_bytes_per_s(layout.tp, np.ones(1), context)
    latency = 8.0 * efficiency.collective_latency_s
    return np.where(layout.tp > 1, again * (efficiency.tensor_exposed * seconds + latency), 0.0)


def context_s(context: StepContext, kernel_s: Array) -> Array:
    """Return the exposed seconds of context parallel communication of one layer.

    Keys and values travel once round the ring in the forward pass and twice in the backward
    pass, with their gradients (Liu 2023, section 3). The exchange overlaps with ``kernel_s``
    seconds of attention.
    """
    layout, efficiency = context.layout, context.efficiency
    if not (layout.cp > 1).any():
        return np.zeros(1)
    sent = (
        3.0
        * (layout.cp - 1)
        * 2
        * context.shape.d_kv
        / layout.tp
        * context.tokens
        * layout.value_bytes
    )
    seconds = sent / ring_bytes_per_s(layout.cp, layout.tp, context)
    latency = 3.0 * (layout.cp - 1) * efficiency.collective_latency_s
    exposed = exposed_s(seconds, efficiency.context_exposed, kernel_s)
    return np.where(layout.cp > 1, exposed + latency, 0.0)


def expert_exchange_s(context: StepContext) -> Array:
    """Return the exposed seconds of expert parallel communication of one layer.

    Four all-to-alls: to the experts and back, in the forward and in the backward pass.
    """
    shape, layout, efficiency = context.shape, context.layout, context.efficiency
    once = all_to_all_s(
        context.tokens / layout.tp,
        shape.d_model * layout.value_bytes,
        shape.top_k,
        layout.ep,
        context,
    )
    seconds = 4.0 * (efficiency.expert_exposed * once + efficiency.collective_latency_s)
    return np.where((layout.ep > 1) & (shape.n_moe_layers > 0), seconds, 0.0)


# One micro batch, one step -------------------------------------------------------------------


def pipeline_s(context: StepContext) -> Array:
    """Return the exposed seconds of transfers between stages for one micro batch.

    Each virtual stage receives an input and a gradient; tensor parallel ranks split both along
    the sequence.
    """
    layout, efficiency = context.layout, context.efficiency
    if not (layout.pp > 1).any():
        return np.zeros(1)
    sent = context.tokens * context.shape.d_model * layout.value_bytes / layout.tp
    rate = pair_bytes_per_s(layout.n_devices / layout.pp, context)
    seconds = 2.0 * layout.vp * (sent / rate + efficiency.collective_latency_s)
    return np.where(layout.pp > 1, efficiency.pipeline_exposed * seconds, 0.0)


def data_s(context: StepContext, work_s: Array) -> Array:
    """Return the exposed seconds of data parallel communication of one step.

    ``work_s`` is the computing of one micro batch, in seconds, which communication overlaps with.
    """
    layout = context.layout
    seconds: Array = np.zeros(1)
    for parameters, replicas, stride in (
        (context.dense_parameters, context.replicas, layout.tp),
        (context.expert_parameters, context.expert_replicas, layout.ep),
    ):
        if parameters.any():
            seconds = seconds + _states_s(context, work_s, parameters, replicas, stride)
    return seconds


def _states_s(
    context: StepContext, work_s: Array, parameters: Array, replicas: Array, stride: Array
) -> Array:
    """Return the exposed seconds to reduce gradients and gather weights of ``parameters``.

    A ring moves (n − 1)/n of all values: gradients once reduced, weights once gathered. Stage 2
    reduces in every micro step; stage 3 also gathers the weights twice in each (Rajbhandari 2020,
    section 7). The groups of a hybrid shard reduce among each other once a step.
    """
    layout, efficiency, value = context.layout, context.efficiency, context.gradient_bytes
    # A pipeline keeps gathered weights until the step ends: it returns to each of its layers.
    m = np.where(layout.pp > 1, 1.0, layout.micro_steps)
    group = np.maximum(1.0, context.shards_of(replicas))
    whole = (replicas - 1) / replicas
    rate = ring_bytes_per_s(replicas, stride, context)
    gradients = parameters * value * whole / rate
    weights = parameters * layout.value_bytes * whole / rate

    both = gradients + np.where(layout.zero_stage >= 1, weights, gradients)
    once_a_step = exposed_s(both, efficiency.data_exposed, work_s)
    each_micro_step = (
        exposed_s(m * gradients, efficiency.data_exposed, m * work_s)
        + efficiency.data_exposed * weights
    )
    in_group = (group - 1) / group / ring_bytes_per_s(group, stride, context)
    sharded = m * parameters * (2.0 * layout.value_bytes + value) * in_group
    groups = replicas / group
    across = (
        parameters
        / group
        * 2.0
        * value
        * (groups - 1)
        / groups
        / ring_bytes_per_s(groups, stride * group, context)
    )
    fully_sharded = exposed_s(sharded, efficiency.fsdp_exposed, m * work_s) + exposed_s(
        across, efficiency.data_exposed, work_s
    )
    stage = layout.zero_stage
    return np.where(
        replicas > 1,
        np.where(stage == 3, fully_sharded, np.where(stage == 2, each_micro_step, once_a_step)),
        0.0,
    )

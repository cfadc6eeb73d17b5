"""Bytes that parallel training sends, and the links that they cross.

Ranks are numbered as Megatron-LM does: tensor parallel neighbours first, then context, then
expert or data parallel, pipeline stages outermost; so the groups that talk most sit inside the
domain of the fast links (Narayanan 2021, section 3).
"""

from __future__ import annotations

import numpy as np

from engine.predictor.columns import Array, DeviceColumns
from engine.predictor.efficiency import EfficiencyColumns


def ring_bytes_per_s(
    size: Array, stride: Array, device: DeviceColumns, known: EfficiencyColumns
) -> Array:
    """Rate of a ring collective over ``size`` devices that stand ``stride`` ranks apart.

    Inside the domain, the fast links' rate. Beyond it a ring enters and leaves each node once,
    over the network cards of all its members there, up to the rate of the fast links.
    """
    fast = device.fast_bytes_per_s * known.fast_link_share
    members_in_domain = np.maximum(1.0, np.floor(device.domain / stride))
    cards = device.slow_bytes_per_s * known.slow_link_share * members_in_domain
    return np.where(size * stride <= device.domain, fast, np.minimum(fast, cards))


def pair_bytes_per_s(stride: Array, device: DeviceColumns, known: EfficiencyColumns) -> Array:
    """Rate between two devices ``stride`` ranks apart: pipeline neighbours, or any two."""
    return np.where(
        stride < device.domain,
        device.fast_bytes_per_s * known.fast_link_share,
        device.slow_bytes_per_s * known.slow_link_share,
    )


def all_to_all_s(
    tokens: Array,
    bytes_per_token: Array,
    top_k: Array,
    size: Array,
    device: DeviceColumns,
    known: EfficiencyColumns,
) -> Array:
    """Time to send each of ``tokens`` to its ``top_k`` experts on ``size`` devices.

    Within the domain each token goes to each of its experts' devices; beyond it once to each
    domain that holds any of them, and from there over the fast links (as DeepEP and HybridEP
    do). Expected counts for balanced, independent choices.
    """
    domains = np.maximum(1.0, size / device.domain)
    reached = domains * (1.0 - (1.0 - 1.0 / domains) ** np.maximum(top_k, 1.0))
    away = tokens * reached * (1.0 - 1.0 / domains)
    inside = np.minimum(size, device.domain)
    near = tokens * top_k * (1.0 - 1.0 / inside)
    return near * bytes_per_token / (
        device.fast_bytes_per_s * known.fast_link_share
    ) + away * bytes_per_token / (device.slow_bytes_per_s * known.slow_link_share)


def exposed_s(communication_s: Array, exposed_share: Array, work_s: Array) -> Array:
    """Communication that lengthens the step: a share never hides, the rest hides behind
    ``work_s`` of computing as far as that reaches."""
    hidden = (1.0 - exposed_share) * communication_s
    return exposed_share * communication_s + np.maximum(0.0, hidden - work_s)

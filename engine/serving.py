"""Generating tokens: the roofline of decoding on one device."""

from __future__ import annotations

import math

from engine.facts import Accelerator, efficiency
from engine.layout import BYTES_PER_VALUE
from engine.memory import GB
from engine.plan import Plan
from engine.shapes import ModelShape
from engine.throughput import peak_flops_per_s

USABLE_MEMORY_SHARE = 0.9
"""What weights and cache may take; the rest is the libraries' and the allocator's."""


def decode_tokens_per_s(plan: Plan, device: Accelerator) -> float:
    """Output tokens per second of one busy device.

    One decoding step reads all weights once and each sequence's keys and values, and
    multiplies each sequence with all weights (Pope 2022, section 2.1). Both terms are added:
    they overlap little at small batches. Reading the prompt is not counted. No more sequences
    run at a time than their cache leaves room for; a model that is too large for one device
    runs on as many as hold it, which share its output.
    """
    known = efficiency(device.arch)
    value_bytes = BYTES_PER_VALUE[plan.layout.precision]
    parameters = plan.shape.count_parameters().total
    weight_bytes = value_bytes * parameters
    device_bytes = USABLE_MEMORY_SHARE * device.memory_gb * GB
    n_devices = math.ceil(weight_bytes / device_bytes)
    sequence_bytes = plan.serving.context_tokens * kv_cache_bytes_per_token(plan.shape, value_bytes)
    room = int((n_devices * device_bytes - weight_bytes) / sequence_bytes)
    sequences = max(1, min(plan.serving.concurrent_sequences, room))

    bandwidth = n_devices * device.memory_gb_per_s * 1e9 * known.bandwidth_share
    read_s = (weight_bytes + sequences * sequence_bytes) / bandwidth
    peak = n_devices * peak_flops_per_s(device, plan.layout)
    compute_s = 2 * parameters * sequences / (peak * known.matmul_share)
    launch_s = plan.shape.n_layers * known.layer_overhead_s / 3
    return sequences / (read_s + compute_s + launch_s) / n_devices


def kv_cache_bytes_per_token(shape: ModelShape, value_bytes: int) -> int:
    """Keys and values of one token in all layers."""
    return 2 * shape.n_layers * shape.d_kv * value_bytes

"""Generating tokens: the roofline of decoding on one device."""

from __future__ import annotations

from engine.facts import Accelerator, efficiency
from engine.layout import BYTES_PER_VALUE
from engine.plan import Plan
from engine.shapes import ModelShape
from engine.throughput import peak_flops_per_s


def decode_tokens_per_s(plan: Plan, device: Accelerator) -> float:
    """Output tokens per second of one busy device.

    One decoding step reads all weights once and each sequence's keys and values, and
    multiplies each sequence with all weights (Pope 2022, section 2.1). Both terms are added:
    they overlap little at small batches. Reading the prompt is not counted.
    """
    known = efficiency(device.arch)
    value_bytes = BYTES_PER_VALUE[plan.layout.precision]
    parameters = plan.shape.count_parameters().total
    sequences = plan.serving.concurrent_sequences
    cache_bytes = (
        sequences * plan.serving.context_tokens * kv_cache_bytes_per_token(plan.shape, value_bytes)
    )
    bandwidth = device.memory_gb_per_s * 1e9 * known.bandwidth_share
    read_s = (value_bytes * parameters + cache_bytes) / bandwidth
    peak = peak_flops_per_s(device, plan.layout)
    compute_s = 2 * parameters * sequences / (peak * known.matmul_share)
    return sequences / (read_s + compute_s + plan.shape.n_layers * known.layer_overhead_s / 3)


def kv_cache_bytes_per_token(shape: ModelShape, value_bytes: int) -> int:
    """Keys and values of one token in all layers."""
    return 2 * shape.n_layers * shape.d_kv * value_bytes

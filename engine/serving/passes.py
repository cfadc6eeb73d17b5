"""The time of one pass through a served model: a roofline, part by part.

The parts are attention's matrices, feed-forward networks, experts, output head and attention
itself. Each takes the longer of two times: computing, and reading its operands from memory (Pope
2022, section 2). All-reduces between tensor parallel devices and kernel launches are added.

The model leaves out pipeline parallelism, experts on devices of their own and speculative
decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.facts import Accelerator
from engine.layout import Precision
from engine.serving.replica import WEIGHT_BYTES, Replica, WeightPrecision
from engine.units import BYTES_PER_GB

Array = npt.NDArray[np.float64]
Bound = Literal["compute", "memory bandwidth", "communication", "overhead"]

_SIXTEEN: tuple[Precision, ...] = ("bf16", "fp16", "fp32")
_COMPUTED_IN: dict[WeightPrecision, tuple[Precision, ...]] = {
    "fp32": ("fp32",),
    "bf16": _SIXTEEN,
    "fp8": ("fp8", *_SIXTEEN),
    "int8": _SIXTEEN,
    "int4": _SIXTEEN,
    "nvfp4": ("nvfp4", *_SIXTEEN),
}
"""Precisions to compute in, by the weights' precision; the first that the device has is used.
Integer weights are widened as they are read, so that only reading them becomes cheaper; 8- and
4-bit floats are too on devices without such units."""


def expected_experts_share(n_experts: int, top_k: int, tokens: Array) -> Array:
    """Return the expected share of a layer's experts that at least one of ``tokens`` chose.

    The share is 1 − (1 − k/E)^tokens if every expert is chosen equally often.
    """
    chosen: Array = 1 - (1 - top_k / n_experts) ** tokens
    return chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSeconds:
    """Seconds of a pass by the resource that bounds each part."""

    compute: Array
    memory: Array
    communication: Array
    overhead: Array

    @property
    def total(self) -> Array:
        """Seconds of the whole pass."""
        return self.compute + self.memory + self.communication + self.overhead

    def bound(self, at: int) -> Bound:
        """Return the resource that bounds most of the time of element ``at``."""
        names: tuple[Bound, ...] = ("compute", "memory bandwidth", "communication", "overhead")
        spent = [float(getattr(self, field.name)[at]) for field in fields(self)]
        return names[spent.index(max(spent))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """The work of one pass through the model; arrays of equal shape, one element for each case."""

    sequences: Array
    """Sequences in the pass; the last token of each also passes the output head."""
    tokens: Array
    """Tokens that pass the layers."""
    pairs: Array
    """Pairs of a token and a token that it attends to."""
    cached: Array
    """Tokens whose keys and values are read from memory."""
    is_decode: bool
    """Whether the pass generates tokens. Latent attention then computes with the latents
    themselves, which is faster for few tokens (DeepSeek-V2 2024, section 2.1.2), instead of with
    keys and values of each head."""


def pass_time(replica: Replica, work: Pass) -> PassSeconds:
    """Return the seconds of one pass through the model, for each element of ``work``.

    Raises
    ------
    InputError
        If the device cannot compute with the model's weights.
    """
    model, efficiency, device = replica.model, replica.efficiency, replica.device
    degree = replica.tensor_parallel
    sequences, tokens, cached = work.sequences, work.tokens, work.cached
    shape, count = model.shape, model.shape.count_parameters()
    weight_bytes, base_bytes = WEIGHT_BYTES[model.weights], model.base_bytes
    base_peak = _peak(device, "fp32" if model.weights == "fp32" else "bf16")
    peak = _peak(device, model.weights) * efficiency.matmul_share
    # Share of attention's work on the busiest device.
    share: Array | float = 1 / degree
    if replica.by_sequences:
        share = np.ceil(sequences / degree) / sequences
    if shape.moe:
        chosen = expected_experts_share(shape.moe.n_experts, shape.moe.top_k, tokens)
    else:
        chosen = np.zeros_like(tokens)
    pair_width, expanded = shape.d_attn + shape.d_value, 0
    if shape.mla and work.is_decode:
        pair_width = shape.n_heads * (2 * shape.mla.kv_lora_rank + shape.mla.qk_rope_head_dim)
    elif shape.mla:  # keys and values of cached tokens are recomputed from their latents
        sizes = {name: n_in * n_out for name, n_in, n_out in shape.attention_linears()}
        expanded = shape.n_layers * sizes["kv_up"]
    head = shape.vocab * shape.d_model
    parts = (  # seconds of computing and bytes read, on one device
        (
            2 * (tokens * count.attention + cached * expanded) * share / peak,
            weight_bytes * count.attention / (1 if replica.by_sequences else degree),
        ),
        (2 * tokens * count.ffn / degree / peak, weight_bytes * count.ffn / degree),
        (
            2 * tokens * (count.experts - count.experts_idle) / degree / peak,
            weight_bytes * count.experts * chosen / degree,
        ),
        (
            2 * sequences * head / degree / (base_peak * efficiency.matmul_share),
            base_bytes * head / degree,
        ),
        (
            2
            * shape.n_layers
            * pair_width
            * work.pairs
            * share
            / (base_peak * efficiency.attention_share),
            replica.cache_bytes_per_token * cached * (share if replica.by_sequences else 1),
        ),
    )
    compute, memory = np.zeros_like(tokens), np.zeros_like(tokens)
    for compute_s, read_bytes in parts:
        read_s = read_bytes / (device.memory_gb_per_s * BYTES_PER_GB * efficiency.bandwidth_share)
        compute += np.where(compute_s > read_s, compute_s, 0)
        memory += np.where(compute_s > read_s, 0, read_s)

    in_one_node = degree <= device.domain_size
    link = (device.fast_gb_per_s if in_one_node else device.slow_gb_per_s) * BYTES_PER_GB
    # A ring all-reduce sends 2·(n−1)/n of the values. One follows the FFN; one follows attention
    # unless each device has its own sequences there.
    ring = 2 * (degree - 1) / degree * tokens * shape.d_model * base_bytes / link
    all_reduce_s = ring + efficiency.all_reduce_latency_s * (degree > 1)
    speed = efficiency.writing_speed if work.is_decode else efficiency.reading_speed
    return PassSeconds(
        compute=compute / speed,
        memory=memory / speed,
        communication=shape.n_layers * (1 if replica.by_sequences else 2) * all_reduce_s / speed,
        overhead=np.full_like(tokens, shape.n_layers * efficiency.layer_overhead_s) / speed,
    )


def _peak(device: Accelerator, weights: WeightPrecision) -> float:
    """Return the peak, in FLOP/s, at the first precision that the device has for ``weights``."""
    for kind in _COMPUTED_IN[weights]:
        if peak := device.peak_flops_per_s(kind):
            return peak
    having = ", ".join(kind for kind in _SIXTEEN if device.peak_flops_per_s(kind))
    raise InputError(
        "weights", weights, "precision_of_device", device=device.accelerator, having=having
    )

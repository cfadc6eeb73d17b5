"""A replica that serves a trained model: how it is split over devices, and what fits on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.documents import InputError
from engine.facts import Accelerator
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

WeightPrecision = Literal["fp32", "bf16", "fp8", "int8", "int4", "nvfp4"]
AttentionSplit = Literal["heads", "sequences"]
"""What of attention each device of a replica works on. By heads, all devices copy what heads
share; by sequences, they copy attention's weights (DeepSeek-V3 2024, section 3.4)."""

WEIGHT_BYTES: dict[WeightPrecision, float] = {
    "fp32": 4,
    "bf16": 2,
    "fp8": 1,
    "int8": 1,
    "int4": (4 + (16 + 4) / 128) / 8,  # a scale and a zero point for 128 weights (GPTQ, AWQ)
    "nvfp4": (4 + 8 / 16) / 8,  # an 8-bit scale for 16 weights
}
"""Of the layers' matrices. Embeddings and output head stay in 16 bits where these are shorter,
as in published quantised checkpoints."""

USABLE_MEMORY_SHARE = 0.9
"""What weights and cache may take; the rest is the libraries' and activations' (vLLM's
default)."""
MIN_CACHE_SHARE = 0.1
"""Of the usable memory, what a replica of unstated size leaves for the cache at least."""
CACHE_BLOCK_TOKENS = 16
"""The cache is given out in blocks (Kwon 2023, section 7.2)."""


_LARGEST_NODE = 8
"""Devices of one machine; fast links that join more join the machines of a rack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingEfficiency:
    """How much of its peaks a device reaches."""

    matmul_share: float
    bandwidth_share: float
    attention_share: float
    layer_overhead_s: float = 0.0
    """Launching one layer's kernels, once a pass; near 0 with CUDA graphs."""
    all_reduce_latency_s: float = 9e-6
    """Of an all-reduce of a few values inside a node: 8.5 to 12 µs on two to eight H100s with
    vLLM's kernel (sgl-project/sglang pull request 2904, 2025-01)."""
    prefix_gb_per_s: float | None = None
    """At which one device gets kept prefixes back from the host or a disk; None where they stay
    in its own memory."""
    reading_speed: float = 1.0
    """At which prompts are read by a compressed model, over that of the model as it was trained:
    measured, where it was."""
    writing_speed: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, on average."""

    input_tokens: int
    output_tokens: int
    cached_share: float = 0.0
    """Of the input, the beginning whose keys and values are kept from earlier requests."""

    def __post_init__(self) -> None:
        for name in ("input_tokens", "output_tokens"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "greater_than_equal", limit=1)
        if not 0 <= self.cached_share <= 1:
            raise InputError("cached_share", self.cached_share, "between", low=0, high=1)

    @property
    def cached_tokens(self) -> int:
        """At least one token is always computed: the answer starts from it."""
        return min(round(self.input_tokens * self.cached_share), self.input_tokens - 1)

    @property
    def new_tokens(self) -> int:
        return self.input_tokens - self.cached_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model and the form in which it is kept."""

    shape: ModelShape
    weights: WeightPrecision = "bf16"
    kv_value_bytes: float = 2
    """Of a value in the cache: 2 for 16 bits, 1 for fp8."""

    @property
    def base_bytes(self) -> int:
        """Of a value that stays in 16 (or 32) bits."""
        return 4 if self.weights == "fp32" else 2

    @property
    def weight_bytes(self) -> float:
        count = self.shape.count_parameters()
        inside = count.attention + count.ffn + count.experts
        return WEIGHT_BYTES[self.weights] * inside + self.base_bytes * (count.total - inside)

    @property
    def cache_bytes_per_token(self) -> float:
        """Keys and values of every key head in all layers (Kwon 2023, section 3); with latent
        attention the latent and the rotary key (DeepSeek-V2 2024, section 2.1.4)."""
        shape = self.shape
        if shape.mla:
            values = shape.mla.kv_lora_rank + shape.mla.qk_rope_head_dim
        else:
            values = 2 * shape.d_kv
        return shape.n_layers * values * self.kv_value_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One copy of a model on the devices that hold it together."""

    model: ServedModel
    device: Accelerator
    efficiency: ServingEfficiency
    tensor_parallel: int
    attention_split: AttentionSplit = "heads"

    @property
    def by_sequences(self) -> bool:
        return self.attention_split == "sequences"

    @property
    def weight_bytes(self) -> float:
        """On one device."""
        copied = self.model.shape.count_parameters().attention if self.by_sequences else 0
        copied_bytes = WEIGHT_BYTES[self.model.weights] * copied
        return copied_bytes + (self.model.weight_bytes - copied_bytes) / self.tensor_parallel

    @property
    def cache_bytes_per_token(self) -> float:
        """On one device, for one of its sequences. Split by heads, no device holds less than one
        key head; a latent serves all of them."""
        whole = self.model.cache_bytes_per_token
        if self.by_sequences or self.model.shape.mla:
            return whole
        heads = self.model.shape.n_kv_heads
        return whole * -(-heads // self.tensor_parallel) / heads

    @property
    def usable_bytes(self) -> float:
        """Of one device."""
        return USABLE_MEMORY_SHARE * self.device.memory_gb * BYTES_PER_GB

    @property
    def cache_room_bytes(self) -> float:
        """What the weights leave of it."""
        return self.usable_bytes - self.weight_bytes

    def most_sequences(self, request: Request) -> int:
        """How many fit in memory at their full length; 0 where not even the weights do.

        Kept prefixes are counted once for each sequence, as if none were shared.
        """
        blocks = -(-(request.input_tokens + request.output_tokens) // CACHE_BLOCK_TOKENS)
        sequence_bytes = blocks * CACHE_BLOCK_TOKENS * self.cache_bytes_per_token
        on_one_device = max(0, int(self.cache_room_bytes / sequence_bytes))
        return on_one_device * (self.tensor_parallel if self.by_sequences else 1)


def replicas(
    model: ServedModel,
    device: Accelerator,
    efficiency: ServingEfficiency,
    tensor_parallel: int | None = None,
) -> tuple[Replica, ...]:
    """All ways to split a model, the smallest first, whether it fits in memory or not.

    The heads divide evenly among the devices, and the devices a node, or nodes them; where
    ``tensor_parallel`` is given there is only that one. Latent attention, whose cache heads
    cannot split, may be split by sequences too.

    Raises
    ------
    InputError
        If ``tensor_parallel`` does not divide the heads.
    """
    heads, node = model.shape.n_heads, device.devices_per_node
    if tensor_parallel is None:
        degrees = [
            degree
            for degree in range(1, heads + 1)
            if heads % degree == 0
            and (
                node is None
                or 0 in (node % degree, degree % node)
                or _LARGEST_NODE < degree < node  # some of a rack's devices
            )
        ]
    elif tensor_parallel < 1 or heads % tensor_parallel:
        raise InputError("tensor_parallel", tensor_parallel, "divisor", of=heads)
    else:
        degrees = [tensor_parallel]
    ways: list[Replica] = []
    for degree in degrees:
        splits: tuple[AttentionSplit, ...] = ("heads",)
        if model.shape.mla and degree > 1:
            splits = ("sequences", "heads")
        for split in splits:
            ways.append(
                Replica(
                    model=model,
                    device=device,
                    efficiency=efficiency,
                    tensor_parallel=degree,
                    attention_split=split,
                )
            )
    return tuple(ways)


def smallest_replica(
    model: ServedModel, device: Accelerator, efficiency: ServingEfficiency, request: Request
) -> Replica:
    """The smallest that holds the weights and leaves some room for the cache.

    Raises
    ------
    InputError
        If weights and one request are too large however the model is split.
    """
    ways = replicas(model, device, efficiency)
    possible = [one for one in ways if one.most_sequences(request)]
    if not possible:
        limit = int(ways[-1].usable_bytes * ways[-1].tensor_parallel)
        raise InputError("weight_bytes", int(model.weight_bytes), "less_than", limit=limit)
    roomy = (one for one in possible if one.cache_room_bytes >= MIN_CACHE_SHARE * one.usable_bytes)
    return next(roomy, possible[0])

"""A replica that serves a trained model: its split over devices and the memory on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.documents import InputError
from engine.facts import Accelerator
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

WeightPrecision = Literal["fp32", "bf16", "fp8", "int8", "int4", "nvfp4"]
AttentionSplit = Literal["heads", "sequences"]
"""Split of attention over the devices of a replica. By heads, every device holds a copy of what
heads share; by sequences, every device holds attention's weights (DeepSeek-V3 2024, section
3.4)."""

WEIGHT_BYTES: dict[WeightPrecision, float] = {
    "fp32": 4,
    "bf16": 2,
    "fp8": 1,
    "int8": 1,
    "int4": (4 + (16 + 4) / 128) / 8,  # a scale and a zero point for 128 weights (GPTQ, AWQ)
    "nvfp4": (4 + 8 / 16) / 8,  # an 8-bit scale for 16 weights
}
"""Size of one weight of the layers' matrices, in bytes. Embeddings and output head stay in 16
bits where the layers have fewer, as in published quantised checkpoints."""

USABLE_MEMORY_SHARE = 0.9
"""Share of a device's memory for weights and cache; libraries and activations take the rest
(vLLM's default)."""
CACHE_BLOCK_TOKENS = 16
"""Tokens of one block, the unit in which the cache is allocated (Kwon 2023, section 7.2)."""

_LARGEST_NODE = 8
"""Most devices of one machine; larger domains of fast links join the machines of a rack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingEfficiency:
    """Shares of its peaks that a device reaches, and fixed times."""

    matmul_share: float
    """Share of the peak that matmuls reach."""
    bandwidth_share: float
    """Share of the memory bandwidth that kernels reach."""
    attention_share: float
    """Share of the 16-bit peak that attention's scores and values reach."""
    layer_overhead_s: float = 0.0
    """Seconds to launch one layer's kernels in one pass; near 0 with CUDA graphs."""
    all_reduce_latency_s: float = 9e-6
    """Seconds of an all-reduce of a few values inside a node: 8.5 to 12 µs on two to eight H100s
    with vLLM's kernel (sgl-project/sglang pull request 2904, 2025-01)."""
    prefix_gb_per_s: float | None = None
    """Rate, in GB/s, at which one device loads kept prefixes from the host or a disk; None where
    they stay in its own memory."""
    reading_speed: float = 1.0
    """Measured speed of prefill of a compressed model over that of the model as trained; 1 without
    a measurement."""
    writing_speed: float = 1.0
    """Measured speed of decoding of a compressed model over that of the model as trained; 1
    without a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The average request."""

    input_tokens: int
    """Tokens of the prompt."""
    output_tokens: int
    """Tokens of the answer."""
    cached_share: float = 0.0
    """Share of the prompt, from its beginning, whose keys and values earlier requests left in the
    cache."""

    def __post_init__(self) -> None:
        for name in ("input_tokens", "output_tokens"):
            if getattr(self, name) < 1:
                raise InputError(name, getattr(self, name), "greater_than_equal", limit=1)
        if not 0 <= self.cached_share <= 1:
            raise InputError("cached_share", self.cached_share, "between", low=0, high=1)

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens whose keys and values are kept.

        At least one token of a prompt is always computed, since the answer starts from it.
        """
        return min(round(self.input_tokens * self.cached_share), self.input_tokens - 1)

    @property
    def new_tokens(self) -> int:
        """Prompt tokens that prefill computes."""
        return self.input_tokens - self.cached_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model and the precision in which it is served."""

    shape: ModelShape
    weights: WeightPrecision = "bf16"
    kv_value_bytes: float = 2
    """Size of one value in the cache, in bytes: 2 for 16 bits, 1 for fp8."""

    @property
    def base_bytes(self) -> int:
        """Size of a value that stays in 16 (or 32) bits, in bytes."""
        return 4 if self.weights == "fp32" else 2

    @property
    def weight_bytes(self) -> float:
        """Size of all weights, in bytes."""
        count = self.shape.count_parameters()
        inside = count.attention + count.ffn + count.experts
        return WEIGHT_BYTES[self.weights] * inside + self.base_bytes * (count.total - inside)

    @property
    def cache_bytes_per_token(self) -> float:
        """Size of one token's cache in all layers, in bytes.

        Keys and values of every key head (Kwon 2023, section 3); with latent attention the latent
        and the rotary key (DeepSeek-V2 2024, section 2.1.4).
        """
        shape = self.shape
        if shape.mla:
            values = shape.mla.kv_lora_rank + shape.mla.qk_rope_head_dim
        else:
            values = 2 * shape.d_kv
        return shape.n_layers * values * self.kv_value_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model, the devices that serve it, and their efficiency."""

    model: ServedModel
    device: Accelerator
    efficiency: ServingEfficiency
    tensor_parallel: int | None = None
    """Devices of one replica; None for any number that divides the heads."""


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
        """Whether each device has attention's whole weights and its own sequences."""
        return self.attention_split == "sequences"

    @property
    def weight_bytes(self) -> float:
        """Size of the weights on one device, in bytes."""
        copied = self.model.shape.count_parameters().attention if self.by_sequences else 0
        copied_bytes = WEIGHT_BYTES[self.model.weights] * copied
        return copied_bytes + (self.model.weight_bytes - copied_bytes) / self.tensor_parallel

    @property
    def cache_bytes_per_token(self) -> float:
        """Size of the cache on one device for one token of one of its sequences, in bytes.

        Split by heads, every device holds at least one key head. A latent serves all heads, so
        that every device holds the whole of it.
        """
        whole = self.model.cache_bytes_per_token
        if self.by_sequences or self.model.shape.mla:
            return whole
        heads = self.model.shape.n_kv_heads
        return whole * -(-heads // self.tensor_parallel) / heads

    @property
    def usable_bytes(self) -> float:
        """Memory of one device for weights and cache, in bytes."""
        return USABLE_MEMORY_SHARE * self.device.memory_gb * BYTES_PER_GB

    @property
    def cache_room_bytes(self) -> float:
        """Memory of one device that the weights leave for the cache, in bytes."""
        return self.usable_bytes - self.weight_bytes

    def most_sequences(self, request: Request) -> int:
        """Return the sequences that fit in memory at full length; 0 if the weights do not fit.

        A kept prefix is counted once for each sequence, as if none were shared.
        """
        blocks = -(-(request.input_tokens + request.output_tokens) // CACHE_BLOCK_TOKENS)
        sequence_bytes = blocks * CACHE_BLOCK_TOKENS * self.cache_bytes_per_token
        on_one_device = max(0, int(self.cache_room_bytes / sequence_bytes))
        return on_one_device * (self.tensor_parallel if self.by_sequences else 1)


def replicas(deployment: Deployment) -> tuple[Replica, ...]:
    """Return all replicas of a deployment, the smallest first, including those that do not fit.

    The heads divide evenly among the devices, and the devices divide a node or fill whole nodes.
    Latent attention, whose cache cannot be split by heads, may be split by sequences too.

    Raises
    ------
    InputError
        If the deployment's ``tensor_parallel`` does not divide the heads.
    """
    model, tensor_parallel = deployment.model, deployment.tensor_parallel
    heads, node = model.shape.n_heads, deployment.device.devices_per_node
    if tensor_parallel is None:
        degrees = [
            degree
            for degree in range(1, heads + 1)
            if heads % degree == 0
            and (
                node is None
                or 0 in (node % degree, degree % node)
                or _LARGEST_NODE < degree < node  # a part of a rack
            )
        ]
    elif tensor_parallel < 1 or heads % tensor_parallel:
        raise InputError("tensor_parallel", tensor_parallel, "divisor", of=heads)
    else:
        degrees = [tensor_parallel]
    found: list[Replica] = []
    for degree in degrees:
        splits: tuple[AttentionSplit, ...] = ("heads",)
        if model.shape.mla and degree > 1:
            splits = ("sequences", "heads")
        for split in splits:
            found.append(
                Replica(
                    model=model,
                    device=deployment.device,
                    efficiency=deployment.efficiency,
                    tensor_parallel=degree,
                    attention_split=split,
                )
            )
    return tuple(found)

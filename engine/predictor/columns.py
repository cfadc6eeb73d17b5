"""Documents as columns of numbers, so that the same arithmetic predicts one row or a million.

:class:`engine.predictor.context.StepContext` holds these columns. Their arrays have shape (n,) or
(1,) and broadcast: a search predicts one shape in a hundred thousand layouts, and a table of runs
has as many shapes as layouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.facts import Accelerator
from engine.layout import Layout, Precision, value_bytes
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

Array = npt.NDArray[np.float64]

_CHECKPOINTING = {"none": 0.0, "selective": 1.0, "full": 2.0}
# Attention matrices that tensor parallelism splits along their output or along their input; the
# narrow matrices of latent vectors are not split.
_SPLIT_OUT = frozenset({"qkv", "q", "q_up", "kv_up"})
_SPLIT_IN = frozenset({"attention_out"})
_ATTENTION_SLOTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Base class of named arrays of equal or unit length."""

    def take(self, rows: Any) -> Self:
        """Return the columns of some rows, given by indices, a slice or a mask."""
        picked: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            if isinstance(column, tuple):
                picked[field.name] = tuple(matrix.take(rows) for matrix in column)
            else:
                picked[field.name] = column if column.shape[-1] == 1 else column[rows]
        return type(self)(**picked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Base class of named arrays of one unit that add up; they broadcast to shape (n,)."""

    @property
    def total(self) -> Array:
        """Sum of all parts, shape (n,)."""
        return sum((getattr(self, field.name) for field in fields(self)), np.zeros(1))

    def parts(self, row: int = 0) -> dict[str, float]:
        """Return the parts of one row as plain numbers."""
        return {
            field.name: float(np.broadcast_to(getattr(self, field.name), self.total.shape)[row])
            for field in fields(self)
        }


def _column(values: Sequence[float]) -> Array:
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices(Columns):
    """One attention matrix of each row's layer; ``n_in`` is 0 where a row lacks it."""

    n_in: Array
    n_out: Array
    splits_in: Array
    """1 where tensor parallelism splits the input, else 0."""
    splits_out: Array
    """1 where tensor parallelism splits the output, else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeColumns(Columns):
    """The numbers of :class:`ModelShape` that timing and memory need."""

    n_layers: Array
    n_moe_layers: Array
    d_model: Array
    d_attn: Array
    d_kv: Array
    d_value: Array
    n_heads: Array
    head_dim: Array
    d_ff: Array
    ffn_matrices: Array
    seq_len_tokens: Array
    vocab: Array
    n_experts: Array
    top_k: Array
    d_expert: Array
    n_shared_experts: Array
    attention_parameters: Array
    """Parameters of attention in one layer."""
    ffn_parameters: Array
    """Parameters of the feed-forward network of one dense layer."""
    shared_parameters: Array
    """Parameters of the shared experts of one layer."""
    expert_parameters: Array
    """Parameters of all routed experts of one layer."""
    embedding_parameters: Array
    head_parameters: Array
    """Parameters of the output matrix, which computes even where it is tied to the embedding."""
    own_head_parameters: Array
    """Parameters of the output matrix that the embedding does not share; 0 where it is tied."""
    total_parameters: Array
    attention: tuple[Matrices, ...]

    @classmethod
    def of(cls, shapes: Sequence[ModelShape]) -> ShapeColumns:
        """Return the columns of ``shapes``, one row each."""
        numbers = [_shape_numbers(shape) for shape in shapes]
        slots = [shape.attention_linears() for shape in shapes]
        matrices = []
        for slot in range(_ATTENTION_SLOTS):
            rows = [linears[slot] if slot < len(linears) else ("", 0, 0) for linears in slots]
            if any(name for name, _, _ in rows):
                matrices.append(
                    Matrices(
                        n_in=_column([n_in for _, n_in, _ in rows]),
                        n_out=_column([n_out for _, _, n_out in rows]),
                        splits_in=_column([name in _SPLIT_IN for name, _, _ in rows]),
                        splits_out=_column([name in _SPLIT_OUT for name, _, _ in rows]),
                    )
                )
        return cls(
            **{name: _column([row[name] for row in numbers]) for name in numbers[0]},
            attention=tuple(matrices),
        )


def _shape_numbers(shape: ModelShape) -> dict[str, float]:
    moe, count = shape.moe, shape.count_parameters()
    expert = shape.ffn_matrices * shape.d_model * moe.d_ff if moe else 0
    return {
        "n_layers": shape.n_layers,
        "n_moe_layers": shape.n_moe_layers,
        "d_model": shape.d_model,
        "d_attn": shape.d_attn,
        # Latent attention expands a key and a value for every head.
        "d_kv": shape.d_attn if shape.mla else shape.d_kv,
        "d_value": shape.d_value,
        "n_heads": shape.n_heads,
        "head_dim": shape.head_dim,
        "d_ff": shape.d_ff,
        "ffn_matrices": shape.ffn_matrices,
        "seq_len_tokens": shape.seq_len_tokens,
        "vocab": shape.vocab,
        "n_experts": moe.n_experts if moe else 0,
        "top_k": moe.top_k if moe else 0,
        "d_expert": moe.d_ff if moe else 0,
        "n_shared_experts": moe.n_shared_experts if moe else 0,
        "attention_parameters": sum(n * k for _, n, k in shape.attention_linears()),
        "ffn_parameters": shape.ffn_matrices * shape.d_model * shape.d_ff,
        "shared_parameters": expert * (moe.n_shared_experts if moe else 0),
        "expert_parameters": expert * (moe.n_experts if moe else 0),
        "embedding_parameters": count.token_embedding + count.position_embedding,
        "head_parameters": shape.d_model * shape.vocab,
        "own_head_parameters": count.output_head,
        "total_parameters": count.total,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutColumns(Columns):
    """The numbers of :class:`Layout` that timing and memory need, and the number of devices."""

    n_devices: Array
    micro_batch: Array
    micro_steps: Array
    tp: Array
    pp: Array
    vp: Array
    cp: Array
    ep: Array
    dp: Array
    zero_stage: Array
    shard_group: Array
    """Devices that share one copy of the states that ZeRO shards; ``dp`` without groups."""
    checkpointing: Array
    """0 none, 1 selective, 2 full."""
    offload: Array
    """1 where optimizer states are in the host's memory, else 0."""
    value_bytes: Array
    """Size of one weight or activation, in bytes."""

    @classmethod
    def of(cls, layouts: Sequence[Layout], n_devices: Sequence[int]) -> LayoutColumns:
        """Return the columns of ``layouts``, each on its number of devices."""
        replicas = [layout.data_parallel(n) for layout, n in zip(layouts, n_devices, strict=True)]
        return cls(
            n_devices=_column(n_devices),
            micro_batch=_column([layout.micro_batch_sequences for layout in layouts]),
            micro_steps=_column([layout.grad_accumulation_steps for layout in layouts]),
            tp=_column([layout.tensor_parallel for layout in layouts]),
            pp=_column([layout.pipeline_parallel for layout in layouts]),
            vp=_column([layout.virtual_stages for layout in layouts]),
            cp=_column([layout.context_parallel for layout in layouts]),
            ep=_column([layout.expert_parallel for layout in layouts]),
            dp=_column(replicas),
            zero_stage=_column([layout.zero_stage for layout in layouts]),
            shard_group=_column(
                [layout.shard_group or n for layout, n in zip(layouts, replicas, strict=True)]
            ),
            checkpointing=_column(
                [_CHECKPOINTING[layout.activation_checkpointing] for layout in layouts]
            ),
            offload=_column([layout.offload == "optimizer" for layout in layouts]),
            value_bytes=_column([value_bytes(layout.precision) for layout in layouts]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceColumns(Columns):
    """Peaks and rates of each row's accelerator, at its layout's precision."""

    linear_flops_per_s: Array
    """Dense peak of the linear layers' matmuls, in FLOP/s."""
    base_flops_per_s: Array
    """Dense peak of everything that stays in 16 (or 32) bits, in FLOP/s."""
    memory_bytes_per_s: Array
    memory_bytes: Array
    domain: Array
    """Number of devices that the fast links join."""
    fast_bytes_per_s: Array
    """Rate of the links inside the domain, in bytes/s per device and direction."""
    slow_bytes_per_s: Array
    """Rate of the links between domains, in bytes/s per device and direction."""

    @classmethod
    def of(cls, devices: Sequence[Accelerator], precisions: Sequence[Precision]) -> DeviceColumns:
        """Return the columns of ``devices``, each at its precision.

        Raises
        ------
        InputError
            If a device has no peak for its precision.
        """
        pairs = list(zip(devices, precisions, strict=True))
        return cls(
            linear_flops_per_s=_column([device.needed_flops_per_s(kind) for device, kind in pairs]),
            base_flops_per_s=_column([device.base_flops_per_s(kind) for device, kind in pairs]),
            memory_bytes_per_s=_column(
                [device.memory_gb_per_s * BYTES_PER_GB for device in devices]
            ),
            memory_bytes=_column([device.memory_gb * BYTES_PER_GB for device in devices]),
            domain=_column([device.domain_size for device in devices]),
            fast_bytes_per_s=_column([device.fast_gb_per_s * BYTES_PER_GB for device in devices]),
            slow_bytes_per_s=_column([device.slow_gb_per_s * BYTES_PER_GB for device in devices]),
        )

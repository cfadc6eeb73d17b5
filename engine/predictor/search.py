"""The best layouts of a shape on a cluster for a global batch: all of them, predicted at once.

Candidates are written down as columns of numbers, those that do not fit are dropped by their
memory, and the rest are timed in chunks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.documents import InputError
from engine.facts import Accelerator
from engine.layout import Checkpointing, Layout, Precision, value_bytes
from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns
from engine.predictor.estimate import efficiency_of
from engine.predictor.memory import device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import step_time
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

USABLE_MEMORY_SHARE = 0.92
"""Of a device's memory that a predicted layout may fill: what is left is for what the
prediction misses."""
MOST_TENSOR_PARALLEL = 64
MOST_CONTEXT_PARALLEL = 64
MOST_VIRTUAL_STAGES = 12
LEAST_TOKENS_PER_DEVICE = 256
"""Of one sequence: context parallelism does not cut finer."""
LARGEST_MICRO_BATCH = 64

_CHUNK = 4_096
_CHECKPOINTING: tuple[Checkpointing, ...] = ("none", "selective", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One layout that fits, with what it is predicted to do."""

    layout: Layout
    step_s: float
    tokens_per_s: float
    """Of all devices."""
    memory_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The fastest layouts, best first."""

    found: tuple[Found, ...]
    n_candidates: int
    n_fitting: int
    least_memory_bytes: float
    """Of any candidate: what a device would need, where none fits."""


def search(
    shape: ModelShape,
    device: Accelerator,
    n_devices: int,
    global_batch_sequences: int,
    *,
    precision: Precision = "bf16",
    stack: Stack | None = None,
    limit: int = 20,
    allow_offload: bool = True,
) -> SearchResult:
    """The ``limit`` fastest layouts that fit.

    Raises
    ------
    InputError
        If the device has no peak for ``precision``, or no layout divides the batch.
    """
    chosen = stack or stacks()["default"]
    device.needed_flops_per_s(precision)
    every = candidates(
        shape, device, n_devices, global_batch_sequences, precision, chosen, allow_offload
    )
    columns = (
        ShapeColumns.of([shape]),
        DeviceColumns.of([device], [precision]),
        efficiency_of(device, Layout(micro_batch_sequences=1, precision=precision), chosen),
    )
    memory = np.concatenate([_memory(columns, part) for part in _chunks(every)])
    fitting = np.flatnonzero(memory <= USABLE_MEMORY_SHARE * device.memory_gb * BYTES_PER_GB)
    possible = every.take(fitting)
    seconds = (
        np.concatenate([_seconds(columns, part) for part in _chunks(possible)])
        if len(fitting)
        else np.empty(0)
    )
    # Of equally fast ones, that which leaves most memory.
    order = np.lexsort((memory[fitting], seconds.round(9)))[:limit]
    tokens = global_batch_sequences * shape.seq_len_tokens
    return SearchResult(
        found=tuple(
            Found(
                layout=_layout(possible, int(row), precision),
                step_s=float(seconds[row]),
                tokens_per_s=tokens / float(seconds[row]),
                memory_bytes=float(memory[fitting][row]),
            )
            for row in order
        ),
        n_candidates=len(memory),
        n_fitting=len(fitting),
        least_memory_bytes=float(memory.min()),
    )


def best_layout(
    shape: ModelShape,
    device: Accelerator,
    n_devices: int,
    global_batch_sequences: int,
    *,
    precision: Precision = "bf16",
    stack: Stack | None = None,
) -> Found | None:
    """The fastest layout that fits, or None where none does."""
    found = search(
        shape,
        device,
        n_devices,
        global_batch_sequences,
        precision=precision,
        stack=stack,
        limit=1,
    ).found
    return found[0] if found else None


def candidates(
    shape: ModelShape,
    device: Accelerator,
    n_devices: int,
    global_batch_sequences: int,
    precision: Precision,
    stack: Stack,
    allow_offload: bool = True,
) -> LayoutColumns:
    """Every layout worth trying, as columns.

    Left out is what cannot be (a degree that does not divide what it splits) and what cannot
    win: sharding of weights or gradients inside a pipeline, which keeps both whole;
    interleaving with micro batches that are no multiple of the stages, which Megatron-LM
    refuses; selective checkpointing where fused attention leaves it nothing to do.
    """
    splits = _splits(shape, n_devices, global_batch_sequences)
    if not splits:
        raise InputError("global_batch", global_batch_sequences, "divisible_batch", of=n_devices)
    outer = np.array(splits, dtype=np.float64)
    inner = np.array(_treatments(stack, allow_offload), dtype=np.float64)
    rows = np.repeat(outer, len(inner), axis=0)
    treated = np.tile(inner, (len(outer), 1))
    tp, pp, vp, cp, ep, dp, micro_batch = rows.T
    zero_stage, grouped, checkpointing, offload = treated.T
    replicas = dp * cp
    group = np.maximum(1.0, np.floor(device.domain_size / (tp * cp)))
    possible = (
        ((replicas > 1) | (zero_stage == 0))
        & ((pp == 1) | (zero_stage <= 1))
        & ((grouped == 0) | ((group > 1) & (group < dp) & (dp % group == 0)))
    )
    one = np.ones(1)
    return LayoutColumns(
        n_devices=n_devices * one,
        micro_batch=micro_batch,
        micro_steps=global_batch_sequences / (dp * micro_batch),
        tp=tp,
        pp=pp,
        vp=vp,
        cp=cp,
        ep=ep,
        dp=dp,
        zero_stage=zero_stage,
        shard_group=np.where(grouped > 0, group, dp),
        checkpointing=checkpointing,
        offload=offload,
        value_bytes=value_bytes(precision) * one,
    ).take(np.flatnonzero(possible))


def _splits(
    shape: ModelShape, n_devices: int, global_batch: int
) -> list[tuple[int, int, int, int, int, int, int]]:
    """Degrees tp, pp, vp, cp, ep, dp and the micro batch that divide everything."""
    ways = divisors(n_devices)
    tensor = [t for t in ways if t <= MOST_TENSOR_PARALLEL and shape.n_heads % t == 0]
    context = [
        c
        for c in ways
        if c <= MOST_CONTEXT_PARALLEL
        and shape.seq_len_tokens % c == 0
        and (c == 1 or shape.seq_len_tokens // c >= LEAST_TOKENS_PER_DEVICE)
    ]
    experts = divisors(shape.moe.n_experts) if shape.moe else [1]
    found = []
    for tp in tensor:
        for pp in (p for p in ways if p <= shape.n_layers and n_devices % (tp * p) == 0):
            pieces = _virtual_stages(shape.n_layers, pp)
            expert = [e for e in experts if (n_devices // pp) % e == 0]
            for cp in (c for c in context if n_devices % (tp * pp * c) == 0):
                dp = n_devices // (tp * pp * cp)
                if global_batch % dp:
                    continue
                own = global_batch // dp
                for micro_batch in (m for m in divisors(own) if m <= LARGEST_MICRO_BATCH):
                    for vp in pieces:
                        if vp > 1 and (own // micro_batch) % pp:
                            continue
                        found += [(tp, pp, vp, cp, ep, dp, micro_batch) for ep in expert]
    return found


def _virtual_stages(n_layers: int, pp: int) -> list[int]:
    if pp == 1 or n_layers % pp:
        return [1]
    return [v for v in divisors(n_layers // pp) if v <= MOST_VIRTUAL_STAGES]


def _treatments(stack: Stack, allow_offload: bool) -> list[tuple[int, int, int, int]]:
    """ZeRO stage, whether it shards in groups, checkpointing, offload."""
    does_something = stack.attention == "unfused" or stack.selective == "half"
    checkpointing = (0, 1, 2) if does_something else (0, 2)
    return [
        (stage, grouped, again, offload)
        for stage, grouped in ((0, 0), (1, 0), (2, 0), (3, 0), (3, 1))
        for again in checkpointing
        for offload in ((0, 1) if allow_offload else (0,))
    ]


def divisors(number: int) -> list[int]:
    """All divisors, rising."""
    small = [d for d in range(1, int(number**0.5) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


_OneOfEach = tuple[ShapeColumns, DeviceColumns, EfficiencyColumns]


def _memory(columns: _OneOfEach, part: LayoutColumns) -> Array:
    shape, device, known = columns
    return device_memory(shape, part, device, known).total


def _seconds(columns: _OneOfEach, part: LayoutColumns) -> Array:
    shape, device, known = columns
    return step_time(shape, part, device, known).total


def _chunks(every: LayoutColumns) -> Iterator[LayoutColumns]:
    n_rows = every.tp.shape[0]
    for start in range(0, n_rows, _CHUNK):
        yield every.take(slice(start, min(n_rows, start + _CHUNK)))


def _layout(rows: LayoutColumns, row: int, precision: Precision) -> Layout:
    def of(name: str) -> int:
        column = getattr(rows, name)
        return int(column[row if column.shape[0] > 1 else 0])

    grouped = of("zero_stage") == 3 and of("shard_group") < of("dp")
    return Layout(
        micro_batch_sequences=of("micro_batch"),
        grad_accumulation_steps=of("micro_steps"),
        zero_stage=of("zero_stage"),
        shard_group=of("shard_group") if grouped else 0,
        precision=precision,
        activation_checkpointing=_CHECKPOINTING[of("checkpointing")],
        tensor_parallel=of("tp"),
        pipeline_parallel=of("pp"),
        virtual_stages=of("vp"),
        context_parallel=of("cp"),
        expert_parallel=of("ep"),
        offload="optimizer" if of("offload") else "none",
    )

"""The best layouts of a shape on a cluster for a global batch, by predicting every candidate.

Candidates are columns of numbers. Those that exceed the memory are dropped first, and the rest
are timed in chunks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from engine.documents import InputError
from engine.facts import Accelerator
from engine.layout import Checkpointing, Layout, Precision, value_bytes
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.estimate import efficiency_of
from engine.predictor.memory import device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import step_time
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

USABLE_MEMORY_SHARE = 0.92
"""Share of a device's memory that a predicted layout may fill; the rest allows for errors of the
prediction."""
MOST_TENSOR_PARALLEL = 64
MOST_CONTEXT_PARALLEL = 64
MOST_VIRTUAL_STAGES = 12
LEAST_TOKENS_PER_DEVICE = 256
"""Tokens of one sequence that context parallelism leaves on a device at least."""
LARGEST_MICRO_BATCH = 64

_CHUNK = 4_096
_CHECKPOINTING: tuple[Checkpointing, ...] = ("none", "selective", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """The problem that a search solves: a model, a cluster and a batch."""

    shape: ModelShape
    device: Accelerator
    n_devices: int
    global_batch_sequences: int
    """Sequences of one optimizer step, over all devices."""
    precision: Precision = "bf16"
    stack: Stack = field(default_factory=lambda: stacks()["default"])
    allow_offload: bool = True
    """Whether optimizer states may be kept in the host's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One layout that fits, with its predicted speed and memory."""

    layout: Layout
    step_s: float
    tokens_per_s: float
    """Tokens/s of all devices together."""
    memory_bytes: float
    """Peak memory of one device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The fastest layouts, best first."""

    found: tuple[Found, ...]
    n_candidates: int
    n_fitting: int
    least_memory_bytes: float
    """Smallest peak memory of any candidate: what a device would need where none fits."""


def search(space: SearchSpace, limit: int = 20) -> SearchResult:
    """Return the ``limit`` fastest layouts that fit; of equally fast ones, the smaller first.

    Raises
    ------
    InputError
        If the device has no peak for the precision, or no layout divides the batch.
    """
    space.device.needed_flops_per_s(space.precision)
    every = candidates(space)
    context = context_of(space, every)
    memory = np.concatenate([device_memory(part).total for part in chunks(context)])
    fitting = np.flatnonzero(memory <= USABLE_MEMORY_SHARE * space.device.memory_gb * BYTES_PER_GB)
    possible = every.take(fitting)
    parts = chunks(replace(context, layout=possible))
    seconds = np.concatenate([np.empty(0), *(step_time(part).total for part in parts)])
    order = np.lexsort((memory[fitting], seconds.round(9)))[:limit]
    tokens = space.global_batch_sequences * space.shape.seq_len_tokens
    return SearchResult(
        found=tuple(
            Found(
                layout=_layout(possible, int(row), space.precision),
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


def best_layout(space: SearchSpace) -> Found | None:
    """Return the fastest layout that fits, or None where none does."""
    found = search(space, limit=1).found
    return found[0] if found else None


def context_of(space: SearchSpace, layouts: LayoutColumns) -> StepContext:
    """Return the context that predicts ``layouts`` on the device of ``space``."""
    layout = Layout(micro_batch_sequences=1, precision=space.precision)
    return StepContext(
        shape=ShapeColumns.of([space.shape]),
        layout=layouts,
        device=DeviceColumns.of([space.device], [space.precision]),
        efficiency=efficiency_of(space.device, layout, space.stack),
    )


def chunks(context: StepContext) -> Iterator[StepContext]:
    """Yield the context in parts whose columns stay in the processor's cache."""
    n_rows = context.layout.tp.shape[0]
    for start in range(0, n_rows, _CHUNK):
        part = context.layout.take(slice(start, min(n_rows, start + _CHUNK)))
        yield replace(context, layout=part)


def candidates(space: SearchSpace) -> LayoutColumns:
    """Return every layout worth trying, as columns.

    Impossible layouts are left out (a degree that does not divide what it splits), and so are
    layouts that cannot win: sharding of weights or gradients inside a pipeline, which keeps both
    whole; interleaving with micro batches that are no multiple of the stages, which Megatron-LM
    refuses; selective checkpointing where fused attention leaves it nothing to recompute.

    Raises
    ------
    InputError
        If no layout divides the batch.
    """
    n_devices, global_batch = space.n_devices, space.global_batch_sequences
    splits = _splits(space.shape, n_devices, global_batch)
    if not splits:
        raise InputError("global_batch", global_batch, "divisible_batch", of=n_devices)
    outer = np.array(splits, dtype=np.float64)
    inner = np.array(_treatments(space.stack, space.allow_offload), dtype=np.float64)
    rows = np.repeat(outer, len(inner), axis=0)
    treated = np.tile(inner, (len(outer), 1))
    tp, pp, vp, cp, ep, dp, micro_batch = rows.T
    zero_stage, grouped, checkpointing, offload = treated.T
    replicas = dp * cp
    group = np.maximum(1.0, np.floor(space.device.domain_size / (tp * cp)))
    possible = (
        ((replicas > 1) | (zero_stage == 0))
        & ((pp == 1) | (zero_stage <= 1))
        & ((grouped == 0) | ((group > 1) & (group < dp) & (dp % group == 0)))
    )
    return LayoutColumns(
        n_devices=np.array([float(n_devices)]),
        micro_batch=micro_batch,
        micro_steps=global_batch / (dp * micro_batch),
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
        value_bytes=np.array([float(value_bytes(space.precision))]),
    ).take(np.flatnonzero(possible))


def _splits(
    shape: ModelShape, n_devices: int, global_batch: int
) -> list[tuple[int, int, int, int, int, int, int]]:
    """Return all (tp, pp, vp, cp, ep, dp, micro batch) that divide what they split."""
    degrees = divisors(n_devices)
    tensor = [t for t in degrees if t <= MOST_TENSOR_PARALLEL and shape.n_heads % t == 0]
    context = [
        c
        for c in degrees
        if c <= MOST_CONTEXT_PARALLEL
        and shape.seq_len_tokens % c == 0
        and (c == 1 or shape.seq_len_tokens // c >= LEAST_TOKENS_PER_DEVICE)
    ]
    experts = divisors(shape.moe.n_experts) if shape.moe else [1]
    found = []
    for tp in tensor:
        for pp in (p for p in degrees if p <= shape.n_layers and n_devices % (tp * p) == 0):
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
    """Return the numbers of virtual stages that divide the layers of a stage."""
    if pp == 1 or n_layers % pp:
        return [1]
    return [v for v in divisors(n_layers // pp) if v <= MOST_VIRTUAL_STAGES]


def _treatments(stack: Stack, allow_offload: bool) -> list[tuple[int, int, int, int]]:
    """Return all (ZeRO stage, sharding in groups, checkpointing, offload) worth trying."""
    does_something = stack.attention == "unfused" or stack.selective == "half"
    checkpointing = (0, 1, 2) if does_something else (0, 2)
    return [
        (stage, grouped, again, offload)
        for stage, grouped in ((0, 0), (1, 0), (2, 0), (3, 0), (3, 1))
        for again in checkpointing
        for offload in ((0, 1) if allow_offload else (0,))
    ]


def divisors(number: int) -> list[int]:
    """Return all divisors of ``number`` in ascending order."""
    small = [d for d in range(1, int(number**0.5) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)})


def _layout(rows: LayoutColumns, row: int, precision: Precision) -> Layout:
    """Return one row of the columns as a document."""

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

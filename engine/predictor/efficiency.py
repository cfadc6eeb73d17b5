"""The parameters of the predictor: shares of their peaks that a machine and its software reach.

The parameters are few, each has a physical meaning, and most hold for all machines. The first
value of each, its *prior*, comes from measurements of single kernels and links.
``data/efficiency.csv`` holds the values fitted to whole training runs
(:mod:`engine.evidence.fitting`), with their uncertainty. ``docs/predictor.md`` describes each
parameter and the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from engine.facts import Accelerator, Fact, accelerators, read_facts
from engine.layout import TRAINING_PRECISIONS, Precision
from engine.paths import DATA_DIR
from engine.predictor.columns import Array, Columns
from engine.predictor.stacks import Stack
from engine.units import BYTES_PER_GB

ASSUMPTION = "assumption: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """Half-widths of 80% intervals in log(measured ÷ predicted)."""

    known: float
    """Half-width of tokens/s for a software stack whose runs were fitted."""
    unknown: float
    """Half-width of tokens/s for a software stack without fitted runs."""
    moe: float
    """Factor by which intervals of mixtures of experts are wider."""
    memory: float
    """Half-width of the memory of a device."""

    def of(self, *, known: bool, moe: bool) -> float:
        """Return the half-width of tokens/s for a kind of stack and of model."""
        return (self.known if known else self.unknown) * (self.moe if moe else 1.0)


class EfficiencyParameter(Fact):
    """One row of ``data/efficiency.csv``."""

    parameter: str
    scope: str
    """Scope of the value: ``all``, a generation, a kind of kernel or a software stack."""
    value: float
    low: float
    high: float
    """``low`` and ``high`` bound 80% of the fit's uncertainty."""
    prior: float
    prior_log_sd: float
    prior_source: str
    """Source of the prior; it begins with :data:`ASSUMPTION` where no source states the value."""
    unit: str

    @property
    def is_assumption(self) -> bool:
        """Whether no source states the prior."""
        return self.prior_source.startswith(ASSUMPTION)

    @property
    def key(self) -> str:
        """Key of the value in a mapping of parameters: ``parameter:scope``."""
        return f"{self.parameter}:{self.scope}"


@cache
def efficiency_parameters() -> tuple[EfficiencyParameter, ...]:
    """Return all rows of ``data/efficiency.csv``."""
    return read_facts(DATA_DIR / "efficiency.csv", EfficiencyParameter)


@cache
def fitted_values() -> Mapping[str, float]:
    """Return the fitted value of each parameter by its key."""
    return {parameter.key: parameter.value for parameter in efficiency_parameters()}


@cache
def spreads() -> Spreads:
    """Return the widths of intervals that the last cross-validation found."""
    values = fitted_values()
    return Spreads(
        known=values["spread:known"],
        unknown=values["spread:unknown"],
        moe=values["spread:moe"],
        memory=values["spread:memory"],
    )


def device_spread(accelerator_name: str) -> float:
    """Return the half-width of tokens/s that measured runs of one accelerator support.

    It is 0 where runs of fewer than two sources are known; other widths then apply alone.
    """
    return fitted_values().get(f"device_spread:{accelerator_name}", 0.0)


def is_known(stack: Stack) -> bool:
    """Return whether runs of this software stack were fitted."""
    return f"time_factor:{stack.stack}" in fitted_values()


DEFAULT_YEAR = 2026.0
"""Year of software whose release is not stated."""
POWER_EXPONENT = 0.4
"""Exponent of a power limit, as a share of the device's own, in the speed under it. It lies
between the cube root, which follows from frequency and voltage together, and the square root."""
MEASURED_ONLY = (
    *("step_host_s", "sharded_layer_host_s", "sharding_copy_bytes"),
    *("communication_buffers", "sharding_buffers", "gathering_buffers", "sharding_gb"),
)
"""Parameters that only a machine's profile measures; they are 0 in forecasts from the table."""
HOST_SMOOTHNESS = 3.0
"""Power mean of launching and computing for a device that computes while its host launches."""
LOGIT_MEMORY_BYTES = 10.0
"""Memory of one logit, in bytes: its value in 16 and in 32 bits, and its gradient in 32."""
TYPICAL_BEST_SHARE = 0.75
"""Share of the peak that the best matmul reaches on devices without a published measurement."""
TYPICAL_BEST_SHARE_8_BIT = 0.70
"""Share of the 8-bit peak that the best matmul reaches on such devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyColumns(Columns):
    """The parameters of each row, resolved for its device, precision and software stack."""

    matmul_share: Array
    """Share of the linear layers' peak that large matmuls reach."""
    base_matmul_share: Array
    """Share of the 16-bit peak that large matmuls reach."""
    size_penalty: Array
    """Slowdown of small matmuls, c in time × (1 + c·(1/m + 1/k + 1/n))."""
    misaligned: Array
    """Time of a matmul whose widths do not fill whole tiles over that of one whose widths do."""
    misaligned_heads: Array
    """Time of unfused attention with a head width that is no multiple of 8 over that of others."""
    accumulation: Array
    """Time to accumulate gradients over that of one read and one write of each."""
    expert_matmul_share: Array
    """Speed of the experts' grouped matmuls over that of plain matmuls of the same size."""
    attention_share: Array
    """Share of the 16-bit peak that attention reaches at a head width of 128 and long sequences."""
    attention_half_tokens: Array
    """Sequence length, in tokens, at which fused attention takes twice its time per FLOP."""
    head_dim_exponent: Array
    """Exponent of (head width ÷ 128) in the speed of attention, for heads below 128."""
    unfused_attention: Array
    """1 where scores are written to memory, else 0."""
    score_bytes: Array
    """Bytes that unfused attention moves for each score."""
    elementwise: Array
    """Bytes that elementwise kernels move over the fewest possible."""
    cast: Array
    """Number of passes that cast values to 8 or 4 bits; 0 where none are needed."""
    logit_bytes: Array
    """Bytes that the loss moves for each logit."""
    bandwidth_share: Array
    """Share of the memory bandwidth that kernels reach."""
    optimizer_bytes: Array
    """Bytes that the optimizer moves for each parameter of its shard."""
    fast_link_share: Array
    """Share of the fast links' rate that collectives reach."""
    slow_link_share: Array
    """Share of the slow links' rate that collectives reach."""
    collective_latency_s: Array
    """Seconds to start one collective."""
    tensor_exposed: Array
    """Share of tensor parallel communication that does not overlap with computing."""
    context_exposed: Array
    """Share of context parallel communication that does not overlap with attention."""
    expert_exposed: Array
    """Share of expert parallel communication that does not overlap with computing."""
    pipeline_exposed: Array
    """Share of pipeline communication that does not overlap with computing."""
    data_exposed: Array
    """Share of data parallel communication that does not overlap with computing; above 1 on a
    CPU whose cores also copy the values."""
    fsdp_exposed: Array
    """Share of the communication of ZeRO stage 3 that does not overlap with computing; above 1
    on a CPU whose cores also copy the values."""
    bubble: Array
    """Pipeline bubble over that of an ideal 1F1B schedule."""
    head_imbalance: Array
    """Share of the output head's time that fewer layers on the last stage do not balance."""
    permute_passes: Array
    """Values moved for each value sent to an expert, to sort tokens by expert and back."""
    layer_host_s: Array
    """Seconds that the host takes to launch one dense layer of one micro batch."""
    moe_host_s: Array
    """Seconds that the host takes to launch one layer of experts of one micro batch."""
    host_smoothness: Array
    """Power of the mean that joins launching and computing. Power 1 adds them up, as without any
    overlap; an infinite power takes the larger."""
    step_host_s: Array
    """Seconds that each step takes in addition, at any size; measured machines only."""
    sharded_layer_host_s: Array
    """Seconds that gathering the weights of one layer adds (ZeRO stage 3); measured machines
    only."""
    sequence_parallel: Array
    """1 where tensor parallelism also splits norms and residuals, else 0."""
    gradient_bytes: Array
    """Size of one gradient value in communication, in bytes."""
    selective_half: Array
    """1 where selective checkpointing repeats every second matmul, else 0."""
    sharding_copy_bytes: Array
    """Bytes moved for each parameter where sharding flattens, copies and scatters; measured
    machines only."""
    communication_buffers: Array
    """Copies of all weights in the buffers that data parallel devices send gradients from.
    Measured machines only; elsewhere ``allocator_slack`` includes all buffers."""
    sharding_buffers: Array
    """Further copies of all weights in buffers where optimizer states are sharded; measured
    machines only."""
    gathering_buffers: Array
    """Further copies of all weights in buffers where weights are sharded; measured machines
    only."""
    sharding_gb: Array
    """Memory in GB that sharding takes for any model; measured machines only."""
    logit_memory_bytes: Array
    """Memory of one logit while the loss is computed, in bytes."""
    activation_copies: Array
    """Memory of activations over the least that the backward pass needs."""
    runtime_gb: Array
    """Memory of libraries and kernels for any model, in GB."""
    allocator_slack: Array
    """Memory that the allocator holds beyond the memory in use, as a share of the latter."""
    time_factor: Array
    """Factor of the software stack in the whole step time."""

    @classmethod
    def of(
        cls,
        devices: Sequence[Accelerator],
        precisions: Sequence[Precision],
        stacks: Sequence[Stack],
        years: Sequence[float],
        power_shares: Sequence[float],
        values: Mapping[str, float] | None = None,
    ) -> EfficiencyColumns:
        """Return the parameters of each row, from ``values`` or else the fitted values."""
        parameters = fitted_values() if values is None else values
        rows = [
            _resolve(device, precision, stack, year, power, parameters)
            for device, precision, stack, year, power in zip(
                devices, precisions, stacks, years, power_shares, strict=True
            )
        ]
        return cls(
            **{name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}
        )


def _resolve(
    device: Accelerator,
    precision: Precision,
    stack: Stack,
    year: float,
    power_share: float,
    parameters: Mapping[str, float],
) -> dict[str, float]:
    def of(name: str, *scopes: str) -> float:
        """Return the value of the first scope in the table; ``all`` is always there."""
        for scope in scopes:
            value = parameters.get(f"{name}:{scope}")
            if value is not None:
                return value
        return parameters[f"{name}:all"]

    def share(value: float) -> float:
        return min(1.0, value)

    def exposed(value: float) -> float:
        """Limit a share to 1, except on a CPU, whose cores copy the values before and after."""
        return value if device.kind == "cpu" else share(value)

    short = precision not in TRAINING_PRECISIONS
    sustained = (
        of("matmul_of_best", device.arch)
        * of("device_matmul", device.accelerator)
        * power_share**POWER_EXPONENT
    )
    base = _best_share(device, short=False) * sustained
    if device.kind != "cpu":  # a CPU's peak is a measured rate, which may have been slow once
        base = share(base)
    linear = base
    if short:
        linear = share(
            _best_share(device, short=True)
            * sustained
            * of("short_matmul", device.arch)
            * of("short_kind", precision)
        )
    ridge = device.base_flops_per_s(precision) / (device.memory_gb_per_s * BYTES_PER_GB)
    moe_host = of("moe_host_s", stack.moe_host) * of("moe_host_yearly", "all") ** (
        min(max(year, 2023.0), 2027.0) - 2026.0
    )
    return {
        "matmul_share": linear,
        "base_matmul_share": base,
        "size_penalty": of("size_penalty", device.arch) * ridge,
        "misaligned": of("misaligned", device.arch),
        "misaligned_heads": of("misaligned_heads"),
        "accumulation": of("accumulation", device.arch),
        "expert_matmul_share": of("expert_matmul_share"),
        "attention_share": share(
            of("attention_share", f"{stack.attention} {device.arch}", stack.attention)
        ),
        "attention_half_tokens": of("attention_half_tokens", device.arch),
        "head_dim_exponent": of("head_dim_exponent", device.arch),
        "unfused_attention": float(stack.attention == "unfused"),
        "score_bytes": of("score_bytes"),
        "elementwise": _elementwise(stack, device, of),
        "cast": of("cast", precision) if short else 0.0,
        "logit_bytes": of("logit_bytes", device.arch),
        "bandwidth_share": of("bandwidth_share", device.arch),
        "optimizer_bytes": of("optimizer_bytes", device.arch),
        "fast_link_share": share(of("fast_link_share", device.arch)),
        "slow_link_share": share(of("slow_link_share")),
        "collective_latency_s": of("collective_latency_s"),
        "tensor_exposed": share(
            of("tensor_exposed", "overlap" if stack.tensor_overlap else "plain")
        ),
        "context_exposed": share(of("context_exposed")),
        "expert_exposed": share(
            of("expert_exposed", "overlap" if stack.expert_overlap else "plain")
        ),
        "pipeline_exposed": share(of("pipeline_exposed")),
        "data_exposed": exposed(of("data_exposed", "overlap" if stack.data_overlap else "plain")),
        "fsdp_exposed": exposed(of("fsdp_exposed", device.arch)),
        "bubble": of("bubble"),
        "head_imbalance": share(of("head_imbalance")),
        "permute_passes": of("permute_passes"),
        "layer_host_s": of("layer_host_s", device.arch),
        "moe_host_s": moe_host,
        "host_smoothness": parameters.get(f"host_smoothness:{device.arch}", HOST_SMOOTHNESS),
        "sequence_parallel": float(stack.sequence_parallel),
        "gradient_bytes": float(stack.gradient_bytes),
        "selective_half": float(stack.selective == "half"),
        **{name: parameters.get(f"{name}:{device.arch}", 0.0) for name in MEASURED_ONLY},
        "logit_memory_bytes": parameters.get(
            f"logit_memory_bytes:{device.arch}", LOGIT_MEMORY_BYTES
        ),
        "activation_copies": of("activation_copies", device.arch, stack.elementwise),
        "runtime_gb": of("runtime_gb", device.arch),
        "allocator_slack": of("allocator_slack", device.arch),
        "time_factor": parameters.get(f"time_factor:{stack.stack}", 1.0),
    }


def _elementwise(stack: Stack, device: Accelerator, of: Callable[..., float]) -> float:
    """Return the factor of elementwise kernels; mixed stacks have the mean of the logarithms."""
    if stack.elementwise == "mixed":
        return float((of("elementwise", "fused") * of("elementwise", "eager")) ** 0.5)
    return of("elementwise", device.arch, stack.elementwise)


def _best_share(device: Accelerator, *, short: bool) -> float:
    """Return the share of its peak that the best matmul reaches.

    The share is the measured one of the device, else the median of its generation, else a typical
    one.
    """

    def of(candidate: Accelerator) -> float | None:
        best = candidate.best_matmul_fp8_tflops if short else candidate.best_matmul_bf16_tflops
        peak = candidate.peak_fp8_tflops if short else candidate.peak_bf16_tflops
        return best / peak if best and peak else None

    own = of(device)
    if own is not None:
        return own
    generation = [
        share
        for other in accelerators().values()
        if other.arch == device.arch and (share := of(other))
    ]
    if generation:
        return float(np.median(generation))
    return TYPICAL_BEST_SHARE_8_BIT if short else TYPICAL_BEST_SHARE

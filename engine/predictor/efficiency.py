"""How much of its peaks a machine and its software reach: the parameters of the predictor.

Few numbers, each with a physical name, most of them for all machines alike. A first value (the
*prior*) comes from measurements of single kernels and links; ``data/efficiency.csv`` holds what
the fit to whole training runs made of it (:mod:`engine.evidence.fitting`), with its uncertainty.
``docs/predictor.md`` says what each means and what was found.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """Half-widths of 80% intervals in log(measured ÷ predicted)."""

    known: float
    """Of tokens/s, for a software stack that another source ran too."""
    unknown: float
    moe: float
    """Times as wide for mixtures of experts."""
    memory: float

    def of(self, *, known: bool, moe: bool) -> float:
        return (self.known if known else self.unknown) * (self.moe if moe else 1.0)


class EfficiencyParameter(Fact):
    """One row of ``data/efficiency.csv``."""

    parameter: str
    scope: str
    """What it holds for: ``all``, a generation, a kind of kernel, a software stack."""
    value: float
    low: float
    high: float
    """80% of the fit's uncertainty lies between them."""
    prior: float
    prior_log_sd: float
    prior_source: str
    unit: str

    @property
    def key(self) -> str:
        return f"{self.parameter}:{self.scope}"


@cache
def efficiency_parameters() -> tuple[EfficiencyParameter, ...]:
    return read_facts(DATA_DIR / "efficiency.csv", EfficiencyParameter)


@cache
def fitted_values() -> Mapping[str, float]:
    return {one.key: one.value for one in efficiency_parameters()}


@cache
def spreads() -> Spreads:
    """Widths of intervals as the last cross-validation found them."""
    values = fitted_values()
    return Spreads(
        known=values["spread:known"],
        unknown=values["spread:unknown"],
        moe=values["spread:moe"],
        memory=values["spread:memory"],
    )


def is_known(stack: Stack) -> bool:
    """Whether runs of this software went into the fit."""
    return f"time_factor:{stack.stack}" in fitted_values()


DEFAULT_YEAR = 2026.0
"""Of the software, where no release says it."""
POWER_EXPONENT = 0.4
"""Speed under a power limit below the device's own: between the cube root, which frequency and
voltage together give, and the square root."""
MEASURED_ONLY = (
    *("step_host_s", "sharded_layer_host_s", "sharding_copy_bytes"),
    *("communication_buffers", "sharding_buffers", "gathering_buffers", "sharding_gb"),
)
"""Parameters that only a machine's profile has; 0 in forecasts from the table."""
HOST_SMOOTHNESS = 3.0
"""Of a device that computes while its host launches."""
LOGIT_MEMORY_BYTES = 10.0
"""16 bits, 32 bits, and their gradient in 32."""
TYPICAL_BEST_SHARE = 0.75
"""Of the peak, that the best matmul reaches on devices where nobody published one."""
TYPICAL_BEST_SHARE_8_BIT = 0.70


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencyColumns(Columns):
    """The parameters as they apply to each row."""

    matmul_share: Array
    """Of the linear layers' peak, for matmuls of any size large enough."""
    base_matmul_share: Array
    """The same for what stays in 16 bits."""
    size_penalty: Array
    """c in time × (1 + c·(1/m + 1/k + 1/n))."""
    misaligned: Array
    """Time of a matmul whose widths do not fill whole tiles, over one whose do."""
    misaligned_heads: Array
    """The same for unfused attention with heads that are no multiple of 8 wide."""
    accumulation: Array
    expert_matmul_share: Array
    attention_share: Array
    """Of the 16-bit peak, by a fused kernel at a head width of 128 and long sequences."""
    attention_half_tokens: Array
    head_dim_exponent: Array
    unfused_attention: Array
    """1 where scores are written to memory."""
    score_bytes: Array
    elementwise: Array
    cast: Array
    """Passes that turn values to 8 or 4 bits; 0 where none are needed."""
    logit_bytes: Array
    bandwidth_share: Array
    optimizer_bytes: Array
    fast_link_share: Array
    slow_link_share: Array
    collective_latency_s: Array
    tensor_exposed: Array
    context_exposed: Array
    expert_exposed: Array
    pipeline_exposed: Array
    data_exposed: Array
    fsdp_exposed: Array
    bubble: Array
    head_imbalance: Array
    permute_passes: Array
    layer_host_s: Array
    moe_host_s: Array
    host_smoothness: Array
    """Power of the mean that launching and computing are joined with: 1 adds them up, where
    nothing overlaps; infinity takes the larger."""
    step_host_s: Array
    """Time of a step of any size; only :mod:`engine.calibration.machine_profile` measures it."""
    sharded_layer_host_s: Array
    """The same of a layer whose weights are gathered (ZeRO stage 3)."""
    sequence_parallel: Array
    gradient_bytes: Array
    selective_half: Array
    """1 where selective checkpointing computes every second matmul again."""
    sharding_copy_bytes: Array
    """Moved for each parameter where sharding flattens, copies and scatters: only measured
    machines have it."""
    communication_buffers: Array
    """Copies of all weights that data parallel devices keep to send gradients from. These and
    what follows are known of measured machines alone; elsewhere ``allocator_slack`` has it."""
    sharding_buffers: Array
    """As many more where optimizer states are sharded,"""
    gathering_buffers: Array
    """and where weights are."""
    sharding_gb: Array
    """What sharding takes whatever the model."""
    logit_memory_bytes: Array
    """Of one logit while the loss is computed."""
    activation_copies: Array
    """Activations kept, over the fewest that the backward pass needs."""
    runtime_gb: Array
    allocator_slack: Array
    """Memory that the allocator holds beyond what is used, as a share of that."""
    time_factor: Array
    """Of the software stack as a whole."""

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
        """Resolve the parameters for rows; ``values`` are the fitted ones if not given."""
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
        """The first scope that is in the table; ``all`` always is."""
        for scope in scopes:
            value = parameters.get(f"{name}:{scope}")
            if value is not None:
                return value
        return parameters[f"{name}:all"]

    def share(value: float) -> float:
        return min(1.0, value)

    def exposed(value: float) -> float:
        """Above 1 where a core itself copies what it sends, before and after."""
        return value if device.kind == "cpu" else share(value)

    short = precision not in TRAINING_PRECISIONS
    sustained = (
        of("matmul_of_best", device.arch)
        * of("device_matmul", device.accelerator)
        * power_share**POWER_EXPONENT
    )
    base = _best_share(device, short=False) * sustained
    if device.kind != "cpu":  # a core's peak is a measured rate, which a moment may have slowed
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
    if stack.elementwise == "mixed":
        return float((of("elementwise", "fused") * of("elementwise", "eager")) ** 0.5)
    return of("elementwise", device.arch, stack.elementwise)


def _best_share(device: Accelerator, *, short: bool) -> float:
    """Share of its peak that the best matmul reaches, by the table; else that of the same
    generation, else a typical one."""

    def of(one: Accelerator) -> float | None:
        best = one.best_matmul_fp8_tflops if short else one.best_matmul_bf16_tflops
        peak = one.peak_fp8_tflops if short else one.peak_bf16_tflops
        return best / peak if best and peak else None

    own = of(device)
    if own is not None:
        return own
    kin = [
        share for one in accelerators().values() if one.arch == device.arch and (share := of(one))
    ]
    if kin:
        return float(np.median(kin))
    return TYPICAL_BEST_SHARE_8_BIT if short else TYPICAL_BEST_SHARE

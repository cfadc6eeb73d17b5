"""From what was measured of a machine to the parameters that the predictor takes for it.

Maximum a posteriori, as :mod:`engine.evidence.fitting` does it for all machines together: priors
come from the machine's own rates of single operations, and short real runs move them. What is
measured of single operations counts as well, so that few runs cannot bend it far.
"""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.calibration.machine_profile import MachineProfile, Rates, ShortRun
from engine.evidence.fitting import robust
from engine.facts import Accelerator
from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.efficiency import (
    DEFAULT_YEAR,
    TYPICAL_BEST_SHARE,
    EfficiencyColumns,
    fitted_values,
)
from engine.predictor.memory import device_memory
from engine.predictor.stacks import stacks
from engine.predictor.throughput import step_time
from engine.recipes.recipe import Recipe
from engine.units import BYTES_PER_GB

STACK = "Flopledger"
RUN_LOG_SD = 0.06
"""Of a short run's step time, on a calm machine."""
MEMORY_LOG_SD = 0.04
RATE_LOG_SD = 0.05
"""Of a single operation's rate."""
LEAST_STEP_SPREAD = 0.06
LEAST_MEMORY_SPREAD = 0.05
PACE_POWER = 0.5
"""How much of a change of pace is taken to be one of the run: the pace is a short look at a
machine that changes from second to second."""
_LOADED_LATER_GB = 0.08
"""Libraries and buffers that come with the first steps, whatever the model."""
_WARM_SHARE = 0.96
"""Of the best linear layer's rate, as a first value for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """A short run as it came from the machine."""

    recipe: Recipe
    step_times_s: Sequence[float]
    pace_s: float
    memory_bytes: float
    idle_memory_bytes: float
    other_load_share: float

    @property
    def step_s(self) -> float:
        return statistics.fmean(self.step_times_s)


@dataclass(frozen=True, slots=True)
class _Prior:
    value: float
    log_sd: float
    """0 for what is not fitted."""


def profile_of(
    device: Accelerator,
    device_name: str,
    n_devices: int,
    rates: Rates,
    runs: Sequence[MeasuredRun],
    versions: Mapping[str, str],
) -> MachineProfile:
    """The profile of a machine from its rates and short runs (at least two)."""
    draft = MachineProfile(
        device=device_name,
        accelerator=device.accelerator,
        n_devices=n_devices,
        measured_on=datetime.datetime.now(datetime.UTC).date(),
        rates=rates,
        pace_s=statistics.median(run.pace_s for run in runs),
        values={},
        step_spread=LEAST_STEP_SPREAD,
        memory_spread=LEAST_MEMORY_SPREAD,
        runs=(),
        versions=dict(versions),
    )
    values = _fit(draft, device, runs)
    fitted = draft.model_copy(update={"values": values})
    compared = short_runs(fitted, device, runs)
    step_errors = [math.log1p(run.step_error) for run in compared]
    memory_errors = [math.log1p(run.memory_error) for run in compared]
    return fitted.model_copy(
        update={
            "runs": compared,
            "step_spread": max(LEAST_STEP_SPREAD, _half_width(step_errors)),
            "memory_spread": max(LEAST_MEMORY_SPREAD, _half_width(memory_errors)),
        }
    )


def short_runs(
    profile: MachineProfile, device: Accelerator, runs: Sequence[MeasuredRun]
) -> tuple[ShortRun, ...]:
    """Runs beside what the profile predicts for them."""
    step_s, memory_bytes = _predict(profile, device, runs, profile.values)
    return tuple(
        ShortRun(
            name=run.recipe.name,
            parameters=run.recipe.shape.count_parameters().total,
            zero_stage=run.recipe.layout.zero_stage,
            n_ranks=run.recipe.n_ranks,
            tokens_per_step=run.recipe.tokens_per_step,
            steps=len(run.step_times_s),
            measured_step_s=run.step_s,
            step_s_p10=float(np.quantile(run.step_times_s, 0.1)),
            step_s_p90=float(np.quantile(run.step_times_s, 0.9)),
            predicted_step_s=float(step),
            measured_memory_bytes=run.memory_bytes,
            predicted_memory_bytes=float(memory),
            pace=run.pace_s / profile.pace_s,
            other_load_share=run.other_load_share,
        )
        for run, step, memory in zip(runs, step_s, memory_bytes, strict=True)
    )


def _predict(
    profile: MachineProfile,
    device: Accelerator,
    runs: Sequence[MeasuredRun],
    values: Mapping[str, float],
) -> tuple[Array, Array]:
    """(seconds of a step, bytes of a device) of each run."""
    precisions = [run.recipe.layout.precision for run in runs]
    here = profile.of(device)
    efficiency = EfficiencyColumns.of(
        [here] * len(runs),
        precisions,
        [stacks()[STACK]] * len(runs),
        [DEFAULT_YEAR] * len(runs),
        [1.0] * len(runs),
        {**fitted_values(), **values},
    )
    context = StepContext(
        shape=ShapeColumns.of([run.recipe.shape for run in runs]),
        layout=LayoutColumns.of(
            [run.recipe.layout for run in runs], [run.recipe.n_ranks for run in runs]
        ),
        device=DeviceColumns.of([here] * len(runs), precisions),
        efficiency=efficiency,
    )
    seconds: Array = step_time(context).total
    held: Array = device_memory(context).total
    return seconds, held


def _fit(
    profile: MachineProfile, device: Accelerator, runs: Sequence[MeasuredRun]
) -> dict[str, float]:
    priors = _priors(profile, device, runs)
    free = [key for key, prior in priors.items() if prior.log_sd > 0]
    scale = np.array([priors[key].log_sd for key in free])
    centre = np.array([math.log(priors[key].value) for key in free])
    fixed = {key: prior.value for key, prior in priors.items()}
    step_s = np.array([run.step_s for run in runs])
    memory_bytes = np.array([run.memory_bytes for run in runs])
    paces = np.array([run.pace_s / profile.pace_s for run in runs])

    def values(z: Array) -> dict[str, float]:
        return fixed | dict(zip(free, np.exp(centre + scale * z).tolist(), strict=True))

    def residuals(z: Array) -> Array:
        tried = values(z)
        predicted_s, predicted_bytes = _predict(profile, device, runs, tried)
        return np.concatenate(
            [
                robust(np.log(predicted_s * paces**PACE_POWER / step_s) / RUN_LOG_SD),
                robust(np.log(predicted_bytes / memory_bytes) / MEMORY_LOG_SD),
                _attention_residuals(profile, device, tried),
                z,
            ]
        )

    from scipy.optimize import least_squares  # takes longer to load than most commands to run

    return values(least_squares(residuals, np.zeros(len(free))).x)


def _attention_residuals(
    profile: MachineProfile, device: Accelerator, values: Mapping[str, float]
) -> Array:
    """Of the rates of single kernels, as :mod:`engine.predictor.layers` takes them."""
    if device.kind != "cpu":
        return np.zeros(0)
    peak = profile.rates.linear_flops_per_s("fp32")
    kernels = profile.rates.attention
    width = np.array([one.head_dim for one in kernels]) / 128.0
    tokens = np.array([one.tokens for one in kernels])
    predicted = (
        peak
        * values["attention_share:sdpa CPU"]
        * np.minimum(1.0, width) ** values["head_dim_exponent:CPU"]
        / (1 + values["attention_half_tokens:CPU"] / tokens)
    )
    measured = np.array([one.flops_per_s for one in kernels])
    log_ratio: Array = np.log(predicted / measured) / RATE_LOG_SD
    return log_ratio


def _priors(
    profile: MachineProfile, device: Accelerator, runs: Sequence[MeasuredRun]
) -> dict[str, _Prior]:
    """First values and how sure they are, by the keys of ``data/efficiency.csv``.

    Those of a CPU's time come from single operations and from reading the loop; those of its
    memory were set on seventeen runs of two EPYC cores (2026-11-25).
    """
    table = fitted_values()
    arch, rates = device.arch, profile.rates
    optimizer_bytes = rates.memory_bytes_per_s / rates.optimizer_parameters_per_s
    idle_gb = max(run.idle_memory_bytes for run in runs) / BYTES_PER_GB

    def near(name: str, scope: str, log_sd: float) -> tuple[str, _Prior]:
        """The table's value for this generation, or for all."""
        value = table.get(f"{name}:{scope}", table.get(f"{name}:all"))
        assert value is not None
        return f"{name}:{scope}", _Prior(value, log_sd)

    common = {
        f"time_factor:{STACK}": _Prior(1.0, 0.0),
        f"device_matmul:{device.accelerator}": _Prior(1.0, 0.0),
        f"bandwidth_share:{arch}": _Prior(1.0, 0.0),
        f"fast_link_share:{arch}": _Prior(1.0, 0.0),
        f"optimizer_bytes:{arch}": _Prior(optimizer_bytes, 0.2),
        f"runtime_gb:{arch}": _Prior(idle_gb + _LOADED_LATER_GB, 0.05),
        "data_exposed:plain": _Prior(1.0, 0.4),
    }
    if device.kind != "cpu":
        return common | dict(
            [
                near("matmul_of_best", arch, 0.2),
                near("size_penalty", arch, 0.5),
                near("elementwise", arch, 0.4),
                near("layer_host_s", arch, 0.5),
                near("activation_copies", arch, 0.2),
                near("allocator_slack", arch, 0.5),
                near("fsdp_exposed", arch, 0.3),
            ]
        )
    return common | {
        f"matmul_of_best:{arch}": _Prior(_WARM_SHARE / TYPICAL_BEST_SHARE, 0.04),
        f"size_penalty:{arch}": _Prior(8.0, 0.7),
        f"misaligned:{arch}": _Prior(1.0, 0.0),
        "attention_share:sdpa CPU": _Prior(0.45, 0.3),
        f"attention_half_tokens:{arch}": _Prior(60.0, 0.5),
        f"head_dim_exponent:{arch}": _Prior(0.15, 0.5),
        f"elementwise:{arch}": _Prior(1.8, 0.5),
        f"logit_bytes:{arch}": _Prior(table["logit_bytes:all"], 0.5),
        f"accumulation:{arch}": _Prior(1.0, 0.5),
        f"fsdp_exposed:{arch}": _Prior(2.0, 0.6),
        f"host_smoothness:{arch}": _Prior(1.0, 0.0),
        f"layer_host_s:{arch}": _Prior(0.006, 0.7),
        f"step_host_s:{arch}": _Prior(0.005, 0.7),
        f"sharded_layer_host_s:{arch}": _Prior(0.006, 0.7),
        f"activation_copies:{arch}": _Prior(1.1, 0.15),
        f"allocator_slack:{arch}": _Prior(1e-6, 0.0),
        f"sharding_copy_bytes:{arch}": _Prior(40.0, 0.7),
        f"communication_buffers:{arch}": _Prior(1.3, 0.25),
        f"sharding_buffers:{arch}": _Prior(1.6, 0.2),
        f"gathering_buffers:{arch}": _Prior(1.7, 0.25),
        f"sharding_gb:{arch}": _Prior(0.075, 0.2),
        f"logit_memory_bytes:{arch}": _Prior(17.0, 0.25),
    }


def _half_width(log_errors: Sequence[float]) -> float:
    """Of the interval around zero that 8 in 10 lie in."""
    return float(np.quantile(np.abs(log_errors), 0.8))

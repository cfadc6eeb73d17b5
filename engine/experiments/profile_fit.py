"""Fit of the predictor's parameters for one machine to measurements of that machine.

The fit is maximum a posteriori, as :mod:`engine.evidence.fitting` does it for all machines
together. Priors come from the machine's own rates of single operations, and short real runs move
them. The rates of single operations are also data of the fit, so that a few runs cannot move the
parameters far.
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
"""Standard deviation of the logarithm of a short run's step time, on an idle machine."""
MEMORY_LOG_SD = 0.04
"""Standard deviation of the logarithm of a short run's memory."""
RATE_LOG_SD = 0.05
"""Standard deviation of the logarithm of a single operation's rate."""
LEAST_STEP_SPREAD = 0.06
LEAST_MEMORY_SPREAD = 0.05
PACE_POWER = 0.5
"""Exponent by which a change of the measured pace changes the predicted step time. It is below 1
because the pace is a short sample on a machine whose speed changes from second to second."""
_LOADED_LATER_GB = 0.08
"""Memory of libraries and buffers that the first steps load, for every model."""
_WARM_SHARE = 0.96
"""First value for the rate of all linear layers, as a share of the best layer's rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """The measurements of one short run."""

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
    """Lognormal prior of one parameter."""

    value: float
    """Median of the parameter."""
    log_sd: float
    """Standard deviation of the parameter's logarithm; 0 for a parameter that is not fitted."""


def profile_of(
    device: Accelerator,
    device_name: str,
    n_devices: int,
    rates: Rates,
    runs: Sequence[MeasuredRun],
    versions: Mapping[str, str],
) -> MachineProfile:
    """Fit the profile of a machine to its rates and to at least two short runs."""
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
    """Return the runs with the profile's predictions for them."""
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
    """Return the step time in seconds and the memory of a device in bytes, for each run."""
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
    memory_bytes: Array = device_memory(context).total
    return seconds, memory_bytes


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

    from scipy.optimize import least_squares  # the import takes longer than most commands

    return values(least_squares(residuals, np.zeros(len(free))).x)


def _attention_residuals(
    profile: MachineProfile, device: Accelerator, values: Mapping[str, float]
) -> Array:
    """Return the residuals of attention kernels' rates, modelled as in
    :mod:`engine.predictor.layers`."""
    if device.kind != "cpu":
        return np.zeros(0)
    peak = profile.rates.linear_flops_per_s("fp32")
    kernels = profile.rates.attention
    width = np.array([kernel.head_dim for kernel in kernels]) / 128.0
    tokens = np.array([kernel.tokens for kernel in kernels])
    predicted = (
        peak
        * values["attention_share:sdpa CPU"]
        * np.minimum(1.0, width) ** values["head_dim_exponent:CPU"]
        / (1 + values["attention_half_tokens:CPU"] / tokens)
    )
    measured = np.array([kernel.flops_per_s for kernel in kernels])
    log_ratio: Array = np.log(predicted / measured) / RATE_LOG_SD
    return log_ratio


def _priors(
    profile: MachineProfile, device: Accelerator, runs: Sequence[MeasuredRun]
) -> dict[str, _Prior]:
    """Return the priors by the keys of ``data/efficiency.csv``.

    The priors for the time of a CPU come from single operations and from the code of the training
    loop. The priors for its memory were set with seventeen runs on two EPYC cores (2026-11-25).
    """
    table = fitted_values()
    arch, rates = device.arch, profile.rates
    optimizer_bytes = rates.memory_bytes_per_s / rates.optimizer_parameters_per_s
    idle_gb = max(run.idle_memory_bytes for run in runs) / BYTES_PER_GB

    def near(name: str, scope: str, log_sd: float) -> tuple[str, _Prior]:
        """Return a prior around the table's value for ``scope``, or else for all devices."""
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
    """Return the half-width of the interval around zero that holds 80% of the errors."""
    return float(np.quantile(np.abs(log_errors), 0.8))

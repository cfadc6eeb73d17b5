"""GPU-hours of a whole run from its size alone: parameters, tokens, accelerator and count.

Shape, batch and layout are chosen as a careful team would choose them
(:mod:`engine.predictor.defaults`, :mod:`engine.predictor.search`). Whole published runs take longer
than benchmarks of the same layout, because of loss spikes, evaluations, slow days and earlier
software. ``data/whole_runs.csv`` lists such runs. Two factors in ``data/efficiency.csv``, one for
single nodes and one for clusters, state how much longer they took.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.costs.goodput import Reliability, run_time
from engine.documents import InputError
from engine.facts import Accelerator, accelerator_in_table, typical_price
from engine.layout import Precision
from engine.predictor.defaults import usual_batch_sequences, usual_devices, usual_shape
from engine.predictor.efficiency import fitted_values
from engine.predictor.estimate import estimate
from engine.predictor.search import SearchSpace, best_layout
from engine.predictor.stacks import stacks
from engine.quantities import parse_count

MOST_DOUBLINGS = 6
"""Largest number of times that the device count is doubled until the model fits."""
SINGLE_NODE_DEVICES = 8
"""Number of devices up to which a run counts as the run of a single node."""
LARGE_MIXTURE_PARAMETERS = 3e11
"""Total parameters from which mixtures of experts train in 8 bits if the device supports it
(DeepSeek-V3 and later models)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuHours:
    """Predicted GPU-hours and price of a whole run."""

    model: str
    gpu_hours: float
    gpu_hours_low: float
    """Lower end of the interval that holds 80% of runs."""
    gpu_hours_high: float
    """Upper end of the interval that holds 80% of runs."""
    usd: float | None
    """Cost at the median published on-demand price in USD; None if there is none."""


def gpu_hours_of(row: Mapping[str, str]) -> GpuHours:
    """Predict the GPU-hours of one row of a table of runs.

    Raises
    ------
    InputError
        If a cell has a value that no run can have.
    """
    device = accelerator_in_table(row.get("gpu") or "", "gpu")
    total = _count(row, "params_total")
    active = _count(row, "params_active", total)
    if active > total:
        raise InputError("params_active", f"{active:.0f}", "less_than_equal", limit=f"{total:.0f}")
    tokens = _count(row, "tokens")
    n_devices = _devices(row, device, active, tokens)
    plain = benchmark_hours(device, total, active, tokens, n_devices)
    parameters = fitted_values()
    kind = run_kind(row)
    hours = plain * parameters[f"whole_run:{kind}"]
    width = math.exp(parameters["spread:whole_run"])
    price = typical_price(device.accelerator)
    return GpuHours(
        model=row.get("model") or "",
        gpu_hours=hours,
        gpu_hours_low=hours / width,
        gpu_hours_high=hours * width,
        usd=None if price is None else hours * float(price.usd_per_device_hour),
    )


def run_kind(row: Mapping[str, str]) -> str:
    """Return ``node`` if the row states at most a single node's devices, else ``cluster``."""
    cell = (row.get("n_gpus") or "").strip()
    return "node" if cell and 1 <= float(cell) <= SINGLE_NODE_DEVICES else "cluster"


def whole_run_ratio(row: Mapping[str, str]) -> float:
    """Return measured ÷ benchmark hours of one row of ``data/whole_runs.csv``."""
    device = accelerator_in_table(row["gpu"], "gpu")
    total, tokens = _count(row, "params_total"), _count(row, "tokens")
    active = _count(row, "params_active", total)
    n_devices = _devices(row, device, active, tokens)
    measured = _count(row, "gpu_hours")
    return measured / benchmark_hours(device, total, active, tokens, n_devices)


def benchmark_hours(
    device: Accelerator, total: float, active: float, tokens: float, n_devices: int
) -> float:
    """Return the GPU-hours of a run at benchmark speed, with failures and checkpoints."""
    shape = usual_shape(total, active)
    precision = usual_precision(device)
    if shape.moe and total >= LARGE_MIXTURE_PARAMETERS and device.peak_fp8_tflops:
        precision = "fp8"
    # Software for large mixtures of experts overlaps their all-to-all with computation.
    stack = stacks()["HAI-LLM" if shape.moe else "default"]
    for _ in range(MOST_DOUBLINGS):
        batch = usual_batch_sequences(shape, n_devices)
        found = best_layout(
            SearchSpace(
                shape=shape,
                device=device,
                n_devices=n_devices,
                global_batch_sequences=batch,
                precision=precision,
                stack=stack,
            )
        )
        if found is not None:
            step_s = estimate(shape, found.layout, device, n_devices, stack).step_s
            break
        n_devices *= 2  # the model needs more devices than were stated
    else:
        raise InputError("n_gpus", n_devices, "more_devices", device=device.accelerator)
    # The usual shape has slightly more or fewer parameters than the row states.
    scale = active / shape.count_parameters().active
    steps = max(1, round(tokens / (batch * shape.seq_len_tokens)))
    time = run_time(
        Reliability(),
        n_devices=n_devices,
        parameters=round(total),
        steps=steps,
        step_time_s=step_s * scale,
    )
    exact = tokens / (steps * batch * shape.seq_len_tokens)
    return time.device_hours * exact


def usual_precision(device: Accelerator) -> Precision:
    """Return the 16-bit precision that the device supports, else fp32."""
    if device.peak_bf16_tflops:
        return "bf16"
    return "fp16" if device.peak_fp16_tflops else "fp32"


def _count(row: Mapping[str, str], column: str, default: float | None = None) -> float:
    cell = (row.get(column) or "").strip()
    if not cell:
        if default is None:
            raise InputError(column, "—", "missing")
        return default
    try:
        value = float(cell)
    except ValueError:
        value = float(parse_count(cell) or math.nan)
    if not 1 <= value < 1e19:
        raise InputError(column, cell, "between", low=1, high="1e19")
    return value


def _devices(row: Mapping[str, str], device: Accelerator, active: float, tokens: float) -> int:
    cell = (row.get("n_gpus") or "").strip()
    if not cell or cell == "0":
        return usual_devices(active, tokens, device.base_flops_per_s(usual_precision(device)))
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (value == value and value == int(value) and 1 <= value <= 1_000_000):
        raise InputError("n_gpus", cell, "whole_number")
    return int(value)

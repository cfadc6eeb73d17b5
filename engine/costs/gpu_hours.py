"""GPU-hours of a whole run from its size alone: parameters, tokens, accelerator and count.

Shape, batch and layout are chosen as a careful team would (:mod:`engine.predictor.defaults`,
:mod:`engine.predictor.search`). Whole published runs take longer than benchmarks of the same
layout: loss spikes, evaluations, slow days, earlier software. ``data/whole_runs.csv`` holds such
runs, and how much longer they took is two numbers of ``data/efficiency.csv``.
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
SINGLE_NODE_DEVICES = 8
LARGE_MIXTURE_PARAMETERS = 3e11
"""From here on mixtures of experts train in 8 bits where the device can (DeepSeek-V3 and what
came after it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuHours:
    """What one whole run takes."""

    model: str
    gpu_hours: float
    gpu_hours_low: float
    """80% of runs are expected between low and high."""
    gpu_hours_high: float
    usd: float | None
    """At the median published on-demand price; None where there is none."""


def gpu_hours_of(row: Mapping[str, str]) -> GpuHours:
    """Predict one row.

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
    known = fitted_values()
    kind = run_kind(row)
    hours = plain * known[f"whole_run:{kind}"]
    width = math.exp(known["spread:whole_run"])
    price = typical_price(device.accelerator)
    return GpuHours(
        model=row.get("model") or "",
        gpu_hours=hours,
        gpu_hours_low=hours / width,
        gpu_hours_high=hours * width,
        usd=None if price is None else hours * float(price.usd_per_device_hour),
    )


def run_kind(row: Mapping[str, str]) -> str:
    """``node`` where the run is said to take a single node's devices, else ``cluster``."""
    cell = (row.get("n_gpus") or "").strip()
    return "node" if cell and 1 <= float(cell) <= SINGLE_NODE_DEVICES else "cluster"


def whole_run_ratio(row: Mapping[str, str]) -> float:
    """Measured ÷ benchmark hours of one row of ``data/whole_runs.csv``."""
    device = accelerator_in_table(row["gpu"], "gpu")
    total, tokens = _count(row, "params_total"), _count(row, "tokens")
    active = _count(row, "params_active", total)
    n_devices = _devices(row, device, active, tokens)
    measured = _count(row, "gpu_hours")
    return measured / benchmark_hours(device, total, active, tokens, n_devices)


def benchmark_hours(
    device: Accelerator, total: float, active: float, tokens: float, n_devices: int
) -> float:
    """GPU-hours if the whole run went as a benchmark does, failures and checkpoints counted."""
    shape = usual_shape(total, active)
    precision = usual_precision(device)
    if shape.moe and total >= LARGE_MIXTURE_PARAMETERS and device.peak_fp8_tflops:
        precision = "fp8"
    # Whoever trains a large mixture of experts hides its all-to-all behind computing.
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
        n_devices *= 2  # the model needs more devices than were said
    else:
        raise InputError("n_gpus", n_devices, "more_devices", device=device.accelerator)
    # What the shape has more or less than the parameters that were asked for.
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

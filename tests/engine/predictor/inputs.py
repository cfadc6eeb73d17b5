"""One shape in one layout as the context that the predictor's functions take."""

from dataclasses import fields, replace
from typing import Any, Self

import numpy as np

from engine.facts import Accelerator
from engine.layout import Layout
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.efficiency import DEFAULT_YEAR, EfficiencyColumns
from engine.predictor.memory import DeviceMemory, device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import StepTime, step_time
from engine.shapes import ModelShape


class Inputs(StepContext):
    """A context whose values tests change one at a time."""

    def with_efficiency(self, **values: float) -> Self:
        """Return the context with some efficiencies replaced."""
        arrays = {name: np.array([float(value)]) for name, value in values.items()}
        return replace(self, efficiency=replace(self.efficiency, **arrays))

    def with_tokens(self, tokens: float) -> Self:
        """Return the context with a micro batch of ``tokens`` tokens on each device."""
        micro_batch = tokens * self.layout.cp / self.shape.seq_len_tokens
        return replace(self, layout=replace(self.layout, micro_batch=micro_batch))

    def step(self) -> StepTime:
        return step_time(self)

    def memory(self) -> DeviceMemory:
        return device_memory(self)


def inputs(
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int = 1,
    stack: str | Stack = "default",
    *,
    year: float = DEFAULT_YEAR,
    power_share: float = 1.0,
) -> Inputs:
    """Return the context of one row."""
    chosen = stacks()[stack] if isinstance(stack, str) else stack
    return Inputs(
        shape=ShapeColumns.of([shape]),
        layout=LayoutColumns.of([layout], [n_devices]),
        device=DeviceColumns.of([device], [layout.precision]),
        efficiency=EfficiencyColumns.of(
            [device], [layout.precision], [chosen], [year], [power_share]
        ),
    )


def without_costs(efficiency: EfficiencyColumns) -> dict[str, Any]:
    """Return efficiencies that leave only counted work: no latencies, host time or penalties."""
    names = {field.name for field in fields(efficiency)}
    nothing = {
        "size_penalty": 0.0,
        "collective_latency_s": 0.0,
        "layer_host_s": 0.0,
        "moe_host_s": 0.0,
        "attention_half_tokens": 0.0,
        "time_factor": 1.0,
        "misaligned": 1.0,
        "misaligned_heads": 1.0,
    }
    assert nothing.keys() <= names
    return nothing

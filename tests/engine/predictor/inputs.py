"""One shape in one layout as the columns that the predictor's functions take."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from engine.facts import Accelerator
from engine.layout import Layout
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import DEFAULT_YEAR, EfficiencyColumns
from engine.predictor.memory import DeviceMemory, device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import StepTime, step_time
from engine.shapes import ModelShape


@dataclass(frozen=True)
class Inputs:
    shape: ShapeColumns
    layout: LayoutColumns
    device: DeviceColumns
    known: EfficiencyColumns

    @property
    def all(self) -> tuple[ShapeColumns, LayoutColumns, DeviceColumns, EfficiencyColumns]:
        return self.shape, self.layout, self.device, self.known

    def with_known(self, **values: float) -> "Inputs":
        """With some efficiencies set by hand."""
        arrays = {name: np.array([float(value)]) for name, value in values.items()}
        return replace(self, known=replace(self.known, **arrays))

    def step(self) -> StepTime:
        return step_time(*self.all)

    def memory(self) -> DeviceMemory:
        return device_memory(*self.all)


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
    chosen = stacks()[stack] if isinstance(stack, str) else stack
    return Inputs(
        ShapeColumns.of([shape]),
        LayoutColumns.of([layout], [n_devices]),
        DeviceColumns.of([device], [layout.precision]),
        EfficiencyColumns.of([device], [layout.precision], [chosen], [year], [power_share]),
    )


def without_costs(known: EfficiencyColumns) -> dict[str, Any]:
    """Efficiencies under which only counted work is left: no latencies, host, penalties."""
    names = {field.name for field in fields(known)}
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

"""Measured runs as columns, which a fit and a validation predict all at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.evidence.rows import Row, Run, run_of
from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.efficiency import EfficiencyColumns
from engine.predictor.memory import device_memory
from engine.predictor.throughput import StepTime, step_time
from engine.units import BYTES_PER_GIB

# Columns in which two rows of the same configuration agree.
_CONFIGURATION = (
    *("source_id", "model", "gpu", "n_gpus", "precision", "seq_len", "tp", "pp", "cp", "ep"),
    *("zero_stage", "micro_batch", "global_batch", "workload"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedColumns:
    """The predictions for each row of a sample."""

    step: StepTime
    tokens_per_s: Array
    """Tokens/s of one device."""
    memory_gb: Array
    """Peak memory of one device in GiB (2^30 bytes), as frameworks report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Runs with their measurements, which are NaN where nothing was measured."""

    runs: tuple[Run, ...]
    sources: tuple[str, ...]
    configurations: tuple[tuple[str, ...], ...]
    measured_tokens_per_s: Array
    measured_memory_gb: Array
    shape: ShapeColumns
    layout: LayoutColumns
    device: DeviceColumns
    machines: tuple[int, ...]
    """Index in ``unique_machines`` of each run."""
    unique_machines: tuple[Run, ...]
    """One run of each combination of device, precision and software, which efficiencies depend
    on."""

    @classmethod
    def of(cls, rows: Sequence[Row], runs: Sequence[Run]) -> Self:
        """Return the columns of ``rows`` and of the ``runs`` that were read from them."""
        unique: dict[object, int] = {}
        firsts: list[Run] = []
        machines = []
        for run in runs:
            key = (
                run.device.accelerator,
                run.layout.precision,
                run.stack,
                run.year,
                run.power_share,
            )
            if key not in unique:
                unique[key] = len(firsts)
                firsts.append(run)
            machines.append(unique[key])
        return cls(
            runs=tuple(runs),
            sources=tuple(row.get("source_id") or "" for row in rows),
            configurations=tuple(
                tuple(row.get(name) or "" for name in _CONFIGURATION) for row in rows
            ),
            measured_tokens_per_s=_measured(rows, "tokens_per_sec_per_gpu"),
            measured_memory_gb=_measured(rows, "mem_gb"),
            shape=ShapeColumns.of([run.shape for run in runs]),
            layout=LayoutColumns.of([run.layout for run in runs], [run.n_devices for run in runs]),
            device=DeviceColumns.of(
                [run.device for run in runs], [run.layout.precision for run in runs]
            ),
            machines=tuple(machines),
            unique_machines=tuple(firsts),
        )

    @classmethod
    def read(cls, rows: Sequence[Row]) -> Self:
        """Return the columns of ``rows``."""
        return cls.of(rows, [run_of(row) for row in rows])

    @property
    def is_moe(self) -> npt.NDArray[np.bool_]:
        """True for mixtures of experts, shape (rows,)."""
        return np.array([run.shape.moe is not None for run in self.runs])

    def take(self, mask: npt.NDArray[np.bool_]) -> Sample:
        """Return the rows where ``mask`` is true."""
        kept = [index for index, keep in enumerate(mask) if keep]
        return Sample(
            runs=tuple(self.runs[index] for index in kept),
            sources=tuple(self.sources[index] for index in kept),
            configurations=tuple(self.configurations[index] for index in kept),
            measured_tokens_per_s=self.measured_tokens_per_s[mask],
            measured_memory_gb=self.measured_memory_gb[mask],
            shape=self.shape.take(mask),
            layout=self.layout.take(mask),
            device=self.device.take(mask),
            machines=tuple(self.machines[index] for index in kept),
            unique_machines=self.unique_machines,
        )

    def efficiency(self, values: Mapping[str, float] | None = None) -> EfficiencyColumns:
        """Return the parameters of each row, from ``values`` or else the fitted values."""
        unique = EfficiencyColumns.of(
            [run.device for run in self.unique_machines],
            [run.layout.precision for run in self.unique_machines],
            [run.stack for run in self.unique_machines],
            [run.year for run in self.unique_machines],
            [run.power_share for run in self.unique_machines],
            values,
        )
        return unique.take(np.array(self.machines))

    def context(self, values: Mapping[str, float] | None = None) -> StepContext:
        """Return the context that predicts all rows; fitted parameters without ``values``."""
        return StepContext(
            shape=self.shape,
            layout=self.layout,
            device=self.device,
            efficiency=self.efficiency(values),
        )

    def predict(self, values: Mapping[str, float] | None = None) -> PredictedColumns:
        """Predict all rows, with ``values`` or else the fitted values of the parameters."""
        context = self.context(values)
        step, memory = step_time(context), device_memory(context)
        layout = self.layout
        sequences = layout.micro_batch * layout.micro_steps * layout.dp
        tokens = sequences * self.shape.seq_len_tokens / layout.n_devices
        allocated_only = np.array([run.allocated_only for run in self.runs])
        memory_bytes = memory.total - np.where(allocated_only, memory.runtime, 0.0)
        return PredictedColumns(
            step=step, tokens_per_s=tokens / step.total, memory_gb=memory_bytes / BYTES_PER_GIB
        )


def _measured(rows: Sequence[Row], column: str) -> Array:
    return np.array([measured(row, column) for row in rows], dtype=np.float64)


def measured(row: Row, column: str) -> float:
    """Return a measured figure; NaN where the cell is empty.

    Raises
    ------
    InputError
        If the figure is not a finite number above 0.
    """
    cell = (row.get(column) or "").strip()
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InputError(column, cell, "greater_than", limit=0)
    return value

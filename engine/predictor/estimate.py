"""Step time, memory and utilisation of one shape in one layout on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.facts import Accelerator
from engine.flops import recomputed_flops_per_token, training_flops_per_token
from engine.layout import Layout
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.context import StepContext
from engine.predictor.efficiency import DEFAULT_YEAR, EfficiencyColumns, fitted_values
from engine.predictor.memory import device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import step_time
from engine.shapes import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Predicted values of one step, without bounds."""

    step_parts_s: dict[str, float]
    """Seconds of a step by cause, as in :class:`engine.predictor.throughput.StepTime`."""
    memory_parts_bytes: dict[str, float]
    """Bytes of one device by use, as in :class:`engine.predictor.memory.DeviceMemory`."""
    tokens_per_step: int

    @property
    def step_s(self) -> float:
        """Seconds of one optimizer step."""
        return sum(self.step_parts_s.values())

    @property
    def memory_bytes(self) -> float:
        """Peak memory of one device, in bytes."""
        return sum(self.memory_parts_bytes.values())

    @property
    def tokens_per_s(self) -> float:
        """Tokens/s of all devices together."""
        return self.tokens_per_step / self.step_s


def estimate(
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int,
    stack: Stack | None = None,
    values: Mapping[str, float] | None = None,
) -> Estimate:
    """Return the step time and the memory of one device.

    ``values`` replace fitted parameters, by their keys in ``data/efficiency.csv``.

    Raises
    ------
    InputError
        If the layout is impossible, or the device has no peak for its precision.
    """
    context = _context(shape, layout, device, n_devices, stack, values)
    return Estimate(
        step_parts_s=step_time(context).parts(),
        memory_parts_bytes=device_memory(context).parts(),
        tokens_per_step=layout.global_batch_sequences(n_devices) * shape.seq_len_tokens,
    )


def estimate_memory(
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int,
    stack: Stack | None = None,
) -> dict[str, float]:
    """Return the memory of one device by part, in bytes: that of :func:`estimate`.

    Raises
    ------
    InputError
        If the layout is impossible, or the device has no peak for its precision.
    """
    return device_memory(_context(shape, layout, device, n_devices, stack, None)).parts()


def _context(
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int,
    stack: Stack | None,
    values: Mapping[str, float] | None,
) -> StepContext:
    layout.check(shape, n_devices)
    return StepContext(
        shape=ShapeColumns.of([shape]),
        layout=LayoutColumns.of([layout], [n_devices]),
        device=DeviceColumns.of([device], [layout.precision]),
        efficiency=efficiency_of(device, layout, stack or stacks()["default"], values),
    )


def efficiency_of(
    device: Accelerator,
    layout: Layout,
    stack: Stack,
    values: Mapping[str, float] | None = None,
) -> EfficiencyColumns:
    """Return the efficiency parameters of one device, precision and software stack.

    ``values`` take precedence over the fitted parameters.
    """
    merged = None if values is None else {**fitted_values(), **values}
    return EfficiencyColumns.of(
        [device], [layout.precision], [stack], [DEFAULT_YEAR], [1.0], merged
    )


def mfu(shape: ModelShape, layout: Layout, device: Accelerator, tokens_per_s: float) -> float:
    """Return the model FLOPs utilisation, a share of the dense peak at the layout's precision.

    It counts training FLOPs without recomputation and attention's full square (Chowdhery 2022,
    appendix B). ``tokens_per_s`` is the speed of one device.
    """
    peak = device.needed_flops_per_s(layout.precision)
    return tokens_per_s * training_flops_per_token(shape) / peak


def hfu(shape: ModelShape, layout: Layout, device: Accelerator, tokens_per_s: float) -> float:
    """Return the hardware FLOPs utilisation: :func:`mfu` with recomputed FLOPs counted."""
    recomputed = recomputed_flops_per_token(shape, layout.activation_checkpointing)
    share = recomputed / training_flops_per_token(shape)
    return mfu(shape, layout, device, tokens_per_s) * (1 + share)

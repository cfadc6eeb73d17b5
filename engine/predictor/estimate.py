"""One run as the predictor sees it: step time and memory of a shape, a layout and a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.facts import Accelerator
from engine.flops import recomputed_flops_per_token, training_flops_per_token
from engine.layout import Layout
from engine.predictor.columns import DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import DEFAULT_YEAR, EfficiencyColumns, fitted_values
from engine.predictor.memory import device_memory
from engine.predictor.stacks import Stack, stacks
from engine.predictor.throughput import step_time
from engine.shapes import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Predicted values, without bounds."""

    step_parts_s: dict[str, float]
    memory_parts_bytes: dict[str, float]
    tokens_per_step: int

    @property
    def step_s(self) -> float:
        return sum(self.step_parts_s.values())

    @property
    def memory_bytes(self) -> float:
        return sum(self.memory_parts_bytes.values())

    @property
    def tokens_per_s(self) -> float:
        return self.tokens_per_step / self.step_s


def estimate(
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int,
    stack: Stack | None = None,
    values: Mapping[str, float] | None = None,
) -> Estimate:
    """Step time and memory of one device; ``values`` take the place of fitted parameters.

    Raises
    ------
    InputError
        If the layout is impossible, or the device has no peak for its precision.
    """
    layout.check(shape, n_devices)
    columns = (
        ShapeColumns.of([shape]),
        LayoutColumns.of([layout], [n_devices]),
        DeviceColumns.of([device], [layout.precision]),
        efficiency_of(device, layout, stack or stacks()["default"], values),
    )
    return Estimate(
        step_parts_s=step_time(*columns).parts(),
        memory_parts_bytes=device_memory(*columns).parts(),
        tokens_per_step=layout.global_batch_sequences(n_devices) * shape.seq_len_tokens,
    )


def efficiency_of(
    device: Accelerator,
    layout: Layout,
    stack: Stack,
    values: Mapping[str, float] | None = None,
) -> EfficiencyColumns:
    """The fitted parameters for one device, precision and software, ``values`` before them."""
    known = None if values is None else {**fitted_values(), **values}
    return EfficiencyColumns.of([device], [layout.precision], [stack], [DEFAULT_YEAR], [1.0], known)


def mfu(shape: ModelShape, layout: Layout, device: Accelerator, tokens_per_s: float) -> float:
    """Model FLOPs utilisation: training FLOPs without recomputation, attention's full square
    counted, as a share of the dense peak at the layout's precision (Chowdhery 2022, appendix
    B). ``tokens_per_s`` are those of one device."""
    peak = device.needed_flops_per_s(layout.precision)
    return tokens_per_s * training_flops_per_token(shape) / peak


def hfu(shape: ModelShape, layout: Layout, device: Accelerator, tokens_per_s: float) -> float:
    """Hardware FLOPs utilisation: as :func:`mfu`, with what is computed again."""
    again = recomputed_flops_per_token(shape, layout.activation_checkpointing)
    share = again / training_flops_per_token(shape)
    return mfu(shape, layout, device, tokens_per_s) * (1 + share)

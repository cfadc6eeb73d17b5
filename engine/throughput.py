"""How long one training step takes: a roofline, term by term.

Every term is a count from the shape divided by a rate from ``data/accelerators.csv`` times an
efficiency from ``data/efficiency.csv``:

``matmul_share``                 share of the peak that large matmuls reach
``matmul_size_penalty``          c in time × (1 + c·(1/m + 1/n + 1/k)): small matmuls are slower
``attention_share``              share of the peak, for the causal half of attention
``bandwidth_share``              share of the memory bandwidth that streaming reaches
``elementwise_passes``           times that a layer's d_model-wide values cross the memory bus,
                                 forward and backward (norms, activations, residuals, copies)
``exposed_communication_share``  share of communication that computing does not hide
``layer_overhead_s``             launching one layer's kernels, forward and backward
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from engine.documents import InputError
from engine.facts import Accelerator, efficiency
from engine.flops import (
    BACKWARD_PER_FORWARD,
    attention_flops_per_token,
    linears,
    training_flops_per_token,
)
from engine.layout import BYTES_PER_VALUE, Layout
from engine.shapes import ModelShape

OPTIMIZER_BYTES_PER_PARAMETER = 31
"""Read and written by one Adam step: gradient, master weight and two moments in 32 bits, and
the 16-bit weight; about what a fit to published runs finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """Seconds of one optimizer step by where they go; the parts add up."""

    matmul: float
    attention: float
    elementwise: float
    recompute: float
    optimizer: float
    communication: float
    overhead: float

    @property
    def total(self) -> float:
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def step_time(shape: ModelShape, layout: Layout, device: Accelerator, n_devices: int) -> StepTime:
    """Time of one optimizer step on ``n_devices``, in seconds.

    Raises
    ------
    InputError
        If the device has no peak for the layout's precision.
    """
    known = efficiency(device.arch)
    peak = peak_flops_per_s(device, layout)
    bandwidth = device.memory_gb_per_s * 1e9 * known.bandwidth_share
    value_bytes = BYTES_PER_VALUE[layout.precision]
    micro_steps = layout.grad_accumulation_steps
    tokens = layout.micro_batch_sequences * shape.seq_len_tokens  # of one micro step
    passes = 1 + BACKWARD_PER_FORWARD

    matmul = sum(
        linear.flops_per_token
        * (1 + known.matmul_size_penalty * (1 / tokens + 1 / linear.n_in + 1 / linear.n_out))
        for linear in linears(shape)
    ) * (tokens * passes / (peak * known.matmul_share))
    attention = (
        attention_flops_per_token(shape, causal=True)
        * tokens
        * passes
        / (peak * known.attention_share)
    )
    layer_bytes = known.elementwise_passes * shape.d_model * value_bytes
    logits_bytes = 6 * 4 * shape.vocab  # softmax and its gradient in 32 bits
    elementwise = tokens * (shape.n_layers * layer_bytes + logits_bytes) / bandwidth
    overhead = shape.n_layers * known.layer_overhead_s
    forward = (matmul + attention + elementwise + overhead) / passes
    return StepTime(
        matmul=micro_steps * matmul,
        attention=micro_steps * attention,
        elementwise=micro_steps * elementwise,
        recompute=micro_steps * forward * (layout.activation_checkpointing == "full"),
        optimizer=_optimizer_bytes(shape, layout, n_devices) / bandwidth,
        communication=known.exposed_communication_share
        * communication_bytes(shape, layout, n_devices)
        / _link_bytes_per_s(device, n_devices),
        overhead=micro_steps * overhead,
    )


def peak_flops_per_s(device: Accelerator, layout: Layout) -> float:
    """Peak of one device at the layout's precision; InputError where there is none."""
    peak = device.peak_flops_per_s(layout.precision)
    if peak is None:
        having = [p for p in BYTES_PER_VALUE if device.peak_flops_per_s(p) is not None]
        raise InputError(
            "layout.precision",
            layout.precision,
            "precision_of_device",
            device=device.accelerator,
            having=", ".join(having),
        )
    return peak


def mfu(
    shape: ModelShape, layout: Layout, device: Accelerator, tokens_per_s: float, n_devices: int
) -> float:
    """Model FLOPs utilisation: training FLOPs without recomputation, attention's full square
    counted, as a share of the dense peak of all devices (Chowdhery 2022, appendix B)."""
    return (
        tokens_per_s
        * training_flops_per_token(shape)
        / (n_devices * peak_flops_per_s(device, layout))
    )


def communication_bytes(shape: ModelShape, layout: Layout, n_devices: int) -> float:
    """Bytes that one device sends in one step.

    A ring all-reduce sends 2·(n−1)/n of the gradients; reduce-scatter and all-gather are half
    of that each. Stage 2 reduces gradients in every micro step; stage 3 also gathers the
    weights in the forward and again in the backward pass of each (Rajbhandari 2020, section 7).
    """
    size = BYTES_PER_VALUE[layout.precision] * shape.count_parameters().total
    ring = (n_devices - 1) / n_devices * size
    if layout.zero_stage == 3:
        return 3 * ring * layout.grad_accumulation_steps
    if layout.zero_stage == 2:
        return (layout.grad_accumulation_steps + 1) * ring
    return 2 * ring


def _optimizer_bytes(shape: ModelShape, layout: Layout, n_devices: int) -> float:
    sharded = n_devices if layout.zero_stage >= 1 else 1
    return OPTIMIZER_BYTES_PER_PARAMETER * shape.count_parameters().total / sharded


def _link_bytes_per_s(device: Accelerator, n_devices: int) -> float:
    """The slowest link that a ring over all devices crosses, one direction, per device."""
    in_one_node = device.devices_per_node is None or n_devices <= device.devices_per_node
    link = device.intra_node_gb_per_s if in_one_node else device.inter_node_gb_per_s
    if link is None:
        raise InputError(
            "cluster.n_devices", n_devices, "less_than_equal", limit=device.devices_per_node or 1
        )
    return link * 1e9

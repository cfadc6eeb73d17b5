"""Memory that training takes on one device.

Weights, gradients and optimizer states as in ZeRO (Rajbhandari 2020, section 3.1 and
figure 1): mixed-precision Adam keeps 2 + 2 + 12 bytes a parameter. Activations are counted
tensor by tensor for eager PyTorch with a fused attention kernel, after the manner of
Korthikanti 2022 (section 4.1), but for Llama's block: no dropout, and a gated FFN.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from engine.facts import Accelerator, efficiency
from engine.layout import BYTES_PER_VALUE, Layout
from engine.shapes import ModelShape

GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceMemory:
    """Bytes on one device at the moment that takes most of them."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    runtime: float
    """Libraries, kernels and communication buffers, whatever the model."""

    @property
    def total(self) -> float:
        return sum(self.parts().values())

    def parts(self) -> dict[str, float]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def device_memory(
    shape: ModelShape, layout: Layout, device: Accelerator, n_devices: int
) -> DeviceMemory:
    """Peak memory of one of ``n_devices`` in bytes."""
    n_parameters = shape.count_parameters().total
    value_bytes = BYTES_PER_VALUE[layout.precision]
    # Adam's two moments in 32 bits, and a 32-bit master copy where the weights are shorter.
    optimizer_bytes = 8 if layout.precision == "fp32" else 12

    def sharded(from_stage: int) -> int:
        return n_devices if layout.zero_stage >= from_stage else 1

    tokens = layout.micro_batch_sequences * shape.seq_len_tokens
    layer = value_bytes * activation_values_per_token_layer(shape) * tokens
    if layout.activation_checkpointing == "full":
        # Each layer keeps its input; one layer at a time is computed again in full.
        activations = shape.n_layers * value_bytes * shape.d_model * tokens + layer
    else:
        activations = shape.n_layers * layer
    return DeviceMemory(
        weights=value_bytes * n_parameters / sharded(3),
        gradients=value_bytes * n_parameters / sharded(2),
        optimizer=optimizer_bytes * n_parameters / sharded(1),
        activations=activations,
        # Logits and their gradient, both in 32 bits for the loss (transformers upcasts them).
        logits=2 * 4 * shape.vocab * tokens,
        runtime=efficiency(device.arch).runtime_memory_gb * GB,
    )


def activation_values_per_token_layer(shape: ModelShape) -> float:
    """Values that one layer keeps for the backward pass, for each token.

    Two norms keep their input, its normalised copy and the scaled output (6·d), with one more
    copy each in 32 bits (2·d); attention keeps queries, keys and values before and after
    rotary positions, and its output; a gated FFN keeps gate, its SiLU, up and their product.
    """
    ffn_copies = 4 if shape.gated_ffn else 2
    attention = 3 * shape.d_attn + 3 * shape.d_kv
    return 8 * shape.d_model + attention + ffn_copies * shape.d_ff

"""How one training step is laid out over the devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document

Precision = Literal["fp32", "bf16", "fp16"]
BYTES_PER_VALUE: dict[Precision, int] = {"fp32": 4, "bf16": 2, "fp16": 2}


class Layout(Document):
    """Data parallelism with a ZeRO stage: every device holds a share of the batch.

    Tensor, pipeline, context and expert parallelism are not here yet, so a model must fit
    one device at ZeRO stage 3 with its activations.
    """

    micro_batch_sequences: Annotated[int, Field(ge=1, le=100_000)]
    """Sequences that one device computes at a time."""
    grad_accumulation_steps: Annotated[int, Field(ge=1, le=100_000)] = 1
    zero_stage: Annotated[int, Field(ge=0, le=3)] = 1
    """What ZeRO shards: 0 nothing, 1 optimizer states, 2 gradients too, 3 weights too."""
    precision: Precision = "bf16"
    """Of the matmuls; 16-bit training keeps a 32-bit master copy of the weights."""
    activation_checkpointing: Literal["none", "full"] = "none"

    def global_batch_sequences(self, n_devices: int) -> int:
        return self.micro_batch_sequences * self.grad_accumulation_steps * n_devices

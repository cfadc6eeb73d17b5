"""The layout of one training step over the devices."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.shapes import ModelShape

Precision = Literal["fp32", "bf16", "fp16", "fp8", "fp8-rowwise", "fp8-block128", "mxfp8", "nvfp4"]
"""Precision of the linear layers' matmuls. The 8- and 4-bit precisions differ in the values that
share a scale: a tensor (``fp8``), a row, or a block of 128, 32 (``mxfp8``) or 16 (``nvfp4``). With
them, all other values are in bf16."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
TRAINING_PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16")
"""Precisions that the training of this project supports."""
Checkpointing = Literal["none", "selective", "full"]

Degree = Annotated[int, Field(ge=1, le=100_000)]


def value_bytes(precision: Precision) -> int:
    """Return the bytes of a stored weight or activation; only matmuls use fewer than 16 bits."""
    return 4 if precision == "fp32" else 2


class Layout(Document):
    """The degrees of parallelism of a step, and its batch.

    The data parallel degree follows from the devices: n / (tensor · pipeline · context). Experts
    are spread over ``expert_parallel`` of the devices that hold the same layers.
    """

    micro_batch_sequences: Degree
    """Sequences that one replica computes at a time."""
    grad_accumulation_steps: Degree = 1
    """Micro batches in one step."""
    zero_stage: Annotated[int, Field(ge=0, le=3)] = 1
    """States that ZeRO shards over data parallel devices: 0 none, 1 optimizer states, 2 gradients
    too, 3 weights too (FSDP)."""
    shard_group: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Devices that share one copy of the sharded states; the groups are replicas (HSDP). 0 means
    all data parallel devices."""
    precision: Precision = "bf16"
    activation_checkpointing: Checkpointing = "none"
    """Activations to recompute: attention's scores (``selective``) or every layer (``full``)."""
    tensor_parallel: Degree = 1
    """Devices that share each matrix; sequence parallelism also splits norms and residuals."""
    pipeline_parallel: Degree = 1
    virtual_stages: Degree = 1
    """Pieces of the model on each pipeline stage (interleaved 1F1B)."""
    context_parallel: Degree = 1
    """Devices that share one sequence; keys and values pass along a ring."""
    expert_parallel: Degree = 1
    offload: Literal["none", "optimizer"] = "none"
    """States that are kept in the host's memory."""

    @model_validator(mode="after")
    def _pipeline_can_interleave(self) -> Self:
        if self.virtual_stages > 1 and self.pipeline_parallel == 1:
            raise InputError("virtual_stages", self.virtual_stages, "equal", to=1)
        return self

    def data_parallel_only(self) -> Layout:
        """Return the same batch and sharding without any split of a replica."""
        return self.model_copy(
            update={
                "tensor_parallel": 1,
                "pipeline_parallel": 1,
                "virtual_stages": 1,
                "context_parallel": 1,
                "expert_parallel": 1,
                "shard_group": 0,
                "offload": "none",
            }
        )

    @property
    def devices_per_replica(self) -> int:
        """Devices that hold one replica of the model together."""
        return self.tensor_parallel * self.pipeline_parallel * self.context_parallel

    @property
    def short_name(self) -> str:
        """Degrees that are not 1, in the usual abbreviations: ``TP8 PP4 VP2 ZeRO1 MB1×64``."""
        degrees = {
            "TP": self.tensor_parallel,
            "PP": self.pipeline_parallel,
            "VP": self.virtual_stages,
            "CP": self.context_parallel,
            "EP": self.expert_parallel,
        }
        parts = [f"{name}{degree}" for name, degree in degrees.items() if degree > 1]
        parts.append(
            f"ZeRO{self.zero_stage}" + (f"/{self.shard_group}" if self.shard_group else "")
        )
        parts.append(f"MB{self.micro_batch_sequences}×{self.grad_accumulation_steps}")
        if self.activation_checkpointing != "none":
            parts.append(f"AC-{self.activation_checkpointing}")
        if self.offload != "none":
            parts.append("offload")
        return " ".join(parts)

    @property
    def is_data_parallel_only(self) -> bool:
        """Whether no replica and no experts are split."""
        return self.devices_per_replica == 1 and self.expert_parallel == 1

    def data_parallel(self, n_devices: int) -> int:
        """Return the number of replicas on ``n_devices``."""
        return max(1, n_devices // self.devices_per_replica)

    def global_batch_sequences(self, n_devices: int) -> int:
        """Return the sequences of one step on ``n_devices``."""
        per_replica = self.micro_batch_sequences * self.grad_accumulation_steps
        return per_replica * self.data_parallel(n_devices)

    def is_possible(self, shape: ModelShape, n_devices: int) -> bool:
        """Return whether :meth:`check` passes."""
        try:
            self.check(shape, n_devices)
        except InputError:
            return False
        return True

    def check(self, shape: ModelShape, n_devices: int) -> None:
        """Check that the layout is possible for ``shape`` on ``n_devices``.

        Raises
        ------
        InputError
            For the first degree that does not divide what it splits.
        """
        if n_devices % self.devices_per_replica:
            raise InputError("n_devices", n_devices, "multiple_of", limit=self.devices_per_replica)
        if shape.n_heads % self.tensor_parallel:
            raise InputError("tensor_parallel", self.tensor_parallel, "divisor", of=shape.n_heads)
        stages = self.pipeline_parallel * self.virtual_stages
        if self.pipeline_parallel > shape.n_layers:
            raise InputError(
                "pipeline_parallel",
                self.pipeline_parallel,
                "less_than_equal",
                limit=shape.n_layers,
            )
        if stages > shape.n_layers + 2:  # embedding and output head may count as layers
            raise InputError(
                "virtual_stages",
                self.virtual_stages,
                "less_than_equal",
                limit=max(1, (shape.n_layers + 2) // self.pipeline_parallel),
            )
        if shape.seq_len_tokens % self.context_parallel:
            raise InputError(
                "context_parallel", self.context_parallel, "divisor", of=shape.seq_len_tokens
            )
        if self.expert_parallel > 1:
            if shape.moe is None:
                raise InputError("expert_parallel", self.expert_parallel, "equal", to=1)
            if shape.moe.n_experts % self.expert_parallel:
                raise InputError(
                    "expert_parallel", self.expert_parallel, "divisor", of=shape.moe.n_experts
                )
            sharing = n_devices // self.pipeline_parallel
            if sharing % self.expert_parallel:
                raise InputError("expert_parallel", self.expert_parallel, "divisor", of=sharing)
        replicas = self.data_parallel(n_devices)
        if self.shard_group and replicas % self.shard_group:
            raise InputError("shard_group", self.shard_group, "divisor", of=replicas)

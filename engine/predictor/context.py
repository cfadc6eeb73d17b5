"""The inputs of one prediction, and the quantities that several of its terms share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.predictor.columns import Array, DeviceColumns, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns


# No slots: cached properties need the instance's dictionary.
@dataclass(frozen=True, kw_only=True)
class StepContext:
    """Shape, layout, device and efficiency of the steps that are predicted together.

    The columns of all four broadcast to the number of steps, n; so do the properties, which are
    computed once for each context.
    """

    shape: ShapeColumns
    layout: LayoutColumns
    device: DeviceColumns
    efficiency: EfficiencyColumns

    @cached_property
    def tokens(self) -> Array:
        """Tokens of one micro batch on one device; context parallel devices share a sequence."""
        return self.layout.micro_batch * self.shape.seq_len_tokens / self.layout.cp

    @cached_property
    def memory_bytes_per_s(self) -> Array:
        """Rate at which kernels read and write the device's memory, in bytes/s."""
        return self.device.memory_bytes_per_s * self.efficiency.bandwidth_share

    @cached_property
    def norm_ranks(self) -> Array:
        """Devices that share the norms and residuals of one token (sequence parallelism)."""
        return np.where(self.efficiency.sequence_parallel > 0, self.layout.tp, 1.0)

    @cached_property
    def layers_per_stage(self) -> Array:
        """Layers of the fullest pipeline stage."""
        return np.ceil(self.shape.n_layers / self.layout.pp)

    @cached_property
    def replicas(self) -> Array:
        """Devices that hold the same weights outside routed experts, before ZeRO shards them."""
        return self.layout.dp * self.layout.cp

    @cached_property
    def expert_replicas(self) -> Array:
        """Devices that hold the same routed experts, before ZeRO shards them."""
        return np.maximum(1.0, self.layout.n_devices / (self.layout.pp * self.layout.ep))

    @cached_property
    def is_fully_sharded(self) -> npt.NDArray[np.bool_]:
        """True where ZeRO stage 3 gathers weights layer by layer.

        A pipeline keeps the weights that it gathered until the step ends.
        """
        gathers: npt.NDArray[np.bool_] = (self.layout.zero_stage == 3) & (self.layout.pp == 1)
        return gathers

    @cached_property
    def gradient_bytes(self) -> Array:
        """Size of one gradient value, in bytes: 4 beside 32-bit weights, else the stack's own."""
        return np.where(self.layout.value_bytes == 4, 4.0, self.efficiency.gradient_bytes)

    @cached_property
    def dense_parameters(self) -> Array:
        """Parameters outside routed experts on one device of the fullest stage, before sharding.

        The stage has the embedding; it has the output head only where there is no later stage.
        """
        shape, layers = self.shape, self.layers_per_stage
        moe_layers = shape.n_moe_layers / shape.n_layers * layers
        inside = layers * shape.attention_parameters + (
            (layers - moe_layers) * shape.ffn_parameters + moe_layers * shape.shared_parameters
        )
        head = np.where(self.layout.pp == 1, shape.own_head_parameters, 0.0)
        return (inside + shape.embedding_parameters + head) / self.layout.tp

    @cached_property
    def expert_parameters(self) -> Array:
        """Parameters of routed experts on one device of the fullest stage, before sharding.

        Leading dense layers are on the first stage, so that another may hold experts only.
        """
        layers = np.minimum(self.shape.n_moe_layers, self.layers_per_stage)
        return layers * self.shape.expert_parameters / self.layout.ep

    def shards_of(self, replicas: Array) -> Array:
        """Devices that share one copy of a sharded state, out of ``replicas`` that hold it.

        All of them do, unless a hybrid shard keeps them in smaller groups.
        """
        group = self.layout.shard_group
        return np.where(group < self.layout.dp, np.minimum(group, replicas), replicas)

"""Weights and gradients of one device, as a layout spreads them."""

from __future__ import annotations

import numpy as np

from engine.predictor.columns import Array, LayoutColumns, ShapeColumns
from engine.predictor.efficiency import EfficiencyColumns


def gradient_bytes(layout: LayoutColumns, known: EfficiencyColumns) -> Array:
    """Of one gradient value: as the software has it, but those of 32-bit weights have 32 bits."""
    return np.where(layout.value_bytes == 4, 4.0, known.gradient_bytes)


def shards_of(layout: LayoutColumns, replicas: Array) -> Array:
    """Devices that share one copy of the weights: all replicas, context parallel ones too,
    unless a hybrid shard keeps them in smaller groups."""
    return np.where(
        layout.shard_group < layout.dp, np.minimum(layout.shard_group, replicas), replicas
    )


def parameters_per_device(shape: ShapeColumns, layout: LayoutColumns) -> Array:
    """Weights outside routed experts on one device of the fullest stage, before sharding: with
    the embedding, and with the output head where no later stage has it."""
    layers = np.ceil(shape.n_layers / layout.pp)
    moe_layers = shape.n_moe_layers / shape.n_layers * layers
    inside = layers * shape.attention_parameters + (
        (layers - moe_layers) * shape.ffn_parameters + moe_layers * shape.shared_parameters
    )
    head = np.where(layout.pp == 1, shape.own_head_parameters, 0.0)
    return (inside + shape.embedding_parameters + head) / layout.tp


def expert_parameters_per_device(shape: ShapeColumns, layout: LayoutColumns) -> Array:
    """Routed experts on one device of the fullest stage; dense layers stand on the first."""
    layers = np.minimum(shape.n_moe_layers, np.ceil(shape.n_layers / layout.pp))
    return layers * shape.expert_parameters / layout.ep

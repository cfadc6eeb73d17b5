"""One row of a table of runs as documents: shape, layout, device and software.

The columns are those of ``data/measured_throughput.csv``. An empty cell takes its default; so
does a cell of 0 in a column that cannot be 0. ``docs/predictor.md`` lists the defaults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.documents import InputError
from engine.facts import Accelerator, accelerator_in_table
from engine.layout import PRECISIONS, Layout, Precision
from engine.predictor.efficiency import DEFAULT_YEAR
from engine.predictor.estimate import estimate_memory
from engine.predictor.search import SearchSpace, best_layout
from engine.predictor.stacks import Stack, stack_of
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB

Row = Mapping[str, str]

_SPLITS = ("tp", "pp", "cp", "ep", "dp", "zero_stage", "sharding", "micro_batch")

DEFAULT_VOCAB = 50_257
DEFAULT_SEQ_LEN = 4_096
DEFAULT_MICRO_BATCH_TOKENS = 8_192
"""Tokens of a micro batch without a pipeline; with a pipeline it is a single sequence."""

_SIXTEEN_BITS = {"": "bf16", "fp16/bf16": "bf16", "16-bit": "bf16", "bfloat16": "bf16"}
_LATENT = {"q_lora_rank": 1_536, "kv_lora_rank": 512, "qk_rope_head_dim": 64, "v_head_dim": 128}
"""Widths of latent attention in DeepSeek-V3, which other published models share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The run that a row describes, with defaults for empty cells."""

    shape: ModelShape
    layout: Layout
    device: Accelerator
    n_devices: int
    stack: Stack
    year: float
    """Release of the software, as a year with a fraction."""
    power_share: float
    """Power limit as a share of the device's own limit; 1 unless the notes state a lower one."""
    impossible: str
    """Reason why the layout is impossible as stated; empty if it is possible."""
    allocated_only: bool
    """Whether the measured memory is that of tensors, without libraries and the allocator's
    reserve."""


def run_of(row: Row) -> Run:
    """Return the run that a row describes.

    Raises
    ------
    InputError
        If a cell has a value that no run can have, the degrees do not divide the devices, or the
        device lacks the precision.
    """
    device = _device(row)
    n_devices = _whole(row, "n_gpus", device.devices_per_node or 8)
    shape = _shape(row)
    stack = stack_of(row.get("framework") or "", device.arch)
    layout = _layout(row, shape, stack, n_devices)
    device.needed_flops_per_s(layout.precision)
    layout = _completed(row, shape, layout, device, n_devices, stack)
    impossible = ""
    try:
        layout.check(shape, n_devices)
    except InputError as error:
        impossible = str(error)
    return Run(
        shape=shape,
        layout=layout,
        device=device,
        n_devices=n_devices,
        stack=_as_run(stack, row),
        year=_year(row),
        power_share=_power_share(row, device),
        impossible=impossible,
        allocated_only="peak allocated" in row.get("notes", ""),
    )


def _shape(row: Row) -> ModelShape:
    d_model = _whole(row, "d_model")
    head_dim = _whole(row, "head_dim", 0, least=0)
    tensor = _whole(row, "tp", 1, zero_is_empty=True)
    usual_heads = max(1, round(d_model / (head_dim or 128) / tensor)) * tensor
    n_heads = _whole(row, "n_heads", usual_heads)
    gated = row.get("gated_ffn", "") != "0"
    data: dict[str, Any] = {
        "n_layers": _whole(row, "n_layers"),
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": _whole(row, "n_kv_heads", n_heads),
        "head_dim": head_dim or max(2, d_model // n_heads // 2 * 2),
        "d_ff": _whole(row, "d_ff", 4 * d_model if not gated else _gated_width(d_model)),
        "ffn": "gated" if gated else "plain",
        "vocab": _whole(row, "vocab", DEFAULT_VOCAB),
        "seq_len_tokens": _whole(row, "seq_len", DEFAULT_SEQ_LEN),
        "tied_embeddings": row.get("tied_embeddings") == "1",
    }
    if row.get("mla") == "1":
        qk_dim = data["head_dim"]
        data["n_kv_heads"] = n_heads
        data["mla"] = _LATENT | {"qk_nope_head_dim": qk_dim - _LATENT["qk_rope_head_dim"]}
    n_experts = _whole(row, "n_experts", 0, least=0)
    if n_experts > 1:
        data["moe"] = {
            "n_experts": n_experts,
            "top_k": _whole(row, "moe_top_k", 2),
            "d_ff": _whole(row, "moe_d_ff", data["d_ff"]),
            "n_shared_experts": _whole(row, "n_shared_experts", 0, least=0),
            "n_dense_layers": _whole(row, "n_dense_layers", 0, least=0),
        }
    return ModelShape.parse(data)


def _gated_width(d_model: int) -> int:
    return math.ceil(8 * d_model / 3 / 256) * 256


def _layout(row: Row, shape: ModelShape, stack: Stack, n_devices: int) -> Layout:
    degrees = {
        "tensor_parallel": _whole(row, "tp", 1, zero_is_empty=True),
        "pipeline_parallel": _whole(row, "pp", 1, zero_is_empty=True),
        "virtual_stages": _whole(row, "vp", 1, zero_is_empty=True),
        "context_parallel": _whole(row, "cp", 1, zero_is_empty=True),
        "expert_parallel": _whole(row, "ep", 1, zero_is_empty=True) if shape.moe else 1,
    }
    if degrees["pipeline_parallel"] == 1:
        degrees["virtual_stages"] = 1
    split = degrees["tensor_parallel"] * degrees["pipeline_parallel"] * degrees["context_parallel"]
    if n_devices % split:
        raise InputError("n_gpus", n_devices, "multiple_of", limit=split)
    replicas = n_devices // split
    batch = _whole(row, "global_batch", 0, least=0)
    usual = (
        1
        if degrees["pipeline_parallel"] > 1
        else max(1, DEFAULT_MICRO_BATCH_TOKENS // shape.seq_len_tokens)
    )
    if batch:
        usual = max(1, min(usual, batch // replicas))
    micro_batch = _whole(row, "micro_batch", usual)
    # The last micro batch may be smaller in some sources; it counts if it is more than half full.
    from_batch = max(1, round(batch / (replicas * micro_batch))) if batch else 8
    return Layout.parse(
        degrees
        | {
            "micro_batch_sequences": micro_batch,
            "grad_accumulation_steps": _whole(row, "grad_accum", from_batch, zero_is_empty=True),
            "zero_stage": _zero_stage(row),
            "shard_group": _shard_group(row, replicas),
            "precision": _precision(row),
            "activation_checkpointing": _checkpointing(row, stack),
            "offload": "none" if row.get("cpu_offload", "") in ("", "none", "0") else "optimizer",
        }
    )


def _completed(
    row: Row,
    shape: ModelShape,
    layout: Layout,
    device: Accelerator,
    n_devices: int,
    stack: Stack,
) -> Layout:
    """Return the layout with the settings that the row does not state, chosen to fit in memory.

    If the row states nothing about the split of the model, the layout is the fastest that fits.
    Otherwise weights are sharded if they do not fit whole, and activations are checkpointed if
    they do not fit, unless the software stack has a fixed default.
    """
    if not any(row.get(column) for column in _SPLITS):
        batch = layout.global_batch_sequences(n_devices)
        found = best_layout(
            SearchSpace(
                shape=shape,
                device=device,
                n_devices=n_devices,
                global_batch_sequences=batch,
                precision=layout.precision,
                stack=stack,
            )
        )
        if found is not None:
            again = row.get("act_ckpt") and layout.activation_checkpointing
            kept = {"activation_checkpointing": again} if again else {}
            return found.layout.model_copy(update=kept)
    if not layout.is_possible(shape, n_devices):
        return layout
    usable_bytes = device.memory_gb * BYTES_PER_GB
    parts = estimate_memory(shape, layout, device, n_devices, stack)
    states = parts["weights"] + parts["gradients"] + parts["optimizer"]
    stated = row.get("zero_stage") or row.get("sharding")
    if states > usable_bytes and not stated and layout.pipeline_parallel == 1:
        layout = layout.model_copy(update={"zero_stage": 3})
    if row.get("act_ckpt") or stack.checkpointing != "fits":
        return layout
    for again in ("none", "selective"):
        tried = layout.model_copy(update={"activation_checkpointing": again})
        parts = estimate_memory(shape, tried, device, n_devices, stack)
        if sum(parts.values()) <= usable_bytes:
            return tried
    return layout.model_copy(update={"activation_checkpointing": "full"})


def _precision(row: Row) -> Precision:
    cell = row.get("precision", "").strip().casefold()
    precision = _SIXTEEN_BITS.get(cell, cell)
    for known in PRECISIONS:
        if precision == known:
            return known
    raise InputError("precision", cell, "literal_error", limit=", ".join(PRECISIONS))


def _checkpointing(row: Row, stack: Stack) -> str:
    cell = row.get("act_ckpt", "").strip().casefold()
    if not cell:
        return "full" if stack.checkpointing == "full" else "none"
    if cell not in ("none", "selective", "full"):
        raise InputError("act_ckpt", cell, "literal_error", limit="none, selective, full")
    return cell


def _zero_stage(row: Row) -> int:
    """Return the stated ZeRO stage, else that of the sharding's name, else 1."""
    if row.get("zero_stage", "") != "":
        return _whole(row, "zero_stage", 1, least=0)
    sharding = row.get("sharding", "").casefold()
    if "fsdp" in sharding or "hsdp" in sharding or "zero-3" in sharding:
        return 3
    return 2 if "zero-2" in sharding else 1


def _shard_group(row: Row, replicas: int) -> int:
    """Return the group of a hybrid shard, written as 'HSDP 8 x 16' or 'FSDP 128 x DP', or 0."""
    found = re.match(r"[hf]sdp\s+(\d+)\s*x", row.get("sharding", "").casefold())
    group = int(found[1]) if found else 0
    return group if 0 < group < replicas and replicas % group == 0 else 0


def _device(row: Row) -> Accelerator:
    """Return the accelerator, with the node size and the network that the row states."""
    device = accelerator_in_table(row.get("gpu", ""), "gpu")
    changes: dict[str, object] = {}
    per_node = _whole(row, "gpus_per_node", device.devices_per_node or 8)
    # The domain of a rack is larger than its trays, and a pod has no nodes.
    if row.get("gpus_per_node") and (device.devices_per_node or 0) <= 16:
        changes["devices_per_node"] = per_node
    network = network_gb_per_s(row.get("interconnect", ""), per_node)
    if network is not None:
        changes["inter_node_gb_per_s"] = network
    return device.model_copy(update=changes) if changes else device


def network_gb_per_s(text: str, devices_per_node: int) -> float | None:
    """Return the network of one device in GB/s and direction, from a text such as '8x400Gb/s'.

    Another form is 'RoCE 1600Gbps/node'. The result is None if the text states no rate.
    """
    words = text.casefold()
    if "tcpx" in words:
        return 12.5
    if found := re.search(r"(\d+)\s*x[^0-9]*(\d+)\s*gb", words):
        return int(found[1]) * int(found[2]) / 8 / devices_per_node
    if found := re.search(r"(\d+)\s*x\s*ib\s*hdr200", words):
        return int(found[1]) * 200 / 8 / devices_per_node
    if found := re.search(r"(\d+)\s*gb(?:ps|/s)?\s*/\s*(?:node|server)", words):
        return int(found[1]) / 8 / devices_per_node
    if found := re.search(r"(\d+)\s*gb(?:ps|/s)?\s*/\s*(?:gpu|device)", words):
        return int(found[1]) / 8
    return None


def _as_run(stack: Stack, row: Row) -> Stack:
    """Return the stack with the settings that the row's cells state."""
    changes: dict[str, object] = {}
    if row.get("compile") == "1":
        changes["elementwise"] = "fused"
    if row.get("async_tp") == "1":
        changes["tensor_overlap"] = True
    if "overlap off" in row.get("notes", ""):
        changes |= {"tensor_overlap": False, "data_overlap": False}
    if "tokendrop" in row.get("notes", ""):
        changes["moe_host"] = "dropped"
    return stack.model_copy(update=changes) if changes else stack


def _power_share(row: Row, device: Accelerator) -> float:
    """Return the power limit in the row's notes as a share of the device's own, or 1."""
    found = re.search(r"(\d{3,4})\s*W\b", row.get("notes", ""))
    if not found or device.tdp_w is None:
        return 1.0
    return min(1.0, max(0.3, int(found[1]) / device.tdp_w))


def _year(row: Row) -> float:
    """Return the year of the release; NVIDIA names containers by year and month."""
    found = re.match(r"(2\d)\.(\d\d)", row.get("release", ""))
    return 2000 + int(found[1]) + (int(found[2]) - 0.5) / 12 if found else DEFAULT_YEAR


def _whole(
    row: Row,
    column: str,
    default: int | None = None,
    least: int = 1,
    *,
    zero_is_empty: bool = False,
) -> int:
    cell = (row.get(column) or "").strip()
    if default is not None and (cell == "" or (zero_is_empty and cell in ("0", "0.0"))):
        return default
    try:
        value = int(cell) if "." not in cell and "e" not in cell else float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value != int(value):
        raise InputError(column, cell or "—", "whole_number")
    if value < least:
        raise InputError(column, int(value), "greater_than_equal", limit=least)
    return int(value)

"""Predictions for tables of runs, and how far they are from what was measured.

The columns are those of ``data/measured_throughput.csv``. What a row leaves empty takes a
default: bf16, no recomputation, ZeRO stage 1, one sequence at a time, a gated FFN, as many
key/value heads as query heads. ``feasible`` says whether this engine has terms for the row; the
memory that it predicts stands beside it and refuses none, since rows that ran exceed it.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.documents import InputError
from engine.facts import Accelerator, accelerator, efficiency
from engine.layout import Layout, Precision
from engine.memory import GB, device_memory
from engine.shapes import ModelShape
from engine.throughput import mfu, step_time

Row = Mapping[str, str]

_PRECISIONS: dict[str, Precision] = {
    "": "bf16",
    "bf16": "bf16",
    "fp16": "fp16",
    "fp16/bf16": "bf16",
    "fp32": "fp32",
}
_ONE = ("", "0", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the engine says of one row; figures are None where it can say nothing."""

    id: str
    feasible: bool
    infeasible_reason: str = ""
    tokens_per_sec_per_gpu: float | None = None
    tokens_per_sec_per_gpu_low: float | None = None
    tokens_per_sec_per_gpu_high: float | None = None
    mfu: float | None = None
    step_time_s: float | None = None
    mem_gb: float | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    shape: ModelShape
    layout: Layout
    device: Accelerator
    n_devices: int


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file; InputError if it is absent, not UTF-8, or has no header."""
    if not path.is_file():
        raise InputError("file", str(path), "file_missing")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"byte {error.start}", "not_utf8") from None
    if not rows or "id" not in rows[0]:
        raise InputError(str(path), "—", "csv_with_id")
    return rows


def predict_row(row: Row) -> Prediction:
    """Predict one run.

    Raises
    ------
    InputError
        If a cell has a value that no run can have.
    """
    beyond = _beyond_us(row)
    if beyond:
        return Prediction(id=row["id"], feasible=False, infeasible_reason=beyond)
    run = _run_of(row)
    known = efficiency(run.device.arch)
    step = step_time(run.shape, run.layout, run.device, run.n_devices)
    tokens_of_device = (
        run.layout.micro_batch_sequences
        * run.layout.grad_accumulation_steps
        * run.shape.seq_len_tokens
    )
    per_gpu = tokens_of_device / step.total
    memory = device_memory(run.shape, run.layout, run.device, run.n_devices)
    return Prediction(
        id=row["id"],
        feasible=True,
        tokens_per_sec_per_gpu=per_gpu,
        tokens_per_sec_per_gpu_low=per_gpu / known.step_time_high,
        tokens_per_sec_per_gpu_high=per_gpu / known.step_time_low,
        mfu=mfu(run.shape, run.layout, run.device, per_gpu, 1),
        step_time_s=step.total,
        mem_gb=memory.total / GB,
    )


def _beyond_us(row: Row) -> str:
    """What of the row this engine has no terms for yet, or an empty string."""
    for name in ("tp", "pp", "cp", "ep"):
        if row.get(name, "") not in _ONE:
            return f"{name}={row[name]}"
    if row.get("arch_family", "dense") not in ("", "dense"):
        return f"arch_family={row['arch_family']}"
    if row.get("precision", "") not in _PRECISIONS:
        return f"precision={row['precision']}"
    return ""


def _run_of(row: Row) -> _Run:
    n_devices = _whole(row, "n_gpus")
    gated = row.get("gated_ffn", "") != "0"
    n_heads = _whole(row, "n_heads")
    shape = ModelShape.parse(
        {
            "family": "llama" if gated else "gpt2",
            "n_layers": _whole(row, "n_layers"),
            "d_model": _whole(row, "d_model"),
            "n_heads": n_heads,
            "n_kv_heads": _whole(row, "n_kv_heads", n_heads) if gated else n_heads,
            "head_dim": _whole(row, "head_dim", _whole(row, "d_model") // n_heads),
            "d_ff": _whole(row, "d_ff"),
            "vocab": _whole(row, "vocab"),
            "seq_len_tokens": _whole(row, "seq_len"),
            "tied_embeddings": row.get("tied_embeddings") == "1",
        }
    )
    micro_batch = _whole(row, "micro_batch", 1)
    per_device = _whole(row, "global_batch", micro_batch * n_devices) / n_devices
    layout = Layout.parse(
        {
            "micro_batch_sequences": micro_batch,
            "grad_accumulation_steps": max(
                1, _whole(row, "grad_accum", math.ceil(per_device / micro_batch))
            ),
            "zero_stage": _whole(row, "zero_stage", 1, least=0),
            "precision": _PRECISIONS[row.get("precision", "")],
            "activation_checkpointing": "full" if row.get("act_ckpt") == "full" else "none",
        }
    )
    return _Run(shape, layout, accelerator(row.get("gpu", ""), "gpu"), n_devices)


def _whole(row: Row, column: str, default: int | None = None, least: int = 1) -> int:
    cell = row.get(column) or ""
    if cell == "" and default is not None:
        return default
    try:
        value = int(cell)
    except ValueError:
        raise InputError(column, cell or "—", "whole_number") from None
    if value < least:
        raise InputError(column, value, "greater_than_equal", limit=least)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How predictions of tokens/s per device compare with measurements, for one group."""

    group: str
    n_rows: int
    n_predicted: int
    median_error: float | None = None
    """Median of |predicted ÷ measured − 1|."""
    p90_error: float | None = None
    bias: float | None = None
    """Median of predicted ÷ measured − 1."""
    interval_coverage: float | None = None
    """Share of measurements inside the 80% interval."""


def score(rows: Iterable[Row], predictions: Iterable[Prediction]) -> list[Score]:
    """Scores over all rows, by accelerator and by source, the whole table first."""
    groups: dict[str, list[tuple[float, Prediction]]] = defaultdict(list)
    for row, prediction in zip(rows, predictions, strict=True):
        pair = _measured(row), prediction
        for group in ("", f"gpu={row['gpu']}", f"source_id={row['source_id']}"):
            groups[group].append(pair)
    return [_score(group, pairs) for group, pairs in sorted(groups.items())]


def _measured(row: Row) -> float:
    cell = row.get("tokens_per_sec_per_gpu") or "—"
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise InputError(f"{row['id']}.tokens_per_sec_per_gpu", cell, "greater_than", limit=0)
    return value


def _score(group: str, pairs: list[tuple[float, Prediction]]) -> Score:
    ratios, inside = [], []
    for measured, one in pairs:
        if one.tokens_per_sec_per_gpu is None:
            continue
        assert one.tokens_per_sec_per_gpu_low is not None
        assert one.tokens_per_sec_per_gpu_high is not None
        ratios.append(one.tokens_per_sec_per_gpu / measured)
        inside.append(one.tokens_per_sec_per_gpu_low <= measured <= one.tokens_per_sec_per_gpu_high)
    if not ratios:
        return Score(group=group, n_rows=len(pairs), n_predicted=0)
    errors = sorted(abs(ratio - 1) for ratio in ratios)
    return Score(
        group=group,
        n_rows=len(pairs),
        n_predicted=len(ratios),
        median_error=statistics.median(errors),
        p90_error=errors[math.ceil(0.9 * len(errors)) - 1],
        bias=statistics.median(ratios) - 1,
        interval_coverage=sum(inside) / len(inside),
    )

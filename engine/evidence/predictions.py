"""Predictions for tables of runs, and their errors against measurements.

The columns are those of ``data/measured_throughput.csv``; :mod:`engine.evidence.rows` describes
the defaults of empty cells. Every row is predicted. ``feasible`` states whether the layout is
possible as stated; the figures of an infeasible layout are computed from its degrees as they are.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.documents import InputError
from engine.evidence.crossvalidation import CrossValidation
from engine.evidence.rows import Row, Run, run_of
from engine.evidence.sample import Sample, measured
from engine.flops import training_flops_per_token
from engine.predictor.columns import Array
from engine.predictor.efficiency import is_known, spreads


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The engine's prediction for one row."""

    id: str
    feasible: bool
    infeasible_reason: str = ""
    tokens_per_sec_per_gpu: float
    tokens_per_sec_per_gpu_low: float
    """Lower bound of the interval that is expected to contain 80% of measurements."""
    tokens_per_sec_per_gpu_high: float
    mfu: float
    """Model FLOPs utilisation: attention's full square counted, over the dense peak at the run's
    precision."""
    step_time_s: float
    mem_gb: float
    """Peak memory of one device in GiB (2^30 bytes), as frameworks report it."""


def read_rows(path: Path, key: str = "id") -> list[dict[str, str]]:
    """Return the rows of a CSV file whose header has the column ``key``.

    Cells beyond the header are dropped, and missing cells are empty.

    Raises
    ------
    InputError
        If the file is absent or not UTF-8, or its header lacks ``key``.
    """
    if not path.is_file():
        raise InputError("file", str(path), "file_missing")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                {name: cell or "" for name, cell in row.items() if name is not None}
                for row in csv.DictReader(file)
            ]
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"byte {error.start}", "not_utf8") from None
    except csv.Error:
        rows = []
    if not rows or key not in rows[0]:
        raise InputError("file", str(path), "csv_with_column", column=key)
    return rows


def half_width(run: Run) -> float:
    """Return the half-width of the 80% interval of a run's tokens/s, in logarithms."""
    return spreads().of(known=is_known(run.stack), moe=run.shape.moe is not None)


def predict_rows(rows: Sequence[Row]) -> list[Prediction | InputError]:
    """Predict each row; a row that no run can have yields an :class:`InputError` in its place."""
    read: list[Run | InputError] = []
    for row in rows:
        try:
            read.append(run_of(row))
        except InputError as error:
            read.append(error)
    return predict_runs(rows, read)


def predict_runs(
    rows: Sequence[Row], read: Sequence[Run | InputError]
) -> list[Prediction | InputError]:
    """Predict the runs that rows describe; an :class:`InputError` of a row keeps its place."""
    good = [(row, run) for row, run in zip(rows, read, strict=True) if isinstance(run, Run)]
    predicted = iter(
        _predictions(
            Sample.of([row for row, _ in good], [run for _, run in good]),
            [row["id"] for row, _ in good],
        )
        if good
        else []
    )
    return [next(predicted) if isinstance(run, Run) else run for run in read]


def predictions_of(
    sample: Sample, ids: Sequence[str], held_out: CrossValidation
) -> list[Prediction]:
    """Return the predictions of a cross-validation, one for each row."""
    return _predictions(sample, ids, held_out.tokens_per_s, held_out.memory_gb, held_out.half_width)


def _predictions(
    sample: Sample,
    ids: Sequence[str],
    tokens_per_s: Array | None = None,
    memory_gb: Array | None = None,
    widths: Array | None = None,
) -> list[Prediction]:
    predicted = sample.predict() if tokens_per_s is None or memory_gb is None else None
    if predicted is not None:
        tokens_per_s, memory_gb = predicted.tokens_per_s, predicted.memory_gb
    assert tokens_per_s is not None
    assert memory_gb is not None
    if widths is None:
        widths = np.array([half_width(run) for run in sample.runs])
    found = []
    for name, run, speed, memory, width in zip(
        ids, sample.runs, tokens_per_s.tolist(), memory_gb.tolist(), widths.tolist(), strict=True
    ):
        tokens_per_step = run.layout.global_batch_sequences(run.n_devices) * (
            run.shape.seq_len_tokens
        )
        peak = run.device.needed_flops_per_s(run.layout.precision)
        found.append(
            Prediction(
                id=name,
                feasible=not run.impossible,
                infeasible_reason=run.impossible,
                tokens_per_sec_per_gpu=speed,
                tokens_per_sec_per_gpu_low=speed * math.exp(-width),
                tokens_per_sec_per_gpu_high=speed * math.exp(width),
                mfu=speed * training_flops_per_token(run.shape) / peak,
                step_time_s=tokens_per_step / (speed * run.n_devices),
                mem_gb=memory,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Errors of predictions for one group of rows."""

    group: str
    """Column and value of the group, such as ``gpu=B200``; empty for all rows."""
    n_rows: int
    n_predicted: int
    n_infeasible: int
    n_measured: int
    median_error: float | None = None
    """Median of |predicted ÷ measured − 1| of tokens/s per device."""
    p90_error: float | None = None
    """90th percentile of the same errors."""
    bias: float | None = None
    """Median of predicted ÷ measured − 1."""
    interval_coverage: float | None = None
    """Share of measurements inside the 80% interval."""
    median_memory_error: float | None = None


_GROUPS = ("gpu", "precision", "sharding", "arch_family", "source_id")


def score(rows: Iterable[Row], predictions: Iterable[Prediction | InputError]) -> list[Score]:
    """Return scores of all rows, and by accelerator, precision, sharding, kind and source."""
    groups: dict[str, list[tuple[Row, Prediction | InputError]]] = defaultdict(list)
    for row, prediction in zip(rows, predictions, strict=True):
        for column in ("", *_GROUPS):
            groups[f"{column}={row.get(column) or '–'}" if column else ""].append((row, prediction))
    order = {column: number for number, column in enumerate(("", *_GROUPS))}
    return [
        _score(group, pairs)
        for group, pairs in sorted(
            groups.items(), key=lambda item: (order[item[0].split("=")[0]], item[0])
        )
    ]


def _score(group: str, pairs: list[tuple[Row, Prediction | InputError]]) -> Score:
    ratios, inside, memory = [], [], []
    predicted = [(row, found) for row, found in pairs if isinstance(found, Prediction)]
    for row, prediction in predicted:
        speed = _measured_of(row, "tokens_per_sec_per_gpu")
        if not math.isnan(speed):
            ratios.append(prediction.tokens_per_sec_per_gpu / speed)
            inside.append(
                prediction.tokens_per_sec_per_gpu_low
                <= speed
                <= prediction.tokens_per_sec_per_gpu_high
            )
        taken = _measured_of(row, "mem_gb")
        if not math.isnan(taken):
            memory.append(abs(prediction.mem_gb / taken - 1))
    errors = sorted(abs(ratio - 1) for ratio in ratios)
    return Score(
        group=group,
        n_rows=len(pairs),
        n_predicted=len(predicted),
        n_infeasible=sum(not prediction.feasible for _, prediction in predicted),
        n_measured=len(ratios),
        median_error=statistics.median(errors) if errors else None,
        p90_error=errors[math.ceil(0.9 * len(errors)) - 1] if errors else None,
        bias=statistics.median(ratios) - 1 if ratios else None,
        interval_coverage=sum(inside) / len(inside) if inside else None,
        median_memory_error=statistics.median(memory) if memory else None,
    )


def _measured_of(row: Row, column: str) -> float:
    try:
        return measured(row, column)
    except InputError as error:
        raise InputError(f"{row['id']}.{column}", error.value, error.rule, **error.params) from None

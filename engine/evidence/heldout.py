"""Held-out predictions of the shipped runs, each by a fit that has not seen its source.

``python -m engine refit`` cross-validates, which takes most of a minute, and writes the
predictions to ``data/cross_validation.csv`` beside the parameters. This module reads them.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from engine.documents import InputError
from engine.evidence.baseline import baseline_score
from engine.evidence.predictions import Prediction, Score, predict_runs, read_rows
from engine.evidence.rows import Row, Run, run_of
from engine.facts import Fact, read_facts
from engine.field_types import PositiveFloat
from engine.paths import DATA_DIR

MEASURED_PATH = DATA_DIR / "measured_throughput.csv"
HELD_OUT_NAME = "cross_validation.csv"
_DIGITS = 6


class HeldOut(Fact):
    """One row of ``data/cross_validation.csv``."""

    id: str
    """Identifier of the row in ``data/measured_throughput.csv``."""
    tokens_per_sec_per_gpu: PositiveFloat
    low: PositiveFloat
    """Lower bound of the 80% interval of tokens/s; its width is from the other sources too."""
    high: PositiveFloat
    mem_gb: PositiveFloat


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The shipped measured runs, with their in-sample and held-out predictions by row."""

    rows: Sequence[Row]
    runs: Sequence[Run]
    """The runs that the rows describe, with defaults for empty cells."""
    in_sample: Sequence[Prediction]
    """Predictions of the app, by the fit to all these rows."""
    held_out: Sequence[Prediction]
    """Predictions by fits that have not seen the row's source."""
    baseline: Score
    """Errors of the rule of thumb that forecasts are compared with."""


@cache
def held_out() -> Mapping[str, HeldOut]:
    """Return the predictions of the last cross-validation, by the row's id."""
    return {row.id: row for row in read_facts(DATA_DIR / HELD_OUT_NAME, HeldOut)}


@cache
def evidence() -> Evidence:
    """Return the shipped runs with their predictions.

    Raises
    ------
    InputError
        If a row cannot be read, or was added after the last cross-validation.
    """
    rows = read_rows(MEASURED_PATH)
    runs = [run_of(row) for row in rows]
    in_sample = []
    for prediction in predict_runs(rows, runs):
        if isinstance(prediction, InputError):
            raise prediction
        in_sample.append(prediction)
    return Evidence(
        rows=rows,
        runs=runs,
        in_sample=in_sample,
        held_out=[replace_figures(prediction, held_out()) for prediction in in_sample],
        baseline=baseline_score(rows, runs),
    )


def replace_figures(predicted: Prediction, known: Mapping[str, HeldOut]) -> Prediction:
    """Return a prediction with the figures of the cross-validation.

    Raises
    ------
    InputError
        If the cross-validation lacks the row.
    """
    found = known.get(predicted.id)
    if found is None:
        raise InputError(HELD_OUT_NAME, predicted.id, "row_to_refit")
    faster = found.tokens_per_sec_per_gpu / predicted.tokens_per_sec_per_gpu
    return dataclasses.replace(
        predicted,
        tokens_per_sec_per_gpu=found.tokens_per_sec_per_gpu,
        tokens_per_sec_per_gpu_low=found.low,
        tokens_per_sec_per_gpu_high=found.high,
        mfu=predicted.mfu * faster,
        step_time_s=predicted.step_time_s / faster,
        mem_gb=found.mem_gb,
    )


@cache
def evidence_csv() -> str:
    """Return the shipped runs as CSV, with both predictions in further columns."""
    found = evidence()
    out = io.StringIO()
    figures = {
        "tokens_per_sec_per_gpu": "tokens_per_sec_per_gpu",
        "low": "tokens_per_sec_per_gpu_low",
        "high": "tokens_per_sec_per_gpu_high",
        "mem_gb": "mem_gb",
    }
    added = [f"{kind}_{name}" for kind in ("held_out", "in_sample") for name in figures]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*found.rows[0], *added])
    for row, *both in zip(found.rows, found.held_out, found.in_sample, strict=True):
        predicted = [getattr(prediction, name) for prediction in both for name in figures.values()]
        writer.writerow([*row.values(), *(f"{value:.{_DIGITS}g}" for value in predicted)])
    return out.getvalue()


def write_held_out(
    path: Path, predictions: Sequence[Prediction], *, source: str, as_of: str
) -> None:
    """Write the predictions of a cross-validation as a table with one row for each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("id", "tokens_per_sec_per_gpu", "low", "high", "mem_gb", "source", "as_of")
        )
        for row in predictions:
            figures = (
                row.tokens_per_sec_per_gpu,
                row.tokens_per_sec_per_gpu_low,
                row.tokens_per_sec_per_gpu_high,
                row.mem_gb,
            )
            writer.writerow((row.id, *(f"{value:.{_DIGITS}g}" for value in figures), source, as_of))

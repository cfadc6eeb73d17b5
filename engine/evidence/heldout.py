"""Predictions of the runs that ship, each by a fit that has not seen its source.

``python -m engine refit`` cross-validates, which takes most of a minute, and writes what it
found to ``data/cross_validation.csv`` beside the parameters; here it is read.
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
from engine.evidence.predictions import Prediction, Score, predict_rows, read_rows
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
    """Of the row in ``data/measured_throughput.csv``."""
    tokens_per_sec_per_gpu: PositiveFloat
    low: PositiveFloat
    """80% of measurements are expected between low and high; the width too is from the other
    sources."""
    high: PositiveFloat
    mem_gb: PositiveFloat


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The measured runs that ship, and both ways of predicting them, row by row."""

    rows: Sequence[Row]
    runs: Sequence[Run]
    """What the rows say, with defaults for what they do not."""
    in_sample: Sequence[Prediction]
    """As the app predicts now, by a fit to these very rows."""
    held_out: Sequence[Prediction]
    baseline: Score
    """Of the rule that a forecast has to beat."""


@cache
def held_out() -> Mapping[str, HeldOut]:
    """What the last cross-validation predicted, by the row's id."""
    return {one.id: one for one in read_facts(DATA_DIR / HELD_OUT_NAME, HeldOut)}


@cache
def evidence() -> Evidence:
    """The measured runs with their predictions.

    Raises
    ------
    InputError
        If a row cannot be read, or has come since the last cross-validation.
    """
    rows = read_rows(MEASURED_PATH)
    runs = [run_of(row) for row in rows]
    in_sample = []
    for one in predict_rows(rows):
        if isinstance(one, InputError):
            raise one
        in_sample.append(one)
    return Evidence(
        rows=rows,
        runs=runs,
        in_sample=in_sample,
        held_out=[replace_figures(one, held_out()) for one in in_sample],
        baseline=baseline_score(rows, runs),
    )


def replace_figures(predicted: Prediction, known: Mapping[str, HeldOut]) -> Prediction:
    """The same row as the cross-validation predicted it; InputError if it did not."""
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
    """The measured runs as they ship, with both predictions beside them."""
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
        predicted = [getattr(one, name) for one in both for name in figures.values()]
        writer.writerow([*row.values(), *(f"{value:.{_DIGITS}g}" for value in predicted)])
    return out.getvalue()


def write_held_out(
    path: Path, predictions: Sequence[Prediction], *, source: str, as_of: str
) -> None:
    """Write the predictions of a cross-validation, one row for each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("id", "tokens_per_sec_per_gpu", "low", "high", "mem_gb", "source", "as_of")
        )
        for one in predictions:
            figures = (
                one.tokens_per_sec_per_gpu,
                one.tokens_per_sec_per_gpu_low,
                one.tokens_per_sec_per_gpu_high,
                one.mem_gb,
            )
            writer.writerow((one.id, *(f"{value:.{_DIGITS}g}" for value in figures), source, as_of))

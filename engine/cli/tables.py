"""``python -m engine predict``, ``validate``, ``refit`` and ``gpu-hours``: read tables of runs."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.terminal import text
from engine.costs.gpu_hours import GpuHours, gpu_hours_of
from engine.documents import InputError
from engine.evidence.heldout import HELD_OUT_NAME, write_held_out
from engine.evidence.predictions import (
    Prediction,
    Score,
    predict_rows,
    predictions_of,
    read_rows,
    score,
)
from engine.paths import DATA_DIR
from engine.reports.forecast_tables import print_table

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
Csv = Annotated[Path, typer.Argument(metavar="FILE.csv", help=text("cli.rows"))]
Out = Annotated[Path, typer.Option(help=text("cli.out"))]

_SCORE_COLUMNS = (
    *("group", "rows", "predicted", "infeasible", "measured", "median_error", "p90_error"),
    *("bias", "coverage", "memory_error"),
)


def add_to(app: typer.Typer) -> None:
    """Add the commands ``predict``, ``validate``, ``refit`` and ``gpu-hours``."""
    app.command(help=text("cli.predict"))(predict)
    app.command(help=text("cli.validate"))(validate)
    app.command(help=text("cli.refit"))(refit)
    app.command("gpu-hours", help=text("cli.gpu_hours"))(gpu_hours)


def predict(rows: Csv, out: Out) -> None:
    """Predict each row of a table and write the predictions as CSV."""
    predicted = predict_rows(read_rows(rows))
    names = [field.name for field in dataclasses.fields(Prediction)]
    write_csv(out, names, [_flat(row) for row in predicted if isinstance(row, Prediction)])
    _end_with_errors(rows, predicted)


def validate(
    measured: Csv,
    cross_validated: Annotated[
        bool, typer.Option("--cross-validated", help=text("cli.cross_validated"))
    ] = False,
    worst: Annotated[int, typer.Option(help=text("cli.worst"), min=0, max=1_000)] = 0,
    as_json: Json = False,
) -> None:
    """Compare predictions with measured runs and print the errors by group."""
    rows = read_rows(measured)
    predicted = _held_out(rows) if cross_validated else predict_rows(rows)
    scores = score(rows, predicted)
    if as_json:
        print(json.dumps([dataclasses.asdict(group) for group in scores], indent=1))
    else:
        print_table(
            [text(f"table.{name}") for name in _SCORE_COLUMNS], [_score_cells(s) for s in scores]
        )
        _print_worst(rows, predicted, worst)
    _end_with_errors(measured, predicted)


def refit(
    measured: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help=text("cli.refit_rows"))
    ] = DATA_DIR / "measured_throughput.csv",
    out: Annotated[Path, typer.Option(help=text("cli.refit_out"))] = DATA_DIR / "efficiency.csv",
) -> None:
    """Fit the predictor's parameters to measured runs and write them as CSV."""
    from engine.evidence.refit import refit as refit_parameters
    from engine.evidence.sample import Sample

    rows = read_rows(measured)
    sample = Sample.read(rows)
    _, validated = refit_parameters(sample, out, _Progress(len(set(sample.sources))))
    predicted = predictions_of(sample, [row["id"] for row in rows], validated)
    write_held_out(
        out.with_name(HELD_OUT_NAME),
        predicted,
        source=f"python -m engine refit on {len(rows)} measured runs",
        as_of=datetime.date.today().isoformat(),
    )
    scores = score(rows, predicted)
    print_table(
        [text(f"table.{name}") for name in _SCORE_COLUMNS], [_score_cells(s) for s in scores]
    )


def gpu_hours(
    runs: Annotated[Path, typer.Argument(metavar="RUNS.csv", help=text("cli.gpu_hours_rows"))],
    out: Out,
) -> None:
    """Predict the GPU-hours of each row and write them as CSV."""
    found: list[GpuHours | InputError] = []
    for row in read_rows(runs, "model"):
        try:
            found.append(gpu_hours_of(row))
        except InputError as error:
            found.append(error)
    names = [field.name for field in dataclasses.fields(GpuHours)]
    write_csv(out, names, [dataclasses.asdict(row) for row in found if isinstance(row, GpuHours)])
    _end_with_errors(runs, found)


def _held_out(rows: Sequence[Mapping[str, str]]) -> list[Prediction]:
    from engine.evidence.crossvalidation import cross_validate
    from engine.evidence.sample import Sample
    from engine.predictor.efficiency import efficiency_parameters

    sample = Sample.read(rows)
    progress = _Progress(len(set(sample.sources)))
    validated = cross_validate(sample, efficiency_parameters(), progress)
    return predictions_of(sample, [row["id"] for row in rows], validated)


class _Progress:
    """Prints each source that is left out, with a count."""

    def __init__(self, n_sources: int) -> None:
        self.n_sources, self.done = n_sources, 0

    def __call__(self, source: str) -> None:
        self.done += 1
        print(
            text("cli.left_out", source=source or "–", number=self.done, of=self.n_sources),
            file=sys.stderr,
        )


def _score_cells(score: Score) -> list[str]:
    counts = (score.n_rows, score.n_predicted, score.n_infeasible, score.n_measured)
    shares = (
        score.median_error,
        score.p90_error,
        score.bias,
        score.interval_coverage,
        score.median_memory_error,
    )
    return [
        score.group or text("table.all"),
        *(str(count) for count in counts),
        *("–" if share is None else f"{share:.1%}" for share in shares),
    ]


def _print_worst(
    rows: Sequence[Mapping[str, str]], predicted: Sequence[Prediction | InputError], n: int
) -> None:
    """Print the ``n`` rows whose tokens per second are predicted worst, with their settings."""
    pairs = [
        (row, prediction.tokens_per_sec_per_gpu / float(row["tokens_per_sec_per_gpu"]))
        for row, prediction in zip(rows, predicted, strict=True)
        if isinstance(prediction, Prediction) and row.get("tokens_per_sec_per_gpu")
    ]
    pairs.sort(key=lambda pair: -max(pair[1], 1 / pair[1]))
    if not n:
        return
    names = ("id", "model", "gpu", "n_gpus", "precision", "tp", "pp", "ep", "release")
    print()
    print_table(
        [*names, text("table.predicted_over_measured")],
        [[*(row.get(name) or "–" for name in names), f"{ratio:.2f}"] for row, ratio in pairs[:n]],
    )


def write_csv(path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows with the columns ``names``; raise InputError if the folder does not exist."""
    if not path.parent.is_dir():
        raise InputError("out", str(path), "folder_missing")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _flat(prediction: Prediction) -> dict[str, Any]:
    return dataclasses.asdict(prediction) | {"feasible": int(prediction.feasible)}


def _end_with_errors(path: Path, predicted: Sequence[object]) -> None:
    """Print a line for each wrong row with its place in the file; exit with status 2 if any."""
    wrong = [(line, row) for line, row in enumerate(predicted, 2) if isinstance(row, InputError)]
    for line, error in wrong:
        print(f"{path}:{line}: {error.in_language(text.language)}", file=sys.stderr)
    if wrong:
        raise typer.Exit(2)

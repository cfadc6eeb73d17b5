"""The commands ``fit`` and ``backtest``, which fit scaling laws to runs and test such fits."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from engine.cli.tables import write_csv
from engine.cli.terminal import text
from engine.documents import InputError
from engine.reports.forecast_tables import print_table
from engine.scaling.runs import TrainingRuns, read_points, read_runs

LAWS: dict[str, str] = {
    "hoffmann": "hoffmann",
    "chinchilla": "hoffmann",
    "tied": "tied",
    "gadre": "tied",
    "data_constrained": "data_constrained",
    "muennighoff": "data_constrained",
}
"""Forms of the law by the names that ``--law`` accepts."""

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
Folder = Annotated[Path | None, typer.Option(help=text("cli.backtest_folder"))]


def add_to(app: typer.Typer) -> None:
    app.command("fit", help=text("cli.fit"))(fit_command)
    app.command("backtest", help=text("cli.backtest"))(backtest_command)


def fit_command(
    runs: Annotated[Path, typer.Argument(metavar="RUNS.csv", help=text("cli.fit_runs"))],
    law: Annotated[str, typer.Option(help=text("cli.fit_law"))] = "hoffmann",
    bootstrap: Annotated[int, typer.Option(help=text("cli.bootstrap"), min=0, max=100_000)] = 0,
    seed: Annotated[int, typer.Option(help=text("cli.fit_seed"), min=0)] = 0,
    predict: Annotated[Path | None, typer.Option(help=text("cli.fit_predict"))] = None,
    out: Annotated[Path | None, typer.Option(help=text("cli.fit_out"))] = None,
    prior: Annotated[Literal["weak", "none"], typer.Option(help=text("cli.fit_prior"))] = "weak",
    parameters_counted: Annotated[
        Literal["total", "non_embedding"] | None, typer.Option(help=text("cli.counted"))
    ] = None,
    as_json: Json = False,
) -> None:
    # Imported here, since SciPy takes longer to load than most commands to run.
    from engine.scaling.cautions import cautions
    from engine.scaling.extrapolation import extrapolation, in_fresh_tokens
    from engine.scaling.fit import fit

    form = _form(law)
    if (predict is None) != (out is None):
        raise InputError("out" if out is None else "predict", "—", "predict_and_out")
    measured = read_runs(runs, runs.name, parameters_counted)
    if form == "data_constrained" and measured.unique_tokens is None:
        raise InputError(runs.name, law, "missing_columns", columns="unique_tokens")
    # Repeated tokens are converted to equivalent fresh tokens.
    plain = in_fresh_tokens(measured) if form == "data_constrained" else measured
    found = fit(plain, tied=form == "tied", bootstraps=bootstrap, seed=seed)
    points = None if predict is None else read_points(predict, predict.name, parameters_counted)
    if points is not None and out is not None:
        _require_same_counting(measured, points)
        expected = extrapolation(measured, prior=prior, tied=form == "tied", seed=seed).predict(
            points.parameters, points.tokens, points.unique_tokens
        )
        names = ["model_id", "params", "tokens", "loss", "loss_low", "loss_high"]
        columns = (points.names, points.parameters, points.tokens)
        losses = (expected.loss, expected.low, expected.high)
        rows = zip(*columns, *losses, strict=True)
        write_csv(out, names, [dict(zip(names, row, strict=True)) for row in rows])
    warnings = cautions(measured, found.law, predict=points)
    answer = {
        "law": form,
        "parameters_counted": measured.parameters_counted,
        "n_runs": measured.n_runs,
        "coefficients": {
            name: getattr(found.law, name) for name in ("A", "B", "E", "alpha", "beta")
        },
        "standard_errors": found.standard_errors,
        "intervals_95": found.percentiles(0.025, 0.975),
        "bootstraps": bootstrap,
        "objective": found.objective,
        "cautions": [asdict(caution) for caution in warnings],
    }
    if as_json:
        print(json.dumps(answer, indent=1))
    else:
        _print_fit(answer)
    for caution in warnings:
        print(caution.in_language(text.language), file=sys.stderr)


def _form(law: str) -> str:
    if law not in LAWS:
        raise InputError("law", law, "literal_error", limit=", ".join(LAWS))
    return LAWS[law]


def _require_same_counting(runs: TrainingRuns, points: TrainingRuns) -> None:
    if points.counting_stated and points.parameters_counted != runs.parameters_counted:
        raise InputError(
            "params_counted", points.parameters_counted, "equal", to=runs.parameters_counted
        )


def _print_fit(answer: dict[str, Any]) -> None:
    rows = []
    for name, value in answer["coefficients"].items():
        error = answer["standard_errors"].get(name)
        low, high = answer["intervals_95"].get(name, (None, None))
        cells = ["–" if bound is None else f"{bound:.6g}" for bound in (error, low, high)]
        rows.append([name, f"{value:.6g}", *cells])
    names = ("coefficient", "value", "standard_error", "low_95", "high_95")
    print(
        text(
            "cli.fitted",
            law=answer["law"],
            runs=answer["n_runs"],
            counted=text(f"scaling.counted.{answer['parameters_counted']}"),
        )
    )
    print_table([text(f"table.{name}") for name in names], rows)


def backtest_command(
    cut: Annotated[float, typer.Option(help=text("cli.backtest_cut"), min=1.01, max=1e6)] = 30.0,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    from engine.paths import DATA_DIR
    from engine.scaling.backtest import backtest_sets
    from engine.scaling.published import published_sets, runs_of

    sets = [(published.set_id, runs_of(published)) for published in published_sets().values()]
    own = DATA_DIR / "ladder_cpu.csv"
    sets.append((own.stem, read_runs(own, own.name, "non_embedding")))
    if folder is not None:
        sets += [(path.stem, read_runs(path, path.name)) for path in sorted(folder.glob("*.csv"))]
    found = backtest_sets(sets, cut)
    if as_json:
        print(json.dumps([asdict(tested) for tested in found], indent=1))
        return
    rows = [
        [
            tested.name,
            f"{tested.plain.n_fitted} + {tested.plain.n_predicted}",
            *_shares(tested.plain.error, tested.weak_prior.error, tested.floor),
            *_shares(tested.plain.coverage, tested.weak_prior.coverage, tested.weak_prior.width),
        ]
        for tested in found
    ]
    columns = np.array(
        [
            (
                *(tested.plain.error, tested.weak_prior.error, tested.floor),
                *(tested.plain.coverage, tested.weak_prior.coverage, tested.weak_prior.width),
            )
            for tested in found
        ]
    )
    errors, covers = np.median(columns[:, [0, 1, 2, 5]], axis=0), columns[:, 3:5].mean(axis=0)
    rows.append([text("table.median"), "", *_shares(*errors[:3], *covers, errors[3])])
    names = ("set", "runs", "plain", "weak_prior", "floor", "plain_in_95", "in_95", "width_95")
    print_table([text(f"table.{name}") for name in names], rows)


def _shares(*values: float) -> list[str]:
    return [f"{value:.2%}" if value < 0.2 else f"{value:.0%}" for value in values]

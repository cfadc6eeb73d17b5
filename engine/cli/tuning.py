"""``python -m engine tune`` and ``compress``: search for a better or a smaller model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.corpora.sources import check_corpus
from engine.documents import read_toml
from engine.experiments.compress_run import compress
from engine.experiments.compression import CompressionProgress
from engine.experiments.recipe_search import SearchProgress, search
from engine.experiments.reports import (
    compression_line,
    compression_rows,
    search_cost_rows,
    search_sentence,
    trial_rows,
)
from engine.experiments.study import Study
from engine.reports.forecast_tables import print_table
from engine.runs.folder import Run

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]


def add_to(app: typer.Typer) -> None:
    """Add the commands ``tune`` and ``compress``."""
    app.command(help=text("cli.tune"))(tune)
    app.command("compress", help=text("cli.compress"))(compress_command)


def tune(
    file: Annotated[Path, typer.Argument(metavar="STUDY.toml", help=text("cli.tune_file"))],
    at_once: Annotated[int, typer.Option(help=text("cli.at_once"), min=1, max=1_000)] = 1,
    as_json: Json = False,
) -> None:
    """Run a study and print its trials, its cost and the path of its best recipe."""
    study = read_toml(file, Study)
    check_corpus(study.recipe.corpus, study.recipe.text_vocab)
    outcome = search(study, at_once, _print_trial)
    if as_json:
        print(outcome.model_dump_json(indent=1))
        return
    print_table(*trial_rows(text, outcome))
    print_table(*search_cost_rows(text, outcome))
    print(search_sentence(text, outcome))
    if outcome.best is not None:
        print(text("cli.tuned", file=study.folder / "best.toml"))


def _print_trial(progress: SearchProgress) -> None:
    trial, best = progress.trial, progress.outcome.best
    print(
        text(
            "cli.tune_progress",
            trial=trial.number,
            state=text(f"tuning.state_{trial.state}"),
            rate=f"{trial.choice.learning_rate:g}",
            layers=trial.choice.size.n_layers,
            width=trial.choice.size.d_model,
            loss="—" if trial.held_out_loss is None else f"{trial.held_out_loss:.4f}",
            best="—" if best is None else f"{best.held_out_loss:.4f}",
            done=len(progress.outcome.trials),
            of=progress.outcome.n_trials,
        ),
        file=sys.stderr,
        flush=True,
    )


def compress_command(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help=text("cli.run_id"))],
    as_json: Json = False,
) -> None:
    """Compress a run's model in several ways and print a table of the results."""
    table = compress(Run.find(run_id), _print_compression)
    if as_json:
        print(table.model_dump_json(indent=1))
        return
    print_table(*compression_rows(text, table))
    print(compression_line(text, table))


def _print_compression(progress: CompressionProgress) -> None:
    key = "stage" if progress.stage == "measuring" else "way"
    print(
        text(
            "cli.compress_progress",
            kind=text(f"compression.{key}_{progress.stage}"),
            run=progress.run_id or "",
            done=progress.done,
            of=progress.of,
        ),
        file=sys.stderr,
        flush=True,
    )

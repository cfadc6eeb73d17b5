"""``python -m engine generate``, ``evaluate`` and ``export``: use trained models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.reports.forecast_tables import print_table
from engine.reports.score_tables import loss_rows, question_rows
from engine.runs.evaluations import evaluate
from engine.runs.exported_models import FINAL, copy_export, export_folder
from engine.runs.folder import Run
from engine.runs.model_process import ModelProcess
from engine.sampling import Sampling
from engine.scores import N_QUESTIONS, QuestionSettings

RunId = Annotated[str, typer.Argument(metavar="RUN", help=text("cli.run_id"))]
Checkpoint = Annotated[str, typer.Option(help=text("cli.checkpoint"))]


def add_to(app: typer.Typer) -> None:
    """Add the commands ``generate``, ``evaluate`` and ``export``."""
    app.command("generate", help=text("cli.generate"))(generate_command)
    app.command("evaluate", help=text("cli.evaluate"))(evaluate_command)
    app.command("export", help=text("cli.export"))(export_command)


def generate_command(
    run_id: RunId,
    prompt: str = "",
    tokens: Annotated[int, typer.Option(help=text("cli.tokens"))] = 100,
    temperature: Annotated[float, typer.Option(help=text("cli.temperature"))] = 0.8,
    top_k: Annotated[int, typer.Option(help=text("cli.top_k"))] = 0,
    top_p: Annotated[float, typer.Option(help=text("cli.top_p"))] = 1.0,
    seed: int = 1,
    checkpoint: Checkpoint = FINAL,
) -> None:
    """Continue a prompt with a run's model and print the text as it is generated."""
    folder = export_folder(Run.find(run_id), checkpoint)
    sampling = Sampling.parse(
        {
            "tokens": tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
        }
    )
    with ModelProcess() as process:
        pieces = process.generate(folder, prompt, sampling)
        first = next(pieces, "")  # an error is raised before the prompt is printed
        print(prompt, end="")
        print(first, end="", flush=True)
        for piece in pieces:
            print(piece, end="", flush=True)
    print()


def evaluate_command(
    run_id: RunId,
    checkpoint: Checkpoint = FINAL,
    questions: Annotated[int, typer.Option(help=text("cli.questions"))] = N_QUESTIONS,
    seed: Annotated[int, typer.Option(help=text("cli.questions_seed"))] = 1,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Score a run's model and print the scores as tables or as JSON."""
    run = Run.find(run_id)
    export_folder(run, checkpoint)  # a missing export is refused before a process is started
    requested = QuestionSettings.parse({"questions": questions, "seed": seed})
    with ModelProcess() as process:
        found = evaluate(process, run, checkpoint, requested, on_progress=_tenths_printer())
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    print_table(*loss_rows(text, found))
    if found.probes:
        print_table(*question_rows(text, found))


def export_command(run_id: RunId, folder: Path, checkpoint: Checkpoint = FINAL) -> None:
    """Copy a run's model to a new folder and print its path."""
    print(copy_export(Run.find(run_id), checkpoint, folder))


def _tenths_printer() -> Callable[[float], None]:
    """Return a function that prints each tenth of the work on standard error."""
    printed = 0

    def print_tenth(share: float) -> None:
        nonlocal printed
        if int(10 * share) > printed:
            printed = int(10 * share)
            print(text("cli.evaluated_share", share=f"{share:.0%}"), file=sys.stderr)

    return print_tenth

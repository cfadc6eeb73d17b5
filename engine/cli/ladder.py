"""``python -m engine ladder``: train many small runs and write their losses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine import quantities
from engine.cli.tables import write_csv
from engine.cli.terminal import text
from engine.corpora.sources import check_corpus
from engine.documents import read_toml
from engine.experiments.ladder import Ladder, LadderProgress, ladder_rows, run_ladder


def add_to(app: typer.Typer) -> None:
    """Add the command ``ladder``."""
    app.command(help=text("cli.ladder"))(ladder)


def ladder(
    file: Annotated[Path, typer.Argument(metavar="LADDER.toml", help=text("cli.ladder_file"))],
    out: Annotated[Path, typer.Option(help=text("cli.ladder_out"))],
    at_once: Annotated[int, typer.Option(help=text("cli.at_once"), min=1, max=1_000)] = 1,
) -> None:
    """Train the runs of a ladder and write their sizes and losses as CSV."""
    chosen = read_toml(file, Ladder)
    check_corpus(chosen.recipe.corpus, chosen.recipe.text_vocab)
    write_csv(out, [], [])  # an unwritable file is refused before hours of work
    runs = run_ladder(chosen, at_once, _print_progress)
    rows = list(ladder_rows(runs))
    write_csv(out, list(rows[0]), rows)


def _print_progress(progress: LadderProgress) -> None:
    result = progress.run.result
    assert result is not None
    print(
        text(
            "cli.ladder_progress",
            name=progress.run.recipe.name,
            loss=f"{result.held_out_loss:.4f}",
            done=progress.n_done,
            of=progress.n_runs,
            left=quantities.duration(progress.seconds_left, text.language),
        ),
        file=sys.stderr,
        flush=True,
    )

"""``python -m engine runs rename|note|tag|archive|delete|restore|trash|prune``: manage runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.reports.forecast_tables import print_table, show
from engine.runs import lifecycle
from engine.runs.folder import Run
from engine.runs.launching.recovery import recover_unfinished
from engine.runs.observing.index import summaries

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
RunId = Annotated[str, typer.Argument(metavar="RUN", help=text("cli.run_id"))]
RunIds = Annotated[list[str], typer.Argument(metavar="RUN…", help=text("cli.run_ids"))]
Days = Annotated[float, typer.Option("--older-than-days", help=text("cli.days"), min=0, max=1e5)]
DryRun = Annotated[bool, typer.Option("--dry-run", help=text("cli.dry_run"))]


def add_to(runs_app: typer.Typer) -> None:
    """Add the commands that manage finished runs to the group ``runs``."""
    for name, command in (
        ("rename", rename),
        ("note", note),
        ("tag", tag),
        ("archive", archive),
        ("delete", delete),
        ("restore", restore),
        ("trash", trash),
        ("prune", prune),
    ):
        runs_app.command(name, help=text(f"cli.runs_{name}"))(command)


def rename(run_id: RunId, name: Annotated[str, typer.Argument(help=text("cli.new_name"))]) -> None:
    """Give a run another name."""
    lifecycle.rename(Run.find(run_id), name)


def note(run_id: RunId, words: Annotated[str, typer.Argument(help=text("cli.new_note"))]) -> None:
    """Replace the note of a run."""
    lifecycle.annotate(Run.find(run_id), words)


def tag(
    run_id: RunId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG…", help=text("cli.new_tags"))
    ] = None,
) -> None:
    """Replace the tags of a run."""
    lifecycle.tag(Run.find(run_id), tags or ())


def archive(
    run_ids: RunIds,
    back: Annotated[bool, typer.Option("--back", help=text("cli.archive_back"))] = False,
) -> None:
    """Archive runs, or take them out of the archive."""
    for run in map(Run.find, run_ids):
        lifecycle.archive(run, archived=not back)


def delete(run_ids: RunIds) -> None:
    """Move runs to the trash."""
    for run in map(Run.find, run_ids):
        lifecycle.delete(run)
        print(text("cli.deleted", run=run.id, days=lifecycle.TRASH_DAYS))


def restore(run_ids: RunIds) -> None:
    """Move runs back from the trash."""
    for run_id in run_ids:
        lifecycle.restore(run_id)


def trash(
    empty: Annotated[bool, typer.Option("--empty", help=text("cli.trash_empty"))] = False,
    older_than_days: Days = 0.0,
    as_json: Json = False,
) -> None:
    """List the runs in the trash, or delete them permanently."""
    found = lifecycle.deleted_runs(older_than_days)
    if empty:
        lifecycle.purge(older_than_days)
    if as_json:
        rows = [
            {"run": run.run_id} | run.model_dump(mode="json", exclude={"run_id"}) for run in found
        ]
        print(json.dumps(rows, indent=1))
        return
    print_table(
        [text(f"table.{name}") for name in ("run", "deleted", "disk")],
        [
            [run.run_id, f"{run.deleted_at.astimezone():%Y-%m-%d %H:%M}", _size(run.disk_bytes)]
            for run in found
        ],
    )
    _print_total("cli.purged" if empty else "cli.in_trash", [run.disk_bytes for run in found])


def prune(
    keep: Annotated[int, typer.Option(help=text("cli.prune_keep"), min=0, max=1_000_000)] = 0,
    older_than_days: Days = 30.0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Delete the training state of old runs, or list it."""
    recover_unfinished(summaries())
    found = lifecycle.prunable(keep, older_than_days)
    if not dry_run:
        for summary in found:
            lifecycle.prune(Run.find(summary.run_id))
    if as_json:
        rows = [
            {"run": summary.run_id, "freed_bytes": summary.disk.training_bytes, "dry_run": dry_run}
            for summary in found
        ]
        print(json.dumps(rows, indent=1))
        return
    print_table(
        [text(f"table.{name}") for name in ("run", "phase", "steps", "frees")],
        [
            [
                summary.run_id,
                text(f"phase.{summary.phase}"),
                f"{summary.steps_done}/{summary.steps}",
                _size(summary.disk.training_bytes),
            ]
            for summary in found
        ],
    )
    _print_total(
        "cli.would_prune" if dry_run else "cli.pruned",
        [summary.disk.training_bytes for summary in found],
    )


def _size(n_bytes: int) -> str:
    return show("disk_bytes", n_bytes, text.language)


def _print_total(key: str, sizes: list[int]) -> None:
    print(text(key, n=len(sizes), size=_size(sum(sizes))))

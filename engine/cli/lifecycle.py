"""``python -m engine runs rename|note|tag|archive|delete|restore|trash|prune``: keeping house."""

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
    lifecycle.rename(Run.find(run_id), name)


def note(run_id: RunId, words: Annotated[str, typer.Argument(help=text("cli.new_note"))]) -> None:
    lifecycle.annotate(Run.find(run_id), words)


def tag(
    run_id: RunId,
    tags: Annotated[
        list[str] | None, typer.Argument(metavar="TAG…", help=text("cli.new_tags"))
    ] = None,
) -> None:
    lifecycle.tag(Run.find(run_id), tags or ())


def archive(
    run_ids: RunIds,
    back: Annotated[bool, typer.Option("--back", help=text("cli.archive_back"))] = False,
) -> None:
    for run in map(Run.find, run_ids):
        lifecycle.archive(run, archived=not back)


def delete(run_ids: RunIds) -> None:
    for run in map(Run.find, run_ids):
        lifecycle.delete(run)
        print(text("cli.deleted", run=run.id, days=lifecycle.TRASH_DAYS))


def restore(run_ids: RunIds) -> None:
    for run_id in run_ids:
        lifecycle.restore(run_id)


def trash(
    empty: Annotated[bool, typer.Option("--empty", help=text("cli.trash_empty"))] = False,
    older_than_days: Days = 0.0,
    as_json: Json = False,
) -> None:
    found = lifecycle.deleted_runs(older_than_days)
    if empty:
        lifecycle.purge(older_than_days)
    if as_json:
        rows = [
            {"run": one.run_id} | one.model_dump(mode="json", exclude={"run_id"}) for one in found
        ]
        print(json.dumps(rows, indent=1))
        return
    print_table(
        [text(f"table.{name}") for name in ("run", "deleted", "disk")],
        [
            [one.run_id, f"{one.deleted_at.astimezone():%Y-%m-%d %H:%M}", _size(one.disk_bytes)]
            for one in found
        ],
    )
    _print_sum("cli.purged" if empty else "cli.in_trash", [one.disk_bytes for one in found])


def prune(
    keep: Annotated[int, typer.Option(help=text("cli.prune_keep"), min=0, max=1_000_000)] = 0,
    older_than_days: Days = 30.0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    recover_unfinished(summaries())
    found = lifecycle.prunable(keep, older_than_days)
    if not dry_run:
        for one in found:
            lifecycle.prune(Run.find(one.run_id))
    if as_json:
        rows = [
            {"run": one.run_id, "freed_bytes": one.disk.training_bytes, "dry_run": dry_run}
            for one in found
        ]
        print(json.dumps(rows, indent=1))
        return
    print_table(
        [text(f"table.{name}") for name in ("run", "phase", "steps", "frees")],
        [
            [
                one.run_id,
                text(f"phase.{one.phase}"),
                f"{one.steps_done}/{one.steps}",
                _size(one.disk.training_bytes),
            ]
            for one in found
        ],
    )
    _print_sum(
        "cli.would_prune" if dry_run else "cli.pruned",
        [one.disk.training_bytes for one in found],
    )


def _size(n_bytes: int) -> str:
    return show("disk_bytes", n_bytes, text.language)


def _print_sum(key: str, sizes: list[int]) -> None:
    print(text(key, n=len(sizes), size=_size(sum(sizes))))

"""``python -m engine runs list|show|logs|cancel|resume|restart|queue|backends|render``.

The commands show and control running, waiting and finished runs. The group also contains the
commands of :mod:`engine.cli.lifecycle`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import typer

from engine import quantities
from engine.cli import lifecycle, watch
from engine.cli.terminal import new_app, text
from engine.documents import InputError
from engine.reports.forecast_tables import print_table, show
from engine.runs.back_ends import back_end, kubernetes, slurm
from engine.runs.folder import Phase, Run
from engine.runs.job import BACK_ENDS
from engine.runs.launching import control, queue
from engine.runs.launching.reconcile import reconcile_all, reconcile_run
from engine.runs.observing.disk_use import disk_space
from engine.runs.observing.index import summary_of
from engine.runs.observing.logs import LogReader, follow_log
from engine.runs.observing.overview import matching_runs, state_of
from engine.runs.observing.summary import Summary
from engine.runs.settings import settings

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
RunId = Annotated[str, typer.Argument(metavar="RUN", help=text("cli.run_id"))]
Wait = Annotated[bool, typer.Option("--wait", help=text("cli.wait"))]
Priority = Annotated[int | None, typer.Option(help=text("cli.priority"))]
SpendingLimit = Annotated[
    float | None, typer.Option("--spending-limit-usd", help=text("cli.spending_limit"))
]


def add_to(app: typer.Typer) -> None:
    """Add the group of commands ``runs``."""
    runs_app = new_app(text("cli.runs"))
    app.add_typer(runs_app, name="runs")
    for name, command in (
        ("list", list_runs),
        ("show", show_run),
        ("logs", show_log),
        ("cancel", cancel_run),
        ("resume", resume_run),
        ("restart", restart_run),
        ("queue", show_queue),
        ("backends", show_back_ends),
        ("render", render_run),
    ):
        runs_app.command(name, help=text(f"cli.runs_{name}"))(command)
    lifecycle.add_to(runs_app)


def list_runs(
    words: Annotated[str, typer.Argument(metavar="WORDS", help=text("cli.list_words"))] = "",
    phase: Annotated[list[Phase] | None, typer.Option(help=text("cli.list_phase"))] = None,
    tag: Annotated[list[str] | None, typer.Option(help=text("cli.list_tag"))] = None,
    archived: Annotated[bool, typer.Option("--archived", help=text("cli.list_archived"))] = False,
    as_json: Json = False,
) -> None:
    """List the runs that match the filters, with their total size on disk."""
    found = matching_runs(
        reconcile_all(), words=words, states=phase or (), tags=tag or (), archived=archived
    )
    if as_json:
        print(json.dumps([_row(summary) for summary in found], indent=1))
        return
    head = ("run", "name", "phase", "steps", "loss", "cost", "disk")
    print_table([text(f"table.{name}") for name in head], [_cells(summary) for summary in found])
    for summary in found:
        if summary.unreadable:
            print(summary.run_id, summary.trouble(text.language), sep=": ")
    print(
        text(
            "cli.listed",
            n=len(found),
            size=_size(sum(summary.disk.total_bytes for summary in found)),
            free=_size(disk_space().free_bytes),
        )
    )


def _row(summary: Summary) -> dict[str, Any]:
    """Return a summary as JSON. Programs read it, so the keys must not change."""
    return (
        {"run": summary.run_id}
        | summary.model_dump(mode="json", exclude={"run_id"})
        | {"trouble": summary.trouble(text.language)}
    )


def _cells(summary: Summary) -> list[str]:
    state = state_of(summary)
    return [
        summary.run_id,
        summary.name,
        text("runs.unreadable" if summary.unreadable else f"phase.{state}"),
        f"{summary.steps_done}/{summary.steps}",
        "—" if summary.held_out_loss is None else f"{summary.held_out_loss:.4f}",
        quantities.usd(summary.cost_usd, text.language),
        _size(summary.disk.total_bytes),
    ]


def _size(n_bytes: int) -> str:
    return show("disk_bytes", n_bytes, text.language)


def show_run(run_id: RunId, as_json: Json = False) -> None:
    """Print the state, facts and results of a run as tables or as JSON."""
    run = Run.find(run_id)
    reconcile_run(run)
    summary, state, result = summary_of(run), run.state, run.result
    if as_json:
        found = {
            "run": run.id,
            "state": state.model_dump(mode="json"),
            "result": result and result.model_dump(mode="json"),
            "job": run.job.model_dump(mode="json"),
            "summary": _row(summary),
            "checkpoints": [folder.name for folder in run.checkpoints()],
        }
        print(json.dumps(found, indent=1))
        return
    print(run.id, text(f"phase.{state.phase}"))
    if state.failure:
        print(state.failure.in_language(text.language))
    print_table([text("table.quantity"), text("table.value")], _facts(summary, run))
    if summary.note:
        print(summary.note)
    if result:
        watch.print_comparison(run, as_json=False)


def _facts(summary: Summary, run: Run) -> list[list[str]]:
    _, name, _, steps, loss, cost, disk = _cells(summary)
    times = (summary.created_at, summary.started_at, summary.ended_at)
    created, started, ended = ("—" if at is None else f"{at.astimezone():%F %T}" for at in times)
    facts = {
        "name": name,
        "tags": ", ".join(summary.tags) or "—",
        "steps": steps,
        "loss": loss,
        "cost": cost,
        "created": created,
        "started": f"{started} (× {summary.starts})" if summary.starts > 1 else started,
        "ended": ended,
        "back_end": summary.back_end,
        "priority": str(summary.priority),
        "checkpoints": ", ".join(folder.name for folder in run.checkpoints()) or "—",
        "disk": disk,
        "folder": str(run.folder),
    }
    return [[text(f"table.{key}"), value] for key, value in facts.items()]


def show_log(
    run_id: RunId,
    lines: Annotated[int, typer.Option(help=text("cli.log_lines"), min=0, max=10_000)] = 500,
    follow: Annotated[bool, typer.Option("--follow", help=text("cli.log_follow"))] = False,
    node: Annotated[int | None, typer.Option(help=text("cli.log_node"), min=0)] = None,
) -> None:
    """Print the end of a run's log, or follow it until the run is over."""
    run = Run.find(run_id)
    log = run.folder / ("log" if node is None else f"node-{node}.log")
    if not log.is_file():
        raise InputError("node", node, "file_missing")
    parts: Iterable[str]
    if follow:
        parts = follow_log(log, lines, lambda: reconcile_run(run).is_over)
    else:
        parts = [LogReader(log, lines).new()]
    for part in parts:
        sys.stdout.write(part)
        sys.stdout.flush()


def cancel_run(run_id: RunId) -> None:
    """Cancel a run and wait for its end; exit with status 1 if it ended in another way."""
    run = Run.find(run_id)
    control.cancel(run)
    phase = control.wait(run)
    print(text(f"phase.{phase}"))
    if phase is not Phase.CANCELLED:
        raise typer.Exit(1)


def resume_run(
    run_id: RunId,
    priority: Priority = None,
    spending_limit: SpendingLimit = None,
    wait: Wait = False,
) -> None:
    """Resume a run from its last checkpoint, with a changed priority or limit if given."""
    run = Run.find(run_id)
    changes = {"priority": priority, "spending_limit_usd": spending_limit}
    given = {name: value for name, value in changes.items() if value is not None}
    control.resume(run, run.job.with_values(given) if given else None)
    _after_start(run, wait)


def restart_run(run_id: RunId, wait: Wait = False) -> None:
    """Start a new run with the recipe of another run and print its id."""
    new_run = control.restart(Run.find(run_id))
    print(new_run.id)
    _after_start(new_run, wait)


def _after_start(run: Run, wait: bool) -> None:
    if wait:
        watch.follow(run)
    else:
        print(text(f"phase.{reconcile_run(run)}"))


def show_queue(as_json: Json = False) -> None:
    """Print the waiting runs in order, with the reason why each waits."""
    reconcile_all()
    rows = [
        {
            "run": position.run.id,
            "back_end": position.run.job.back_end,
            "priority": position.run.job.priority,
            "behind": position.n_ahead,
            "held_by": position.held_by and position.held_by.in_language(text.language),
        }
        for position in queue.positions()
    ]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    head = ("run", "back_end", "priority", "behind", "held_by")
    cells = [["—" if row[name] is None else str(row[name]) for name in head] for row in rows]
    print_table([text(f"table.{name}") for name in head], cells)


def show_back_ends(as_json: Json = False) -> None:
    """Print for each back end whether it is ready, or what it lacks."""
    allowed = settings()
    rows: list[dict[str, Any]] = []
    for name in BACK_ENDS:
        lacks = [
            error.in_language(text.language) for error in back_end(name).unmet_requirements(allowed)
        ]
        slots = None if lacks else queue.slots_of(name, allowed)
        rows.append(
            {
                "back_end": name,
                "ready": not lacks,
                "lacks": lacks,
                "slots": slots and slots.total,
                "slots_taken": slots and len(slots.taken),
            }
        )
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        for lack in row["lacks"]:
            print(text("cli.back_end_lacks", name=row["back_end"], lack=lack))
        if row["ready"]:
            key = "back_end_ready" if row["slots"] is None else "back_end_slots"
            taken, slots = row["slots_taken"], row["slots"]
            print(text(f"cli.{key}", name=row["back_end"], taken=taken, slots=slots))


def render_run(
    run_id: RunId,
    on: Annotated[Literal["slurm", "kubernetes"], typer.Option(help=text("cli.render_on"))],
) -> None:
    """Print the Slurm script or the Kubernetes manifest of a run."""
    run, allowed = Run.find(run_id), settings()
    machine = back_end(on).machine(allowed)  # raises an error if the back end is not set up
    if on == "slurm":
        assert allowed.slurm is not None
        print(slurm.job_script(run, allowed.slurm, machine))
    else:
        assert allowed.kubernetes is not None
        print(kubernetes.manifest(run, allowed.kubernetes, machine))

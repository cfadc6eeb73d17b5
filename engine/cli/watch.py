"""Progress of a run on the terminal, and its measurements when it is over."""

from __future__ import annotations

import json
import sys
import time

import typer

from engine.cli.terminal import text
from engine.reports.comparison import Comparison, compare
from engine.reports.forecast_tables import comparison_rows, print_table
from engine.runs.folder import Phase, Run
from engine.runs.launching import control, queue
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Progress


def follow(run: Run) -> None:
    """Show a run's progress until it is over.

    Ctrl-C cancels the run. Closing the terminal does not.

    Raises
    ------
    typer.Exit
        With status 1 if the run failed or was cancelled, and 2 if its input was wrong.
    """
    progress = Progress(run)
    print(text("cli.started", run=run.id, folder=run.folder), file=sys.stderr)
    shown, printed = -1, ""
    try:
        while not (phase := reconcile_run(run)).is_over:
            if phase is Phase.QUEUED:
                reason = _waiting_reason(run)
                if reason not in ("", printed):
                    print(reason, file=sys.stderr)
                    printed = reason
                time.sleep(1.0)
                continue
            progress.update()
            tenth = int(progress.share_done * 10)
            if phase is Phase.TRAINING and progress.metrics and tenth > shown:
                shown = tenth
                left = progress.seconds_left or 0.0
                print(
                    text(
                        "cli.progress",
                        share=f"{progress.share_done:.0%}",
                        step=progress.steps_done,
                        steps=progress.recipe.steps,
                        loss=f"{progress.metrics[-1].loss:.3f}",
                        left=f"{left:.0f}",
                    ),
                    file=sys.stderr,
                )
            time.sleep(0.2)
    except KeyboardInterrupt:
        control.cancel(run)
        control.wait(run)
    state = run.state
    if state.phase is Phase.SUCCEEDED:
        return
    reason = state.failure.in_language(text.language) if state.failure else ""
    print(text(f"phase.{state.phase}"), reason, file=sys.stderr)
    raise typer.Exit(2 if state.failure and state.failure.key == "input" else 1)


def _waiting_reason(run: Run) -> str:
    """Return the reason why a run waits; empty if it has started in the meantime."""
    for position in queue.positions():
        if position.run.id == run.id and position.held_by is not None:
            return text("cli.held", reason=position.held_by.in_language(text.language))
        if position.run.id == run.id:
            return text("cli.waits", behind=position.n_ahead)
    return ""


def print_comparison(run: Run, as_json: bool) -> None:
    """Print the measurements of a finished run next to its forecast."""
    result = run.result
    assert result is not None
    rows: list[Comparison] = compare(run.forecast, run.plan, result)
    if as_json:
        print(
            json.dumps(
                {
                    "run": run.id,
                    "result": result.model_dump(mode="json"),
                    "comparison": {
                        row.quantity: {
                            "predicted": row.predicted.model_dump(),
                            "measured": row.measured,
                            "ratio": row.ratio,
                        }
                        for row in rows
                    },
                },
                indent=1,
            )
        )
        return
    print(
        text(
            "cli.measured", run=run.id, device=result.device, load=f"{result.other_load_share:.0%}"
        )
    )
    print_table(*comparison_rows(text, rows))

"""Make the recorded states of runs true and start queued runs.

Modules of :mod:`engine.runs.observing` only read. The pages and the command line call a function
of this module once before they read: it handles runs that lost their supervisors and starts queued
runs whose turn has come. So a queued run starts although no process waits for its turn.
"""

from __future__ import annotations

from contextlib import suppress

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.folder import Phase, Run
from engine.runs.launching import queue
from engine.runs.launching.recovery import recover, recover_unfinished
from engine.runs.observing.index import summaries
from engine.runs.observing.summary import Summary


def reconcile_run(run: Run) -> Phase:
    """Reconcile one run, start queued runs if it is queued, and return its phase afterwards.

    Raises
    ------
    InputError
        If the run's state cannot be read.
    OSError
        If a new state cannot be written.
    """
    if recover(run) is Phase.QUEUED:
        start_queued_runs()
    return run.state.phase


def reconcile_all() -> list[Summary]:
    """Reconcile all runs, start queued runs and return all summaries afterwards, newest first.

    A run that cannot be reconciled, because its disk is full for example, is listed as unreadable
    with the reason.
    """
    seen = summaries()
    unfinished = [summary for summary in seen if not summary.is_over]
    failed = recover_unfinished(unfinished)
    if any(summary.phase is Phase.QUEUED for summary in unfinished):
        start_queued_runs()
    if not any(_has_changed(summary) for summary in unfinished if summary.run_id not in failed):
        return [failed.get(summary.run_id, summary) for summary in seen]
    return [failed.get(summary.run_id, summary) for summary in summaries()]


def _has_changed(summary: Summary) -> bool:
    """Return whether the run's phase is no longer that of its summary, or cannot be read."""
    try:
        return Run(runs_dir() / summary.run_id).state.phase is not summary.phase
    except InputError:
        return True


def start_queued_runs() -> None:
    """Start the queued runs whose turn has come; invalid settings hold them without an error.

    :func:`engine.runs.launching.queue.positions` reports the error in the settings to readers.
    """
    with suppress(InputError):
        queue.start_next()

"""Starting, looking after, cancelling and resuming runs, from the app or the command line alike."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from engine.documents import InputError
from engine.files import write_json
from engine.recipes.preflight import check_prerequisites
from engine.runs.folder import Phase, Run
from engine.runs.job import Job
from engine.runs.launching import queue
from engine.runs.observing.index import summaries
from engine.runs.observing.summary import Summary
from engine.runs.processes import look_after

_LAST_ACTS_S = 10.0
"""A supervisor that has ended its run lets the queue advance before it goes."""


def start(run: Run) -> None:
    """Hand the run to the queue, which starts it at once if there is room, and return.

    Raises
    ------
    InputError
        If it may not start, as :func:`queue.check_start`; then it has never been there.
    """
    try:
        queue.check_start(run, run.job)
    except InputError:
        shutil.rmtree(run.folder)
        raise
    run.publish()
    queue.advance()


def resume(run: Run, job: Job | None = None) -> None:
    """Hand a run that did not succeed to the queue again: it goes on from its last checkpoint,
    or begins anew where there is none. ``job`` takes the place of the one it had.

    Raises
    ------
    InputError
        If it is not over or has succeeded, if its recipe was edited, or if it may not start.
    """
    look_after(run)
    with run.locked(_LAST_ACTS_S) as descriptor:
        phase = run.state.phase
        if descriptor is None or not phase.is_over:
            raise InputError("run", run.id, "run_that_is_over")
        if phase is Phase.SUCCEEDED:
            raise InputError("run", run.id, "run_to_resume")
        check_prerequisites(run.untouched_recipe())
        queue.check_start(run, job or run.job)
        if job is not None:
            write_json(run.folder / "job.json", job.model_dump(mode="json"))
        (run.folder / "stop.json").unlink(missing_ok=True)
        run.set_state(
            phase=Phase.QUEUED,
            ended_at=None,
            failure=None,
            supervisor_pid=None,
            slots=(),
            restarts=0,
            cluster_job=None,
        )
    queue.advance()


def restart(run: Run) -> Run:
    """A new run of the same recipe, plan and job, from the first step on, handed to the queue.

    Raises
    ------
    InputError
        If the recipe was edited, or as :func:`start`.
    """
    again = Run.create(run.untouched_recipe(), run.plan, run.job)
    start(again)
    return again


def cancel(run: Run) -> None:
    """Ask for the run's end: a checkpoint, then nothing of it is left within 15 s. A queued run
    ends at once; nothing happens to one that is over."""
    with run.locked() as descriptor:
        if descriptor is not None and run.state.phase is Phase.QUEUED:
            run.end(Phase.CANCELLED)
            return
    if not look_after(run).is_over:
        run.ask_to_stop("cancelled")


def set_priority(run: Run, priority: int) -> None:
    """Move a run in the queue: the highest priority comes first, of equals the oldest. Nothing
    happens to one that has left it.

    Raises
    ------
    InputError
        If there is no such priority.
    """
    job = run.job.with_value("priority", priority)
    with run.locked() as descriptor:
        if descriptor is not None and run.state.phase is Phase.QUEUED:
            write_json(run.folder / "job.json", job.model_dump(mode="json"))
    _advance()


def look(run: Run) -> Phase:
    """The run's phase, after making sure that it is true, and that it is started if it waits and
    its turn has come."""
    if look_after(run) is Phase.QUEUED:
        _advance()
    return run.state.phase


def look_at_all() -> list[Summary]:
    """Every run, the newest first, each looked after, and those started whose turn has come."""
    seen = summaries()
    if any(one.phase is Phase.QUEUED for one in seen):
        _advance()
        seen = summaries()
    return seen


def wait(run: Run) -> Phase:
    """Wait until the run is over."""
    while not (phase := look(run)).is_over:
        time.sleep(0.1 if phase.is_live else 1.0)
    return phase


def _advance() -> None:
    # Whoever looks is no worse off for settings that are not allowed: the queue says so itself.
    with suppress(InputError):
        queue.advance()

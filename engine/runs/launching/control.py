"""Start, resume, restart, cancel and wait for runs; the app and the command line call these."""

from __future__ import annotations

import shutil
import time

from engine.documents import InputError
from engine.files import write_json
from engine.recipes.preflight import check_prerequisites
from engine.runs.folder import Phase, Run
from engine.runs.job import Job
from engine.runs.launching import queue
from engine.runs.launching.reconcile import reconcile_run, start_queued_runs
from engine.runs.launching.recovery import recover, recover_unfinished
from engine.runs.observing.index import summaries

_SUPERVISOR_EXIT_PATIENCE_S = 10.0
"""Time to wait for the lock of a run that is over, in seconds: its supervisor starts queued runs
before it exits."""


def start(run: Run) -> None:
    """Put a new run into the queue, which starts it at once if there is room, and return.

    Raises
    ------
    InputError
        If the run may not start (:func:`engine.runs.launching.queue.check_start`); its folder is
        then removed.
    """
    recover_unfinished(summaries())  # a lost run no longer counts against the spending limit
    try:
        queue.check_start(run, run.job)
    except InputError:
        shutil.rmtree(run.folder)
        raise
    run.publish()
    queue.start_next()


def resume(run: Run, job: Job | None = None) -> None:
    """Put a run that did not succeed back into the queue.

    Training goes on from the last checkpoint, or starts from the first step if there is none.
    ``job``, if given, replaces the run's job.

    Raises
    ------
    InputError
        If the run is not over or has succeeded, if its recipe was edited, or if it may not start.
    """
    recover(run)
    recover_unfinished(summaries())  # a lost run no longer counts against the spending limit
    with run.locked(_SUPERVISOR_EXIT_PATIENCE_S) as descriptor:
        phase = run.state.phase
        if descriptor is None or not phase.is_over:
            raise InputError("run", run.id, "run_that_is_over")
        if phase is Phase.SUCCEEDED:
            raise InputError("run", run.id, "run_to_resume")
        check_prerequisites(run.unedited_recipe())
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
    queue.start_next()


def restart(run: Run) -> Run:
    """Start a new run with the recipe, plan and job of ``run``, from the first step, and return it.

    Raises
    ------
    InputError
        If the recipe was edited, or if the new run may not start (:func:`start`).
    """
    again = Run.create(run.unedited_recipe(), run.plan, run.job)
    start(again)
    return again


def cancel(run: Run) -> None:
    """Request the end of a run: it saves a checkpoint, and its processes end within 15 s.

    A queued run ends at once. A run that is over stays as it is.
    """
    with run.locked() as descriptor:
        if descriptor is not None and run.state.phase is Phase.QUEUED:
            run.end(Phase.CANCELLED)
            return
    if not recover(run).is_over:
        run.request_stop("cancelled")


def set_priority(run: Run, priority: int) -> None:
    """Move a queued run: the highest priority starts first, and the oldest of equal priority.

    A run that has left the queue stays as it is.

    Raises
    ------
    InputError
        If ``priority`` is out of range.
    """
    job = run.job.with_value("priority", priority)
    with run.locked() as descriptor:
        if descriptor is not None and run.state.phase is Phase.QUEUED:
            write_json(run.folder / "job.json", job.model_dump(mode="json"))
    start_queued_runs()


def wait(run: Run) -> Phase:
    """Wait until the run is over, and return its phase."""
    while not (phase := reconcile_run(run)).is_over:
        time.sleep(0.1 if phase.is_live else 1.0)
    return phase

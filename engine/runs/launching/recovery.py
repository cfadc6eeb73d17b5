"""Supervisors: how one is started, and how a run that lost its supervisor is handled."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

from engine.documents import InputError
from engine.paths import PROJECT_DIR, runs_dir
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.observing.summary import Summary, unreadable
from engine.runs.process_table import end_processes
from engine.runs.processes import RUN_ID_VARIABLE, processes_of


def start_supervisor(run: Run, lock: int) -> None:
    """Start the run's supervisor and return at once.

    The supervisor gets a session of its own, so that it survives the terminal and the app. It
    inherits ``lock``, the descriptor of the run's lock, already locked: a live run is never
    without its lock.
    """
    with (run.folder / "log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "engine.runs.launching.supervisor", str(run.folder)],
            cwd=PROJECT_DIR,
            env=os.environ | {RUN_ID_VARIABLE: run.id},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            start_new_session=True,
        )


def recover(run: Run) -> Phase:
    """Handle the loss of the run's supervisor, if it was lost, and return the run's phase.

    A run has lost its supervisor if its state is live and no process holds its lock. If a cluster
    trains the run, the training goes on under a new supervisor. Otherwise the run's remaining
    processes are ended and the run is marked failed.

    Raises
    ------
    InputError
        If the run's state cannot be read.
    OSError
        If the new state cannot be written.
    """
    phase = run.state.phase
    if not phase.is_live:
        return phase
    with run.locked() as descriptor:
        state = run.state  # the run may have ended just before the lock was free
        if descriptor is None or not state.phase.is_live:
            return state.phase
        if state.cluster_job is not None:
            start_supervisor(run, descriptor)
            return state.phase
        end_processes(processes_of(run))
        run.end(Phase.FAILED, Failure(key="supervisor_lost"))
        return Phase.FAILED


def recover_unfinished(seen: Iterable[Summary]) -> dict[str, Summary]:
    """Recover the runs of ``seen`` that are not over; runs that are over cost nothing.

    Returns
    -------
    dict
        For each run that could not be recovered, by its id, a summary with the reason.
    """
    failed = {}
    for summary in seen:
        if summary.is_over:
            continue
        run = Run(runs_dir() / summary.run_id)
        try:
            recover(run)
        except (InputError, OSError) as error:
            failed[run.id] = unreadable(run, error)
    return failed

"""Starting, looking after and cancelling runs, from the app or the command line alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil

from engine.paths import PROJECT_DIR
from engine.results import Failure
from engine.runs.folder import Phase, Run, all_runs

RUN_ID_VARIABLE = "FLOPLEDGER_RUN"
"""Every process of a run has it in its environment: survivors of a dead supervisor are found
by it."""


def start(run: Run) -> None:
    """Start the run's supervisor and return at once.

    The supervisor gets a session of its own, so that neither the terminal nor the app takes it
    along, and inherits the run's lock already held: at no time is a live run without its lock.
    """
    with run.locked() as descriptor, (run.folder / "log").open("ab") as log:
        if descriptor is None:
            raise RuntimeError(f"{run.id} is running already")
        run.publish()
        subprocess.Popen(
            [sys.executable, "-m", "engine.runs.supervisor", str(run.folder)],
            cwd=PROJECT_DIR,
            env=os.environ | {RUN_ID_VARIABLE: run.id},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
            start_new_session=True,
        )


def look(run: Run) -> Phase:
    """The run's phase, after making sure that it is true.

    A run that says it is alive while nobody holds its lock has lost its supervisor: its
    survivors are ended and it is marked failed.
    """
    phase = run.state.phase
    if phase.is_over:
        return phase
    with run.locked() as descriptor:
        if descriptor is None:
            return phase
        phase = run.state.phase  # it may have ended just before we got the lock
        if not phase.is_over:
            end_processes(processes_of(run))
            run.end(Phase.FAILED, Failure(key="supervisor_lost"))
    return run.state.phase


def look_at_all() -> list[Run]:
    """Every run, the newest first, each looked after."""
    runs = all_runs()
    for run in runs:
        look(run)
    return runs


def cancel(run: Run) -> None:
    """Ask the supervisor to end the run; it takes seconds at most. Nothing if it is over."""
    while not look(run).is_over:
        pid = run.state.supervisor_pid
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            return
        time.sleep(0.05)  # it is starting, and says its pid once it can take the signal


def wait(run: Run) -> Phase:
    """Wait until the run is over."""
    while not (phase := look(run)).is_over:
        time.sleep(0.1)
    return phase


def processes_of(run: Run) -> list[psutil.Process]:
    """Processes of this user that carry the run's id in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_ID_VARIABLE) == run.id:
                found.append(process)
        except psutil.Error:
            continue  # gone meanwhile, or another user's
    return [process for process in found if process.pid != os.getpid()]


def end_processes(processes: list[psutil.Process], patience_s: float = 3.0) -> None:
    """SIGTERM, then SIGKILL for those that are still there after ``patience_s``."""
    for action in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                action(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=patience_s)

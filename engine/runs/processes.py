"""The processes of a run: child processes of its supervisor, and a search by the run's id."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

import psutil

from engine.paths import PROJECT_DIR
from engine.results import Failure
from engine.runs.folder import Run
from engine.runs.process_table import all_processes, children_of, end_processes, environment_of

RUN_ID_VARIABLE = "FLOPLEDGER_RUN"
"""Environment variable with the run's id in each of its processes, by which processes that outlive
the supervisor are found."""
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make orphans of a killed launcher children of this process, which can find and end them."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Child:
    """A process that the supervisor starts, with all its descendants.

    They print to the run's log, as the supervisor does.
    """

    def __init__(
        self, run: Run, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start ``command``; ``name`` is the prefix of the keys of its failures."""
        print("$", *command, flush=True)
        self._run, self._name = run, name
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, cwd=PROJECT_DIR
        )
        self._descriptor = os.pidfd_open(self._process.pid)

    @property
    def events(self) -> list[int]:
        """Descriptor that becomes readable when the process ends."""
        return [self._descriptor]

    def poll(self) -> int | None:
        """Return the exit code, negative if a signal killed the process; None while it runs."""
        return self._process.poll()

    def end(self) -> list[str]:
        """End the process and its descendants; return the ids of processes that are left."""
        children = children_of(os.getpid(), recursive=True)
        left = end_processes({*children, *processes_of(self._run)})
        os.close(self._descriptor)
        return [str(process.pid) for process in left]

    def exit_failure(self, exit_code: int) -> Failure:
        return process_failure(self._name, self._process.pid, exit_code)


def process_failure(name: str, pid: int, exit_code: int, **params: object) -> Failure:
    """Return the failure of a process that ended without a result.

    ``exit_code`` is negative for a signal, as in ``Popen.returncode``.
    """
    if exit_code < 0:
        how: dict[str, object] = {"signal": _signal_name(-exit_code)}
        return Failure(key=f"{name}_killed", params={"pid": pid, **params, **how})
    return Failure(key=f"{name}_ended", params={"pid": pid, **params, "exit_code": exit_code})


def _signal_name(number: int) -> str:
    """Return the name of a signal, or its number for a real-time signal, which has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def processes_of(run: Run) -> list[psutil.Process]:
    """Return this user's processes with the run's id in their environment, except this process."""
    return [
        process
        for process in all_processes()
        if process.pid != os.getpid() and environment_of(process).get(RUN_ID_VARIABLE) == run.id
    ]

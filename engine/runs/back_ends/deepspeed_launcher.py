"""DeepSpeed's launcher on one machine, and the ranks that it starts."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import NamedTuple

from engine.machine import Machine
from engine.results import Failure
from engine.runs.folder import Run
from engine.runs.process_table import children_of, command_line_of, exit_code_of, open_pidfd
from engine.runs.processes import Child, process_failure

_LOCAL_RANK = re.compile(r"--local_rank=(\d+)")


def launcher_command(options: Sequence[str], folder: Path) -> list[str]:
    """Return the command of DeepSpeed's launcher with ``options`` for the run in ``folder``."""
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner", *options]
    return [*launcher, "--module", "engine.training.worker", str(folder)]


def training_environment(machine: Machine) -> dict[str, str]:
    """Return the environment variables that the launcher needs in addition to the supervisor's."""
    if machine.has_gpu:
        return {}
    # One rank is one core. More threads than cores spin in barriers: next to a busy process a step
    # took 17 times as long.
    return {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    """Return a port that is free now; another process may take it before the ranks do."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Launcher(Child):
    """DeepSpeed's launcher and its ranks.

    The launcher does not report which rank died first, so each rank is watched. If ``launch.py``
    was killed, the launcher exits with 0, and may have reaped ``launch.py`` before its exit code
    could be read here.
    """

    cluster_job = None

    def __init__(
        self, run: Run, command: Sequence[str], environment: Mapping[str, str], n_ranks: int
    ) -> None:
        super().__init__(run, "launcher", command, environment)
        self._n_ranks = n_ranks
        self._watched: dict[int, _WatchedProcess] = {}
        """Live processes, by their descriptors."""
        self._seen: set[int] = set()
        """Ids of all processes that were ever watched."""
        self._launch_pid: int | None = None
        self._first_failure: Failure | None = None

    @property
    def events(self) -> list[int]:
        return [*super().events, *self._watched]

    def poll(self) -> int | None:
        if len(self._seen) < 1 + self._n_ranks:  # launch.py, and the ranks as its children
            self._watch_new_processes()
        failures = []
        ended = wait_for_any(self._watched, timeout=0)
        for descriptor in [number for number in self._watched if number in ended]:
            if failure := self._watched.pop(descriptor).exit_failure():
                failures.append(failure)
            os.close(descriptor)
        if failures and self._first_failure is None:
            # A process that was ended by a signal did not end because of the other processes.
            self._first_failure = min(failures, key=lambda failure: "signal" not in failure.params)
        return super().poll()

    def end(self) -> list[str]:
        left = super().end()
        for descriptor in self._watched:
            os.close(descriptor)
        self._watched.clear()
        return left

    def exit_failure(self, exit_code: int) -> Failure:
        if self._first_failure:
            return self._first_failure
        if exit_code == 0 and self._launch_pid is not None:
            return Failure(key="launcher_lost", params={"pid": self._launch_pid})
        return super().exit_failure(exit_code)

    def _watch_new_processes(self) -> None:
        for launch in children_of(self._process.pid):
            self._launch_pid = launch.pid
            self._watch(launch.pid, None)
            for process in children_of(launch.pid):
                if rank := _LOCAL_RANK.search(" ".join(command_line_of(process))):
                    self._watch(process.pid, int(rank[1]))

    def _watch(self, pid: int, rank: int | None) -> None:
        if pid in self._seen:
            return
        descriptor = open_pidfd(pid)
        if descriptor is not None:  # otherwise the process has ended: see the launcher's exit code
            self._watched[descriptor] = _WatchedProcess(pid, rank)
            self._seen.add(pid)


class _WatchedProcess(NamedTuple):
    """A descendant, but not a child, of the supervisor, whose end is watched by a descriptor."""

    pid: int
    rank: int | None
    """Rank of the process; None for ``launch.py``."""

    def exit_failure(self) -> Failure | None:
        """Return how the process failed; None if it succeeded or its parent has reaped it."""
        exit_code = exit_code_of(self.pid)
        if not exit_code:
            return None
        if self.rank is None:
            return process_failure("launcher", self.pid, exit_code)
        return process_failure("rank", self.pid, exit_code, rank=self.rank)

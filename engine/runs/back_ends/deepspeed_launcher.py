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


def launcher_command(where: Sequence[str], folder: Path) -> list[str]:
    """DeepSpeed's own launcher as a module of our interpreter; ``where`` is its part of it."""
    launcher = [sys.executable, "-m", "deepspeed.launcher.runner", *where]
    return [*launcher, "--module", "engine.training.worker", str(folder)]


def training_environment(machine: Machine) -> dict[str, str]:
    """What the launcher's environment has besides ours."""
    if machine.has_gpu:
        return {}
    # One rank is one core. More threads than cores spin in barriers: a step took 17 times as
    # long beside a busy process.
    return {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    """Free a moment ago: whoever takes it meanwhile makes it a busy one."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Launcher(Child):
    """The launcher with its ranks.

    It does not say which rank died first, so each of them is watched. Where its own ``launch.py``
    was killed it ends with 0, and may have taken note of that death before we could.
    """

    cluster_job = None

    def __init__(
        self, run: Run, command: Sequence[str], environment: Mapping[str, str], n_ranks: int
    ) -> None:
        super().__init__(run, "launcher", command, environment)
        self._n_ranks = n_ranks
        self._watched: dict[int, _Watched] = {}
        """Those that live, by their descriptors."""
        self._seen: set[int] = set()
        """Ids of all that were ever watched."""
        self._launch_pid: int | None = None
        self._first_death: Failure | None = None

    @property
    def events(self) -> list[int]:
        return [*super().events, *self._watched]

    def poll(self) -> int | None:
        if len(self._seen) < 1 + self._n_ranks:  # launch.py, and the ranks as its children
            self._watch_new_ones()
        deaths = []
        ended = wait_for_any(self._watched, timeout=0)
        for descriptor in [one for one in self._watched if one in ended]:
            if death := self._watched.pop(descriptor).exit_failure():
                deaths.append(death)
            os.close(descriptor)
        if deaths and self._first_death is None:
            # Of several at once, one that a signal ended did not end because of the others.
            self._first_death = min(deaths, key=lambda death: "signal" not in death.params)
        return super().poll()

    def end(self) -> list[str]:
        left = super().end()
        for descriptor in self._watched:
            os.close(descriptor)
        self._watched.clear()
        return left

    def exit_failure(self, exit_code: int) -> Failure:
        if self._first_death:
            return self._first_death
        if exit_code == 0 and self._launch_pid is not None:
            return Failure(key="launcher_lost", params={"pid": self._launch_pid})
        return super().exit_failure(exit_code)

    def _watch_new_ones(self) -> None:
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
        if descriptor is not None:  # else it has ended: the launcher's exit code says how
            self._watched[descriptor] = _Watched(pid, rank)
            self._seen.add(pid)


class _Watched(NamedTuple):
    """A process that is not our child: of its end, too, we are to know."""

    pid: int
    rank: int | None
    """None for ``launch.py``."""

    def exit_failure(self) -> Failure | None:
        """How the process ended; None if it ended well, or if its parent has reaped it already."""
        exit_code = exit_code_of(self.pid)
        if not exit_code:
            return None
        if self.rank is None:
            return process_failure("launcher", self.pid, exit_code)
        return process_failure("rank", self.pid, exit_code, rank=self.rank)

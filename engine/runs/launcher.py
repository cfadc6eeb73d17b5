"""DeepSpeed's launcher on one machine, and the ranks that it starts."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import NamedTuple

import psutil

from engine.machine import Machine
from engine.results import Failure
from engine.runs.folder import Run
from engine.runs.processes import Child, died

_LOCAL_RANK = re.compile(r"--local_rank=(\d+)")
_EXIT_STATUS = 49
"""Its place in ``/proc/PID/stat`` behind the process's name: field 52 of proc(5)."""


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
            if death := self._watched.pop(descriptor).death():
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

    def death(self, exit_code: int) -> Failure:
        if self._first_death:
            return self._first_death
        if exit_code == 0 and self._launch_pid is not None:
            return Failure(key="launcher_lost", params={"pid": self._launch_pid})
        return super().death(exit_code)

    def _watch_new_ones(self) -> None:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):  # one has ended: poll says how
            for launch in psutil.Process(self._process.pid).children():
                self._launch_pid = launch.pid
                self._watch(launch.pid, None)
                for process in launch.children():
                    if rank := _LOCAL_RANK.search(" ".join(process.cmdline())):
                        self._watch(process.pid, int(rank[1]))

    def _watch(self, pid: int, rank: int | None) -> None:
        if pid not in self._seen:
            self._watched[os.pidfd_open(pid)] = _Watched(pid, rank)
            self._seen.add(pid)


class _Watched(NamedTuple):
    """A process that is not our child: of its end, too, we are to know."""

    pid: int
    rank: int | None
    """None for ``launch.py``."""

    def death(self) -> Failure | None:
        """How it ended, once it has; None if well, and if its parent has been told already."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return None
        exit_code = os.waitstatus_to_exitcode(int(stat.rpartition(")")[2].split()[_EXIT_STATUS]))
        if not exit_code:
            return None
        if self.rank is None:
            return died("launcher", self.pid, exit_code)
        return died("rank", self.pid, exit_code, rank=self.rank)

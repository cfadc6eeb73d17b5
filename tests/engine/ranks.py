"""Ranks without a launcher and a supervisor, for tests that start many of them.

They are children of a fork server that has imported PyTorch and DeepSpeed once.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

PATIENCE_S = 400
"""Longest wait, in seconds; a busy machine takes several times as long as an idle machine."""

_IMPORTED = ["engine.training.worker", "deepspeed.runtime.zero.muon.muon_optimizer"]
"""Modules that the fork server imports.

DeepSpeed imports the second module, its slowest, only when it creates an engine.
"""
_CONTEXT = multiprocessing.get_context("forkserver")


class Ranks:
    """Ranks of one start, which run ``work(rank, *args)`` together and print to ``log``."""

    def __init__(
        self,
        log: Path,
        work: Callable[..., None],
        *args: object,
        n_ranks: int = 1,
        port: int | None = None,
    ) -> None:
        _CONTEXT.set_forkserver_preload(_IMPORTED)
        self._log = log
        port = port or free_port()
        self._processes: list[BaseProcess] = [
            _CONTEXT.Process(target=_rank, args=(log, rank, n_ranks, port, work, args))
            for rank in range(n_ranks)
        ]
        # The server starts with its first process and keeps the environment of that moment.
        os.environ |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        try:
            for process in self._processes:
                process.start()
        finally:
            del os.environ["DS_ACCELERATOR"], os.environ["OMP_NUM_THREADS"]

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait until ``condition`` is true or a rank ends; return whether it is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self._log.read_text()
            if any(process.exitcode is not None for process in self._processes):
                return condition()
            time.sleep(0.01)
        return True

    def kill(self) -> None:
        """Send SIGKILL to all ranks and wait until they have ended."""
        for process in self._processes:
            process.kill()
        self.exit_codes()

    def exit_codes(self) -> list[int | None]:
        """Wait until all ranks have ended and return their exit codes."""
        for process in self._processes:
            process.join(PATIENCE_S)
        return [process.exitcode for process in self._processes]


def free_port() -> int:
    """Return a TCP port that is free at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _rank(
    log: Path,
    rank: int,
    n_ranks: int,
    port: int,
    work: Callable[..., None],
    args: tuple[object, ...],
) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n_ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    work(rank, *args)

"""Processes that share a stream of work: as many as there are cores."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1
_TASKS_PER_WORKER = 2
"""Tasks a worker that wait or are done: what bounds the memory."""


class WorkerPool:
    """Use as a context; the processes fork from this one, and end with it however it ends."""

    def __init__(self) -> None:
        self.n = len(os.sched_getaffinity(0))
        self._pool = ProcessPoolExecutor(
            self.n,
            multiprocessing.get_context("fork"),
            initializer=_init_worker,
            initargs=(os.getpid(),),
        )

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def submit(self, function: Callable[..., Result], *arguments: Any) -> Future[Result]:
        return self._pool.submit(function, *arguments)

    def in_order(
        self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Result]:
        """The results of ``function(*task)``, in the order of ``tasks``, which are taken as the
        work goes on."""
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self._pool.submit(function, *task))
            if len(waiting) > _TASKS_PER_WORKER * self.n:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _init_worker(parent_pid: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the kernel knew that we end with it
        os._exit(1)
    os.environ["RAYON_NUM_THREADS"] = "1"  # each has a core

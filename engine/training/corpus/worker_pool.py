"""Pool of worker processes, one per core, that share a stream of tasks."""

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
"""Unfinished and unread tasks per worker; the limit bounds the memory."""


class WorkerPool:
    """Context manager of the pool; its processes end with this process, however it ends."""

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
        """Yield the results of ``function(*task)`` in the order of ``tasks``.

        Tasks are read from the iterable only as workers become free.
        """
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self._pool.submit(function, *task))
            if len(waiting) > _TASKS_PER_WORKER * self.n:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _init_worker(parent_pid: int) -> None:
    """Make the kernel kill this worker when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # the parent ended before the kernel was asked
        os._exit(1)
    os.environ["RAYON_NUM_THREADS"] = "1"  # each worker has one core

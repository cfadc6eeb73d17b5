"""Reference workload: a fixed piece of work that is timed before every measured step.

A rented core shares its hardware with other tenants. On an otherwise idle machine the same step
took up to a third longer from one minute to the next. The profile therefore compares the step time
of each short run with the time of the reference workload during that run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

_WIDTH = {"cpu": 384, "cuda": 4096}
_COPIED_VALUES = {"cpu": 2**21, "cuda": 2**26}


class ReferenceWorkload:
    """A matmul that fits the caches and a copy that does not, since a step does both.

    Each is done twice and only the second is timed, because the first depends on what the previous
    step left in the caches.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._matrix = torch.randn(_WIDTH[device.type], _WIDTH[device.type], device=device)
        self._product = torch.empty_like(self._matrix)
        self._source = torch.ones(_COPIED_VALUES[device.type], device=device)
        self._target = torch.empty_like(self._source)

    def seconds(self) -> float:
        """Do the work and return its time in seconds."""
        return self._time(
            lambda: torch.mm(self._matrix, self._matrix, out=self._product)
        ) + self._time(lambda: self._target.copy_(self._source))

    def _time(self, work: Callable[[], object]) -> float:
        work()
        self._wait()
        started = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - started

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

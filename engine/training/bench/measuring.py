"""Step times, load and memory that a rank measures while it trains."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import torch

SETUP_STEPS = 3
"""First steps of each start, which also set up allocators and kernels; step times exclude them."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Step time in seconds, without the set-up steps of each start."""

    mean: float
    p10: float
    p90: float

    @classmethod
    def from_steps(cls, times_s: Mapping[int, float], starts: Sequence[int]) -> Self:
        """Compute the times from ``times_s``, the seconds of each step (from 1).

        ``starts`` has the number of steps done at each start. If all steps are set-up steps, all
        count.
        """
        setup_steps = {start + n for start in starts for n in range(1, SETUP_STEPS + 1)}
        timed_s = [time_s for step, time_s in times_s.items() if step not in setup_steps]
        timed_s = timed_s or list(times_s.values())
        p10, p90 = np.quantile(timed_s, [0.1, 0.9])
        # The mean, and not the median: slow steps cost as well.
        return cls(statistics.fmean(timed_s), float(p10), float(p90))


class OtherProcessLoad:
    """CPU load by other processes since creation, the commonest reason for slow steps."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._busy_s = _machine_busy_s()
        self._own_s = time.process_time()

    def own_cpu_s(self) -> float:
        """Return the CPU seconds that this process has used since creation."""
        return time.process_time() - self._own_s

    def share(self, all_ranks_cpu_s: float) -> float:
        """Return the share of all cores' time that other processes used, from 0 to 1."""
        available_s = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        others_s = _machine_busy_s() - self._busy_s - all_ranks_cpu_s
        return min(1.0, max(0.0, others_s / available_s))


def _machine_busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def memory_in_use_bytes(device: torch.device) -> int:
    """Return this rank's memory in bytes: resident set on CPU, reserved by PyTorch on GPU."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return psutil.Process().memory_info().rss


def reset_peak_memory(device: torch.device) -> None:
    """Exclude the memory of earlier measurements from the peak of the model."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """Return this rank's peak memory in bytes: resident set on CPU, reserved by PyTorch on GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return _status_bytes("VmHWM")


def library_memory_bytes() -> int:
    """Return the bytes of the resident set that are pages of files, mainly of libraries.

    In a forked process they are only the pages that the process itself has touched.
    """
    return _status_bytes("RssFile")


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")

"""What a rank measures of itself and of the machine while it trains."""

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
"""First steps of a start, which also set up allocators and kernels: timed apart from the rest."""


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Seconds of a step, once the first ones are over."""

    mean: float
    p10: float
    p90: float

    @classmethod
    def from_steps(cls, times_s: Mapping[int, float], starts: Sequence[int]) -> Self:
        """``times_s`` by step, from 1; ``starts`` are the steps done when training was begun."""
        setup_steps = {start + n for start in starts for n in range(1, SETUP_STEPS + 1)}
        timed_s = [time_s for step, time_s in times_s.items() if step not in setup_steps]
        timed_s = timed_s or list(times_s.values())
        p10, p90 = np.quantile(timed_s, [0.1, 0.9])
        return cls(statistics.fmean(timed_s), float(p10), float(p90))  # slow ones are paid for, too


class OtherProcessLoad:
    """How busy other processes keep the cores while we measure: the commonest reason why a
    step takes longer than it should."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._busy_s = _machine_busy_s()
        self._own_s = time.process_time()

    def own_cpu_s(self) -> float:
        return time.process_time() - self._own_s

    def share(self, all_ranks_cpu_s: float) -> float:
        """Cores kept busy by others, as a share of all cores, since this was made."""
        available_s = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        others_s = _machine_busy_s() - self._busy_s - all_ranks_cpu_s
        return min(1.0, max(0.0, others_s / available_s))


def _machine_busy_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def memory_in_use_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return psutil.Process().memory_info().rss


def reset_peak_memory(device: torch.device) -> None:
    """What was measured before is none of the model's memory."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """Largest memory of this rank so far: resident set on CPU, reserved by PyTorch on GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return _status_bytes("VmHWM")


def library_memory_bytes() -> int:
    """Of the resident set, pages of files: code and data of libraries. A process that was forked
    has in it only those that it has touched itself."""
    return _status_bytes("RssFile")


def _status_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")

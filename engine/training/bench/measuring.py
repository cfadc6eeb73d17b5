"""Load and memory that a rank measures while it trains."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import torch


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

"""Time limits of the product, as tests measure them on a machine that is busy with other work."""

from __future__ import annotations

import os
from collections.abc import Iterable

import psutil


def load_factor() -> float:
    """Return the number of runnable processes per core, at least 1.

    A limit that the product promises holds on a machine with a free core for each process. On a
    busier machine everything takes about this many times as long.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def left_after(processes: Iterable[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Wait until ``processes`` have ended and return those left after ``limit_s`` seconds.

    The limit is that of an idle machine; a busy machine gets :func:`load_factor` times as long.
    """
    _, left = psutil.wait_procs(list(processes), timeout=limit_s)
    if left:
        _, left = psutil.wait_procs(left, timeout=limit_s * (load_factor() - 1))
    return list(left)

"""Step times of a training run, without the steps that set up each start."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

SETUP_STEPS = 3
"""First steps of each start, which also set up allocators and kernels; step times exclude them."""


def settled_steps(steps: Iterable[int], starts: Sequence[int]) -> list[int]:
    """Return the steps (from 1) that no start set up.

    ``starts`` has the number of steps done at each start.
    """
    setup_steps = {start + n for start in starts for n in range(1, SETUP_STEPS + 1)}
    return [step for step in steps if step not in setup_steps]


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
        timed_s = [times_s[step] for step in settled_steps(times_s, starts) or times_s]
        p10, p90 = np.quantile(timed_s, [0.1, 0.9])
        # The mean, and not the median: slow steps cost as well.
        return cls(statistics.fmean(timed_s), float(p10), float(p90))

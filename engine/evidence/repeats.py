"""Repeatability of the measured runs: the same configuration, measured more than once.

No forecast can be closer to a measurement than another measurement of the same configuration.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.evidence.rows import Row
from engine.evidence.sample import measured

SAME = (
    *("framework", "model", "n_layers", "d_model", "seq_len", "gpu", "n_gpus", "precision"),
    *("tp", "pp", "vp", "cp", "ep", "zero_stage", "sharding", "act_ckpt", "cpu_offload"),
    *("micro_batch", "grad_accum", "global_batch"),
)
"""Columns that two measurements of one configuration have in common."""


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Differences between measurements of the same configuration."""

    n_pairs: int
    median: float
    """Median of |one measurement ÷ the other − 1|."""
    p90: float


def repeatability(rows: Sequence[Row]) -> Repeatability | None:
    """Return the differences between all pairs of rows with the same configuration.

    The rows of a pair are from different releases of the software or from different reports.
    The result is None without such a pair.
    """
    speeds = defaultdict(list)
    for row in rows:
        speed = measured(row, "tokens_per_sec_per_gpu")
        if not math.isnan(speed):
            speeds[tuple(row.get(column, "") for column in SAME)].append(speed)
    differences = sorted(
        abs(first / second - 1)
        for group in speeds.values()
        for first, second in itertools.combinations(group, 2)
    )
    if not differences:
        return None
    return Repeatability(
        n_pairs=len(differences),
        median=statistics.median(differences),
        p90=differences[math.ceil(0.9 * len(differences)) - 1],
    )

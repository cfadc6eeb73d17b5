"""The rule of thumb that forecasts are compared with: 6 FLOPs per parameter and token at 40% MFU.

Most spreadsheets use this rule (Kaplan 2020, section 2.1, for the 6 FLOPs). It counts active
parameters, and ignores attention, communication, software and memory.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from engine.evidence.predictions import Score
from engine.evidence.rows import Row, Run
from engine.evidence.sample import measured

PEAK_SHARE = 0.4
FLOPS_PER_PARAMETER_AND_TOKEN = 6.0


def baseline_tokens_per_s(row: Row, run: Run) -> float:
    """Return the rule's tokens/s of one device, by its dense peak for the run's precision.

    The active parameters are those that the row states, or else those of its shape.
    """
    peak = run.device.needed_flops_per_s(run.layout.precision)
    stated = measured(row, "params_active")
    active = run.shape.count_parameters().active if math.isnan(stated) else stated
    return PEAK_SHARE * peak / (FLOPS_PER_PARAMETER_AND_TOKEN * active)


def baseline_score(rows: Sequence[Row], runs: Sequence[Run]) -> Score:
    """Return the errors of the rule on the rows with measured tokens/s.

    ``runs`` are the runs that were read from ``rows``.
    """
    ratios = [
        baseline_tokens_per_s(row, run) / speed
        for row, run in zip(rows, runs, strict=True)
        if not math.isnan(speed := measured(row, "tokens_per_sec_per_gpu"))
    ]
    errors = sorted(abs(ratio - 1) for ratio in ratios)
    return Score(
        group="",
        n_rows=len(rows),
        n_predicted=len(rows),
        n_infeasible=0,
        n_measured=len(ratios),
        median_error=statistics.median(errors) if errors else None,
        p90_error=errors[math.ceil(0.9 * len(errors)) - 1] if errors else None,
        bias=statistics.median(ratios) - 1 if ratios else None,
    )

"""What a forecast has to beat: 6 FLOPs for each active parameter and token, at 40% of the peak.

It is the rule of thumb of most spreadsheets (Kaplan 2020, section 2.1, for the 6): no attention,
no communication, no software, no memory.
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
    """Of one device, at its dense peak for the run's precision.

    The parameters are those that the row states, as who uses the rule would; where it states
    none, those of its shape.
    """
    peak = run.device.needed_flops_per_s(run.layout.precision)
    stated = measured(row, "params_active")
    active = run.shape.count_parameters().active if math.isnan(stated) else stated
    return PEAK_SHARE * peak / (FLOPS_PER_PARAMETER_AND_TOKEN * active)


def baseline_score(rows: Sequence[Row], runs: Sequence[Run]) -> Score:
    """How far the rule is off, on the rows with measured tokens/s; ``runs`` are read from them."""
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

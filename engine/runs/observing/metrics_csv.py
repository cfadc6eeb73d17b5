"""A run's steps as a table for other programs."""

from __future__ import annotations

import csv
import io

from engine.runs.folder import Run
from engine.runs.observing.progress import Progress

HEADER = (
    *("step", "tokens", "loss_nats_per_token", "held_out_loss_nats_per_token"),
    *("learning_rate", "gradient_norm", "step_time_s", "hours", "cost_usd", "unix_time_s"),
)
"""Column names, equal in every language. Hours and cost are cumulative over the steps."""


def metrics_csv(run: Run) -> str:
    """Return the run's steps as CSV, one row a step, with empty cells for missing values."""
    seen = Progress(run).update()
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    for index, step in enumerate(seen.metrics):
        writer.writerow(
            (
                *(step.step, step.tokens, step.loss, step.held_out_loss),
                *(step.learning_rate, step.gradient_norm, step.step_time_s),
                *(seen.position_on(index, "hours"), seen.position_on(index, "usd"), step.time),
            )
        )
    return table.getvalue()

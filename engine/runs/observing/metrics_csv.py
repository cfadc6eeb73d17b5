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
"""The same in every language. Hours and cost are those of all steps up to each."""


def metrics_csv(run: Run) -> str:
    """One row a step; an empty cell where nothing was measured."""
    seen = Progress(run).update()
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    for index, step in enumerate(seen.metrics):
        writer.writerow(
            (
                *(step.step, step.tokens, step.loss, step.held_out_loss),
                *(step.learning_rate, step.gradient_norm, step.step_time_s),
                *(seen.place(index, "hours"), seen.place(index, "usd"), step.time),
            )
        )
    return table.getvalue()

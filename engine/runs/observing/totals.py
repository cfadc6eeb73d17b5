"""Totals of a run's metrics, which continue from the line where an earlier reading ended."""

from __future__ import annotations

import datetime

from engine.documents import Document
from engine.files import JsonLines
from engine.results import StepMetrics
from engine.runs.folder import Run, RunState
from engine.units import SECONDS_PER_HOUR


class MetricTotals(Document):
    """Totals of the first ``read_bytes`` bytes of a run's metrics."""

    read_bytes: int = 0
    last_line: str = ""
    """Last line that was read. The file holds another line at its place once the metrics were cut
    back to a checkpoint."""
    steps_done: int = 0
    since: float = 0.0
    """Unix time, in seconds, at which training was last started."""
    new_hours: float = 0.0
    """Hours of the steps since ``since``; evaluations and the start are left out, as in the
    forecast."""
    held_out_loss: float | None = None
    """Held-out loss of the last evaluation during training, in nats per token."""


def read_totals(
    run: Run, before: MetricTotals, started_at: datetime.datetime | None
) -> MetricTotals:
    """Return the totals of all of a run's metrics, given the totals ``before`` of an earlier call.

    Only lines after ``before`` are read, unless training was started again since.
    """
    since = started_at.timestamp() if started_at else 0.0
    if since != before.since:
        before = MetricTotals(since=since)
    reader = JsonLines(run.folder / "metrics.jsonl", before.read_bytes, before.last_line.encode())
    was_cut_back, lines = reader.new()
    if was_cut_back:
        before = MetricTotals(since=since)
    steps_done, held_out_loss = before.steps_done, before.held_out_loss
    new_hours = before.new_hours
    for line in lines:
        step = StepMetrics.parse(line, f"{run.id}/metrics.jsonl")
        steps_done = step.step
        new_hours += step.step_time_s / SECONDS_PER_HOUR if step.time >= since else 0.0
        held_out_loss = held_out_loss if step.held_out_loss is None else step.held_out_loss
    return MetricTotals(
        read_bytes=reader.read_bytes,
        last_line=reader.last_line.decode(),
        steps_done=steps_done,
        held_out_loss=held_out_loss,
        since=since,
        new_hours=new_hours,
    )


def spent_hours(state: RunState, totals: MetricTotals) -> float:
    """Return the hours of all steps ever taken, lost steps that were taken again included."""
    return state.spent_s / SECONDS_PER_HOUR + totals.new_hours

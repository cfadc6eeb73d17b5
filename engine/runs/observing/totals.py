"""What the metrics of a run add up to, read on from where somebody stopped before."""

from __future__ import annotations

import datetime

from engine.documents import Document
from engine.files import JsonLines
from engine.results import StepMetrics
from engine.runs.folder import Run, RunState
from engine.units import SECONDS_PER_HOUR


class Tally(Document):
    """Of the first ``read_bytes`` of a run's metrics."""

    read_bytes: int = 0
    last_line: str = ""
    """Of what was read: it no longer stands there once metrics were cut back to a checkpoint."""
    steps_done: int = 0
    since: float = 0.0
    """Unix time at which training was last begun."""
    new_hours: float = 0.0
    """Of the steps taken since then; evaluations and the start are left out, as in the
    forecast."""
    held_out_loss: float | None = None
    """The last one on the way, in nats per token."""


def tally(run: Run, before: Tally, started_at: datetime.datetime | None) -> Tally:
    """The sums of all of a run's metrics; only what came since ``before`` is read, as long as
    training has not been begun anew."""
    since = started_at.timestamp() if started_at else 0.0
    if since != before.since:
        before = Tally(since=since)
    reader = JsonLines(run.folder / "metrics.jsonl", before.read_bytes, before.last_line.encode())
    began_anew, lines = reader.new()
    if began_anew:
        before = Tally(since=since)
    steps_done, held_out_loss = before.steps_done, before.held_out_loss
    new_hours = before.new_hours
    for line in lines:
        step = StepMetrics.parse(line, f"{run.id}/metrics.jsonl")
        steps_done = step.step
        new_hours += step.step_time_s / SECONDS_PER_HOUR if step.time >= since else 0.0
        held_out_loss = held_out_loss if step.held_out_loss is None else step.held_out_loss
    return Tally(
        read_bytes=reader.read_bytes,
        last_line=reader.last_line.decode(),
        steps_done=steps_done,
        held_out_loss=held_out_loss,
        since=since,
        new_hours=new_hours,
    )


def spent_hours(state: RunState, sums: Tally) -> float:
    """What all steps took that were ever taken, those included that were lost with their process
    and taken again."""
    return state.spent_s / SECONDS_PER_HOUR + sums.new_hours

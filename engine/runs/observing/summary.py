"""A run in one row, as lists of runs show it."""

from __future__ import annotations

import datetime

from engine.documents import Document, InputError
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.job import BackEndName
from engine.runs.labels import about_of
from engine.runs.observing.disk_use import DiskUse, disk_use
from engine.runs.observing.progress import price_usd_per_hour
from engine.runs.observing.totals import MetricTotals, spent_hours


class Summary(Document):
    """One run as its folder describes it; an unreadable folder has only its id and the reason."""

    run_id: str
    name: str
    """Name from ``about.json``, or else of the recipe; the id of an unreadable run."""
    unreadable: Failure | None = None
    """Reason why the folder cannot be read; the other fields then keep their defaults."""
    phase: Phase | None = None
    """Phase by ``state.json``; None only for an unreadable run."""
    created_at: datetime.datetime | None = None
    started_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    starts: int = 0
    """Number of times that training was started."""
    back_end: BackEndName = "local"
    priority: int = 0
    n_ranks: int = 1
    n_parameters: int = 0
    steps: int = 0
    steps_done: int = 0
    hours: float = 0.0
    """Hours of all steps ever taken, lost steps that were taken again included."""
    cost_usd: float = 0.0
    """Cost of ``hours``."""
    held_out_loss: float | None = None
    """Last held-out loss that was measured, in nats per token."""
    failure: Failure | None = None
    """Reason of a failure, or of a stop at a spending limit."""
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False
    disk: DiskUse = DiskUse()

    @property
    def is_over(self) -> bool:
        return self.phase is None or self.phase.is_over

    def trouble(self, language: str) -> str | None:
        """Return one line about why the run failed or cannot be read; None if it did neither."""
        reason = self.unreadable or self.failure
        return None if reason is None else reason.in_language(language)


def summarise(run: Run, totals: MetricTotals) -> Summary:
    """Summarise the run's folder, given the totals of its metrics.

    Raises
    ------
    InputError
        If one of its files is missing or not valid.
    """
    recipe, state, job, about, result = run.recipe, run.state, run.job, about_of(run), run.result
    hours = spent_hours(state, totals)
    return Summary(
        run_id=run.id,
        name=about.name or recipe.name,
        phase=state.phase,
        created_at=state.created_at,
        started_at=state.started_at,
        ended_at=state.ended_at,
        starts=state.starts,
        back_end=job.back_end,
        priority=job.priority,
        n_ranks=recipe.n_ranks,
        n_parameters=recipe.shape.count_parameters().total,
        steps=recipe.steps,
        steps_done=totals.steps_done,
        hours=hours,
        cost_usd=hours * price_usd_per_hour(recipe, run.plan),
        held_out_loss=totals.held_out_loss if result is None else result.held_out_loss,
        failure=state.failure,
        tags=about.tags,
        note=about.note,
        archived=about.archived,
        disk=disk_use(run.folder),
    )


def unreadable(run: Run, error: InputError | OSError) -> Summary:
    """Summarise a run whose files are not valid, or which cannot be brought up to date."""
    if isinstance(error, InputError):
        reason = Failure.of_input(error)
    else:
        reason = Failure(key="unreadable", params={"error": str(error)})
    return Summary(run_id=run.id, name=run.id, unreadable=reason)

"""A run in one row: what lists of runs show of it."""

from __future__ import annotations

import datetime

from engine.documents import Document, InputError
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.job import BackEndName
from engine.runs.labels import about_of
from engine.runs.observing.disk_use import DiskUse, disk_use
from engine.runs.observing.progress import price_usd_per_hour
from engine.runs.observing.totals import Tally, spent_hours


class Summary(Document):
    """One run as its folder says it is. Of a folder that cannot be read, its id and why."""

    run_id: str
    name: str
    """What people call it: by ``about.json``, else by its recipe; its id if it is unreadable."""
    unreadable: Failure | None = None
    """Why nothing else is known of it."""
    phase: Phase | None = None
    """None only where it is unreadable."""
    created_at: datetime.datetime | None = None
    started_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    starts: int = 0
    """How often training was begun."""
    back_end: BackEndName = "local"
    priority: int = 0
    n_ranks: int = 1
    n_parameters: int = 0
    steps: int = 0
    steps_done: int = 0
    hours: float = 0.0
    """What its steps have taken, those included that were lost and taken again."""
    cost_usd: float = 0.0
    """Of these hours."""
    held_out_loss: float | None = None
    """The last one measured, in nats per token."""
    failure: Failure | None = None
    """Why it failed, if it did."""
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False
    disk: DiskUse = DiskUse()

    @property
    def is_over(self) -> bool:
        return self.phase is None or self.phase.is_over

    def trouble(self, language: str) -> str | None:
        """Why it failed or cannot be read, as one line; None where there is no trouble."""
        why = self.unreadable or self.failure
        return None if why is None else why.in_language(language)


def summarise(run: Run, tally: Tally) -> Summary:
    """What the run's folder says, with the sums of its metrics.

    Raises
    ------
    InputError
        If one of its files does not say what it must.
    """
    recipe, state, job, about, result = run.recipe, run.state, run.job, about_of(run), run.result
    hours = spent_hours(state, tally)
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
        steps_done=tally.steps_done,
        hours=hours,
        cost_usd=hours * price_usd_per_hour(recipe, run.plan),
        held_out_loss=tally.held_out_loss if result is None else result.held_out_loss,
        failure=state.failure,
        tags=about.tags,
        note=about.note,
        archived=about.archived,
        disk=disk_use(run.folder),
    )


def unreadable(run: Run, error: InputError | OSError) -> Summary:
    """Of a folder whose files do not say what they must."""
    if isinstance(error, InputError):
        why = Failure.of_input(error)
    else:
        why = Failure(key="unreadable", params={"error": str(error)})
    return Summary(run_id=run.id, name=run.id, unreadable=why)

"""An overview of all runs, their cost by day, and a filter for lists of runs."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.runs.folder import Phase
from engine.runs.observing.summary import Summary

RECENT = datetime.timedelta(days=7)
"""Time after its end during which a run counts as recent."""
DAYS_OF_SPENDING = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Runs by what they are doing, and counts of runs that are over."""

    live: list[Summary]
    """Live runs, oldest first."""
    queued: list[Summary]
    """Queued runs in the order in which they start."""
    n_over: int
    recently_succeeded: int
    """Number of runs that succeeded in the last seven days."""
    recently_failed: int
    """Number of runs that failed in the last seven days."""
    recently_ended: int
    """Number of runs that ended in the last seven days, in any way."""
    disk_bytes: int
    """Disk space of all runs together, in bytes."""


def overview_of(seen: Iterable[Summary], at: datetime.datetime) -> Overview:
    """Count the runs of ``seen`` at the time ``at``."""
    runs = list(seen)
    live = [run for run in runs if run.phase is not None and run.phase.is_live]
    queued = [run for run in runs if run.phase is Phase.QUEUED]
    over = [run for run in runs if run.is_over]
    recent = [run for run in over if run.ended_at is not None and at - run.ended_at <= RECENT]
    return Overview(
        live=sorted(live, key=lambda run: run.run_id),
        queued=sorted(queued, key=lambda run: (-run.priority, run.run_id)),
        n_over=len(over),
        recently_succeeded=sum(run.phase is Phase.SUCCEEDED for run in recent),
        recently_failed=sum(run.phase is Phase.FAILED for run in recent),
        recently_ended=len(recent),
        disk_bytes=sum(run.disk.total_bytes for run in runs),
    )


def spent_by_day(
    seen: Iterable[Summary], at: datetime.datetime
) -> dict[str, dict[datetime.date, float]]:
    """Return the cost in USD by state and day (UTC) over the last :data:`DAYS_OF_SPENDING` days.

    The whole cost of a run counts on the day on which it ended. A run that has not ended counts
    today, under the state ``unfinished``.
    """
    today = at.astimezone(datetime.UTC).date()
    first = today - datetime.timedelta(days=DAYS_OF_SPENDING - 1)
    spent: dict[str, dict[datetime.date, float]] = {}
    for run in seen:
        day = run.ended_at.astimezone(datetime.UTC).date() if run.ended_at else today
        if run.cost_usd and day >= first:
            days = spent.setdefault(state_of(run) if run.is_over else "unfinished", {})
            days[day] = days.get(day, 0.0) + run.cost_usd
    return spent


def matching_runs(
    seen: Iterable[Summary],
    *,
    words: str = "",
    states: Sequence[str] = (),
    tags: Sequence[str] = (),
    archived: bool = False,
) -> list[Summary]:
    """Return the runs that match all criteria; an empty criterion matches every run.

    Parameters
    ----------
    words
        Words that must each occur in a run's name, id, note or tags, in any case.
    states
        States of which a run must have one.
    tags
        Tags that a run must have, all of them.
    archived
        Whether archived runs are included.
    """
    wanted = words.casefold().split()

    def matches(run: Summary) -> bool:
        labels = " ".join((run.name, run.run_id, run.note, *run.tags)).casefold()
        return (
            (archived or not run.archived)
            and all(word in labels for word in wanted)
            and (not states or state_of(run) in states)
            and set(tags) <= set(run.tags)
        )

    return [run for run in seen if matches(run)]


def state_of(run: Summary) -> str:
    """Return the run's phase, or ``unreadable`` if its folder cannot be read."""
    return "unreadable" if run.phase is None else run.phase


def all_tags(seen: Iterable[Summary]) -> list[str]:
    """Return all tags of the runs in alphabetical order."""
    return sorted({tag for run in seen for tag in run.tags})

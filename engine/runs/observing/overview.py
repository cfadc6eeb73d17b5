"""Where all runs stand, and those of them that somebody looks for."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.runs.folder import Phase
from engine.runs.observing.summary import Summary

LATELY = datetime.timedelta(days=7)
DAYS_OF_SPENDING = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is going on, and what came of what is over."""

    live: list[Summary]
    """The one that was begun first comes first."""
    queued: list[Summary]
    """In the order in which they start."""
    n_over: int
    succeeded_lately: int
    """Over the last seven days, as the two below."""
    failed_lately: int
    ended_lately: int
    disk_bytes: int


def standing(seen: Iterable[Summary], at: datetime.datetime) -> Standing:
    everything = list(seen)
    live = [one for one in everything if one.phase is not None and one.phase.is_live]
    queued = [one for one in everything if one.phase is Phase.QUEUED]
    over = [one for one in everything if one.is_over]
    lately = [one for one in over if one.ended_at is not None and at - one.ended_at <= LATELY]
    return Standing(
        live=sorted(live, key=lambda one: one.run_id),
        queued=sorted(queued, key=lambda one: (-one.priority, one.run_id)),
        n_over=len(over),
        succeeded_lately=sum(one.phase is Phase.SUCCEEDED for one in lately),
        failed_lately=sum(one.phase is Phase.FAILED for one in lately),
        ended_lately=len(lately),
        disk_bytes=sum(one.disk.total_bytes for one in everything),
    )


def spent_by_day(
    seen: Iterable[Summary], at: datetime.datetime
) -> dict[str, dict[datetime.date, float]]:
    """USD by state and day (UTC) of the last :data:`DAYS_OF_SPENDING`: all that a run has cost
    counts to the day on which it ended; to today, as ``unfinished``, if it has not."""
    today = at.astimezone(datetime.UTC).date()
    first = today - datetime.timedelta(days=DAYS_OF_SPENDING - 1)
    spent: dict[str, dict[datetime.date, float]] = {}
    for one in seen:
        day = one.ended_at.astimezone(datetime.UTC).date() if one.ended_at else today
        if one.cost_usd and day >= first:
            days = spent.setdefault(state_of(one) if one.is_over else "unfinished", {})
            days[day] = days.get(day, 0.0) + one.cost_usd
    return spent


def looked_for(
    seen: Iterable[Summary],
    *,
    words: str = "",
    states: Sequence[str] = (),
    tags: Sequence[str] = (),
    archived: bool = False,
) -> list[Summary]:
    """Those that have every word in name, id, note or tags, one of the states and all tags;
    nothing said allows all. Archived ones only where they are asked for."""
    wanted = words.casefold().split()

    def fits(one: Summary) -> bool:
        told = " ".join((one.name, one.run_id, one.note, *one.tags)).casefold()
        return (
            (archived or not one.archived)
            and all(word in told for word in wanted)
            and (not states or state_of(one) in states)
            and set(tags) <= set(one.tags)
        )

    return [one for one in seen if fits(one)]


def state_of(one: Summary) -> str:
    """Its phase; ``unreadable`` where its folder does not tell."""
    return "unreadable" if one.phase is None else one.phase


def all_tags(seen: Iterable[Summary]) -> list[str]:
    return sorted({tag for one in seen for tag in one.tags})

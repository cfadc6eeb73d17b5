"""A second look at all runs, and a third, at the cost of those alone that are not over."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.folder import Run, is_run_id
from engine.runs.observing.progress import price_usd_per_hour
from engine.runs.observing.summary import Summary
from engine.runs.observing.totals import Tally, spent_hours, tally


class Watch:
    """Goes on from a look at all runs; a page or a terminal that follows them has one."""

    def __init__(self, seen: Sequence[Summary], tallies: dict[str, Tally]) -> None:
        """``tallies`` is where the sums of metrics are kept from one watch to the next."""
        self._seen, self._tallies = seen, tallies

    def read(self) -> list[Summary] | None:
        """The runs as they are now; None if one has come, gone, begun or ended, or cannot be read
        any more: then it is time for another look at all of them."""
        if _run_ids() != {one.run_id for one in self._seen}:
            return None
        try:
            current = [one if one.is_over else self._again(one) for one in self._seen]
        except (InputError, FileNotFoundError):
            return None
        is_same = all(one.phase == two.phase for one, two in zip(self._seen, current, strict=True))
        return current if is_same else None

    def _again(self, one: Summary) -> Summary:
        run = Run.find(one.run_id)
        state = run.state
        sums = tally(run, self._tallies.get(one.run_id, Tally()), state.started_at)
        self._tallies[one.run_id] = sums
        hours = spent_hours(state, sums)
        changes = {
            "phase": state.phase,
            "priority": run.job.priority,
            "steps_done": sums.steps_done,
            "hours": hours,
            "cost_usd": hours * price_usd_per_hour(run.recipe, run.plan),
        }
        return one.model_copy(update=changes)


def _run_ids() -> set[str]:
    try:
        found = os.scandir(runs_dir())
        return {entry.name for entry in found if is_run_id(entry.name) and entry.is_dir()}
    except FileNotFoundError:  # nothing has run here yet
        return set()

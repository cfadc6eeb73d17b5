"""Repeated readings of all runs, each at the cost of reading only the runs that are not over."""

from __future__ import annotations

import os
from collections.abc import Sequence

from engine.documents import InputError
from engine.paths import runs_dir
from engine.runs.folder import Run, is_run_id
from engine.runs.observing.progress import price_usd_per_hour
from engine.runs.observing.summary import Summary
from engine.runs.observing.totals import MetricTotals, read_totals, spent_hours


class Watch:
    """Repeats a reading of all runs for a page or a terminal that follows them."""

    def __init__(self, seen: Sequence[Summary], totals_by_run: dict[str, MetricTotals]) -> None:
        """Continue from the summaries ``seen``.

        ``totals_by_run`` holds the totals of metrics by run id; each reading updates it, so that
        the next watch continues from there.
        """
        self._seen, self._totals_by_run = seen, totals_by_run

    def read(self) -> list[Summary] | None:
        """Return current summaries; None if the caller must read all runs again.

        That is the case if a run was added or removed, changed its phase, or became unreadable.
        """
        if _run_ids() != {summary.run_id for summary in self._seen}:
            return None
        try:
            current = [
                summary if summary.is_over else self._updated(summary) for summary in self._seen
            ]
        except (InputError, FileNotFoundError):
            return None
        pairs = zip(self._seen, current, strict=True)
        return current if all(before.phase == now.phase for before, now in pairs) else None

    def _updated(self, summary: Summary) -> Summary:
        run = Run.find(summary.run_id)
        state = run.state
        before = self._totals_by_run.get(summary.run_id, MetricTotals())
        totals = read_totals(run, before, state.started_at)
        self._totals_by_run[summary.run_id] = totals
        hours = spent_hours(state, totals)
        changes = {
            "phase": state.phase,
            "priority": run.job.priority,
            "steps_done": totals.steps_done,
            "hours": hours,
            "cost_usd": hours * price_usd_per_hour(run.recipe, run.plan),
        }
        return summary.model_copy(update=changes)


def _run_ids() -> set[str]:
    try:
        entries = os.scandir(runs_dir())
        return {entry.name for entry in entries if is_run_id(entry.name) and entry.is_dir()}
    except FileNotFoundError:  # no run was ever created here
        return set()

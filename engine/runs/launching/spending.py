"""Cost of runs, and its limits for one run and for all runs of a calendar month (UTC).

The cost covers what the forecast covers: the devices during training steps. Steps that were lost
with their process and taken again count twice, because they were paid for twice. A run counts in
full in the month in which it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from engine import quantities
from engine.documents import InputError
from engine.results import Failure
from engine.runs.folder import Run, RunState, now
from engine.runs.job import Job
from engine.runs.observing.index import summaries
from engine.runs.observing.progress import price_usd_per_hour
from engine.runs.observing.summary import Summary
from engine.runs.observing.totals import MetricTotals, read_totals, spent_hours
from engine.runs.settings import settings
from engine.units import SECONDS_PER_HOUR


class RunSpending:
    """The cost of one run so far; each call reads the metrics that were added since the last."""

    def __init__(self, run: Run) -> None:
        self._run, self._totals = run, MetricTotals()
        self._steps = run.recipe.steps
        self._usd_per_hour = price_usd_per_hour(run.recipe, run.plan)

    def spent_s(self, state: RunState) -> float:
        """Return the seconds of all steps ever taken."""
        self._totals = read_totals(self._run, self._totals, state.started_at)
        return spent_hours(state, self._totals) * SECONDS_PER_HOUR

    def spent_usd(self, state: RunState) -> float:
        """Return the cost of all steps ever taken."""
        return self.spent_s(state) / SECONDS_PER_HOUR * self._usd_per_hour

    def remaining_usd(self, state: RunState) -> float:
        """Return the forecast cost of the steps that are not done yet."""
        self.spent_s(state)
        return _remaining_usd(self._run, self._totals.steps_done, self._steps)


class MonthSpending(NamedTuple):
    """Cost of the runs of the current calendar month (UTC)."""

    spent_usd: float
    """Cost so far of runs that ended in this month and of runs that have not ended."""
    remaining_usd: float
    """Cost of the remaining steps of live runs: at the pace of their steps so far, or by the
    forecast before their first step."""


def month_spending(excluding: Run | None = None) -> MonthSpending:
    """Return this month's spending without the remaining cost of the run ``excluding``."""
    return month_spending_of(summaries(), excluding)


def month_spending_of(seen: Sequence[Summary], excluding: Run | None = None) -> MonthSpending:
    """Return this month's spending of the runs ``seen``, as :func:`month_spending` does."""
    spent_usd, remaining_usd, today = 0.0, 0.0, now()
    excluded_id = excluding and excluding.id
    for run in seen:
        if run.ended_at and (run.ended_at.year, run.ended_at.month) != (today.year, today.month):
            continue
        spent_usd += run.cost_usd
        if run.phase is not None and run.phase.is_live and run.run_id != excluded_id:
            remaining_usd += _remaining_at_pace_usd(run)
    return MonthSpending(spent_usd, remaining_usd)


def check_spending(run: Run, job: Job) -> None:
    """Check whether ``run`` may start, given its forecast cost and both spending limits.

    Raises
    ------
    InputError
        With the figures, if the forecast passes the run's own limit or the limit of the month.
    """
    spending, state = RunSpending(run), run.state
    remaining_usd = spending.remaining_usd(state)
    total_usd = spending.spent_usd(state) + remaining_usd
    limit = job.spending_limit_usd
    if limit is not None and total_usd > limit:
        figures = {"forecast": _shown(total_usd)}
        raise InputError("spending_limit_usd", _shown(limit), "forecast_below_limit", **figures)
    limit = settings().monthly_spending_limit_usd
    if limit is None:
        return
    month = month_spending(excluding=run)
    if month.spent_usd + month.remaining_usd + remaining_usd > limit:
        raise InputError(
            "monthly_spending_limit_usd",
            _shown(limit),
            "forecast_below_monthly_limit",
            spent=_shown(month.spent_usd),
            live=_shown(month.remaining_usd),
            forecast=_shown(remaining_usd),
        )


def own_limit_reached(spending: RunSpending, state: RunState, job: Job) -> Failure | None:
    """Return the reason to stop a live run that has reached its own spending limit, or None."""
    limit = job.spending_limit_usd
    if limit is None or (spent_usd := spending.spent_usd(state)) < limit:
        return None
    return _reached("spending_limit", spent_usd, limit)


def monthly_limit_reached(run: Run) -> Failure | None:
    """Return the reason to stop ``run`` if all runs have reached the month's limit, or None."""
    limit = settings().monthly_spending_limit_usd
    if limit is None or (spent_usd := month_spending(excluding=run).spent_usd) < limit:
        return None
    return _reached("monthly_spending_limit", spent_usd, limit)


def _reached(key: str, spent_usd: float, limit: Decimal) -> Failure:
    return Failure(key=key, params={"spent": _shown(spent_usd), "limit": _shown(limit)})


def _remaining_usd(run: Run, steps_done: int, steps: int) -> float:
    return run.forecast.cost_usd.value * (1 - steps_done / steps)


def _remaining_at_pace_usd(run: Summary) -> float:
    """Return the cost of the remaining steps at the mean cost of the steps so far."""
    if not run.steps_done or not run.cost_usd:
        return _remaining_usd(Run.find(run.run_id), run.steps_done, run.steps)
    return run.cost_usd / run.steps_done * (run.steps - run.steps_done)


def _shown(amount_usd: float | Decimal) -> str:
    return quantities.usd(amount_usd, "en")

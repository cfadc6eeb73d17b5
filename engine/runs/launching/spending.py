"""What runs cost, and the limits of it: of one run, and of all runs in a calendar month (UTC).

What counts is what the forecast counts: the devices, for as long as steps take. Steps that were
lost with their process and taken again count twice, since they were paid for twice. A run counts
in full in the month in which it ended.
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
from engine.runs.observing.totals import Tally, spent_hours, tally
from engine.runs.settings import settings
from engine.units import SECONDS_PER_HOUR


class Account:
    """What one run has cost so far, read from its metrics as they come."""

    def __init__(self, run: Run) -> None:
        self._run, self._tally = run, Tally()
        self._steps = run.recipe.steps
        self._usd_per_hour = price_usd_per_hour(run.recipe, run.plan)

    def spent_s(self, state: RunState) -> float:
        """Seconds of steps."""
        self._tally = tally(self._run, self._tally, state.started_at)
        return spent_hours(state, self._tally) * SECONDS_PER_HOUR

    def spent_usd(self, state: RunState) -> float:
        return self.spent_s(state) / SECONDS_PER_HOUR * self._usd_per_hour

    def to_come_usd(self, state: RunState) -> float:
        """By its forecast, for the steps that are not yet done."""
        self.spent_s(state)
        return _to_come_usd(self._run, self._tally.steps_done, self._steps)


class Month(NamedTuple):
    """The calendar month that it is now."""

    spent_usd: float
    """By runs that ended in it, and by those that have not ended."""
    to_come_usd: float
    """Of live runs."""


def this_month(besides: Run | None = None) -> Month:
    """What counts to this month's limit, less what ``besides`` has still to spend."""
    return month_of(summaries(), besides)


def month_of(seen: Sequence[Summary], besides: Run | None = None) -> Month:
    """The same, by a look at all runs that somebody has had."""
    spent_usd, to_come_usd, today = 0.0, 0.0, now()
    left_out = besides and besides.id
    for one in seen:
        if one.ended_at and (one.ended_at.year, one.ended_at.month) != (today.year, today.month):
            continue
        spent_usd += one.cost_usd
        if one.phase is not None and one.phase.is_live and one.run_id != left_out:
            to_come_usd += _to_come_usd(Run.find(one.run_id), one.steps_done, one.steps)
    return Month(spent_usd, to_come_usd)


def check_spending(run: Run, job: Job) -> None:
    """Whether ``run`` may start, by what it is forecast to cost.

    Raises
    ------
    InputError
        With the figures, if that passes its own limit or the month's.
    """
    account, state = Account(run), run.state
    to_come_usd = account.to_come_usd(state)
    whole_usd = account.spent_usd(state) + to_come_usd
    limit = job.spending_limit_usd
    if limit is not None and whole_usd > limit:
        figures = {"forecast": _shown(whole_usd)}
        raise InputError("spending_limit_usd", _shown(limit), "forecast_below_limit", **figures)
    limit = settings().monthly_spending_limit_usd
    if limit is None:
        return
    month = this_month(besides=run)
    if month.spent_usd + month.to_come_usd + to_come_usd > limit:
        raise InputError(
            "monthly_spending_limit_usd",
            _shown(limit),
            "forecast_below_monthly_limit",
            spent=_shown(month.spent_usd),
            live=_shown(month.to_come_usd),
            forecast=_shown(to_come_usd),
        )


def own_limit_reached(account: Account, state: RunState, job: Job) -> Failure | None:
    """That a live run has cost what it may cost, if it has."""
    limit = job.spending_limit_usd
    if limit is None or (spent_usd := account.spent_usd(state)) < limit:
        return None
    return _reached("spending_limit", spent_usd, limit)


def monthly_limit_reached(run: Run) -> Failure | None:
    """That all runs have cost what they may cost in this month, if they have."""
    limit = settings().monthly_spending_limit_usd
    if limit is None or (spent_usd := this_month(besides=run).spent_usd) < limit:
        return None
    return _reached("monthly_spending_limit", spent_usd, limit)


def _reached(key: str, spent_usd: float, limit: Decimal) -> Failure:
    return Failure(key=key, params={"spent": _shown(spent_usd), "limit": _shown(limit)})


def _to_come_usd(run: Run, steps_done: int, steps: int) -> float:
    return run.forecast.cost_usd.value * (1 - steps_done / steps)


def _shown(amount_usd: float | Decimal) -> str:
    return quantities.usd(amount_usd, "en")

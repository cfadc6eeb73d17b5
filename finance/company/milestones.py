"""What happens in single months: training runs that begin, money that comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finance.books.months import month_of_date
from finance.capital.events import PricedRound
from finance.company.company import Company
from finance.costs.training import scheduled_runs

MAX_SCHEDULED_RUNS = 6
"""A schedule with more of them is no row of events but a habit."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """One event, or several of a kind in one month."""

    month: int
    kind: Literal["round", "inflow", "loan", "training"]
    name: str = ""
    """As the company's document calls it; empty for the round and for runs of the plan."""


def milestones(company: Company) -> list[Milestone]:
    """All of them within the horizon, in the order of their months."""
    found = [
        *_rounds(company),
        *(Milestone(one.month, "inflow", one.name) for one in company.inflows),
        *(Milestone(one.month, "loan", one.name) for one in company.loans),
        *(Milestone(one.month, "training", one.name) for one in company.training_events),
        *_scheduled(company),
    ]
    seen = (one for one in found if one.month <= company.horizon_months)
    return sorted(seen, key=lambda one: one.month)


def _rounds(company: Company) -> list[Milestone]:
    if company.equity_round is not None:
        return [Milestone(company.equity_round.month, "round")]
    found = (
        Milestone(month_of_date(company.first_month, event.date), "round", event.series)
        for event in (step.event for step in company.capital_steps)
        if isinstance(event, PricedRound)
    )
    return [one for one in found if one.month >= 1]


def _scheduled(company: Company) -> list[Milestone]:
    if company.training is None:
        return []
    months = np.flatnonzero(scheduled_runs(company.training, company.horizon_months)[0]) + 1
    if len(months) > MAX_SCHEDULED_RUNS:
        return []
    return [Milestone(int(month), "training") for month in months]

"""Milestones of a company: starts of training runs, rounds, inflows and loans, by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from finance.books.months import month_of_date
from finance.capital.events import PricedRound
from finance.company.company import Company
from finance.costs.training import scheduled_runs

MAX_SCHEDULED_RUNS = 6
"""Maximum of scheduled runs that are shown as milestones; a denser schedule is left out."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """Event of one month, or several events of one kind in the same month."""

    month: int
    kind: Literal["round", "inflow", "loan", "training"]
    name: str = ""
    """Name in the company's document; empty for ``equity_round`` and for scheduled runs."""


def milestones(company: Company) -> list[Milestone]:
    """Return the milestones within the horizon, ordered by month."""
    unsorted = [
        *_rounds(company),
        *(Milestone(inflow.month, "inflow", inflow.name) for inflow in company.inflows),
        *(Milestone(loan.month, "loan", loan.name) for loan in company.loans),
        *(Milestone(event.month, "training", event.name) for event in company.training_events),
        *_scheduled_training(company),
    ]
    in_horizon = (milestone for milestone in unsorted if milestone.month <= company.horizon_months)
    return sorted(in_horizon, key=lambda milestone: milestone.month)


def _rounds(company: Company) -> list[Milestone]:
    if company.equity_round is not None:
        return [Milestone(company.equity_round.month, "round")]
    rounds = (
        Milestone(month_of_date(company.first_month, event.date), "round", event.series)
        for event in (step.event for step in company.capital_steps)
        if isinstance(event, PricedRound)
    )
    return [milestone for milestone in rounds if milestone.month >= 1]


def _scheduled_training(company: Company) -> list[Milestone]:
    if company.training is None:
        return []
    months = np.flatnonzero(scheduled_runs(company.training, company.horizon_months)[0]) + 1
    if len(months) > MAX_SCHEDULED_RUNS:
        return []
    return [Milestone(int(month), "training") for month in months]

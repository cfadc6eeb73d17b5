"""Training schedule: repeated runs of the plan, and dated runs of a changed plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np
from pydantic import Field

from engine.documents import Document
from engine.field_types import ShortName
from finance.books.cents import Floats
from finance.books.months import MAX_MONTHS, Month, MonthCount

RunCount = Annotated[int, Field(ge=0, le=100_000_000)]
ResearchShare = Annotated[Decimal, Field(ge=0, le=100, max_digits=6)]
"""Compute of experiments, searches and failed runs, as a multiple of the compute of the run."""
PlanValue = int | float | str | bool | None


class TrainingSchedule(Document):
    """Months in which training runs of the plan are paid for."""

    first_month: Month
    runs: RunCount = 1
    """Number of runs in each month of the schedule."""
    repeat_every_months: Annotated[int, Field(ge=0, le=MAX_MONTHS)] = 0
    """Interval between repetitions, in months; 0 means no repetition."""
    research_share: ResearchShare = Decimal(1)


class TrainingEvent(Document):
    """Dated training run; its cost comes from the engine and is spread over its duration."""

    name: ShortName
    month: Month
    """Month in which the run starts."""
    runs: RunCount = 1
    """Number of runs that start at the same time."""
    research_share: ResearchShare = Decimal(1)
    research_months: MonthCount = 1
    """Duration of the research in months; its last month is the month in which the run starts."""
    changes: Annotated[dict[str, PlanValue], Field(max_length=50, default_factory=dict)]
    """Fields of the plan that differ for this run, by dotted path:
    ``{"tokens" = 6e12, "shape.n_layers" = 32}``."""


def scheduled_runs(schedule: TrainingSchedule, n_months: int) -> Floats:
    """Return the runs of the plan that are paid for in each month, without research.

    The shape is (1, n_months).
    """
    since_first = np.arange(1, n_months + 1) - schedule.first_month
    every = schedule.repeat_every_months
    due = since_first == 0 if every == 0 else (since_first >= 0) & (since_first % every == 0)
    return np.where(due, float(schedule.runs), 0.0)[np.newaxis]


def share_of_each_month(first: int, months: int, n_months: int) -> Floats:
    """Return the share of a task that falls in each month, spread over ``months`` from ``first``.

    ``first`` may precede month 1; the company does not pay for the part before month 1. The shape
    is (1, n_months).
    """
    since = np.arange(1, n_months + 1)[np.newaxis] - first
    return np.where((since >= 0) & (since < months), 1.0 / months, 0.0)

"""When models are trained: runs of the plan, and dated runs of what it becomes."""

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
"""Compute of experiments, searches and failed runs beside a run, as a multiple of it."""
PlanValue = int | float | str | bool | None


class TrainingSchedule(Document):
    """When the plan's training run is paid for, and how often."""

    first_month: Month
    runs: RunCount = 1
    """Runs of the plan each time."""
    repeat_every_months: Annotated[int, Field(ge=0, le=MAX_MONTHS)] = 0
    """0: once."""
    research_share: ResearchShare = Decimal(1)


class TrainingEvent(Document):
    """One training run, dated; the engine prices it, over as many months as it takes."""

    name: ShortName
    month: Month
    """In which it begins."""
    runs: RunCount = 1
    """At the same time."""
    research_share: ResearchShare = Decimal(1)
    research_months: MonthCount = 1
    """In which the research is done, the month of the run being the last."""
    changes: Annotated[dict[str, PlanValue], Field(max_length=50, default_factory=dict)]
    """Fields of the plan that are others for this run, by their dotted paths:
    ``{"tokens" = 6e12, "shape.n_layers" = 32}``."""


def scheduled_runs(schedule: TrainingSchedule, n_months: int) -> Floats:
    """Runs of the plan that each month pays for, without research. Shape (1, months)."""
    since_first = np.arange(1, n_months + 1) - schedule.first_month
    every = schedule.repeat_every_months
    due = since_first == 0 if every == 0 else (since_first >= 0) & (since_first % every == 0)
    return np.where(due, float(schedule.runs), 0.0)[np.newaxis]


def share_of_each_month(first: int, months: int, n_months: int) -> Floats:
    """One, in equal parts over ``months`` from ``first`` on, which may lie before month 1: what
    is done before the company's first month is not paid by it. Shape (1, n_months)."""
    since = np.arange(1, n_months + 1)[np.newaxis] - first
    return np.where((since >= 0) & (since < months), 1.0 / months, 0.0)

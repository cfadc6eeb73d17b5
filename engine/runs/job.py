"""Where a run runs and what it may take: everything that decides nothing of what it computes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field

from engine.documents import Document

BackEndName = Literal["local", "hosts", "slurm", "kubernetes"]
"""This machine, a list of hosts, a Slurm cluster, a Kubernetes cluster."""
BACK_ENDS: tuple[BackEndName, ...] = get_args(BackEndName)

SpendingLimit = Annotated[Decimal, Field(gt=0, le=10**13, decimal_places=2)]


class Job(Document):
    """How one run is launched; kept as ``job.json`` in its folder."""

    back_end: BackEndName = "local"
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Of the queue: the highest first, of equals the oldest."""
    spending_limit_usd: SpendingLimit | None = None
    """A run whose forecast is above it does not start; one that reaches it stops at a
    checkpoint."""

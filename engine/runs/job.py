"""The back end, priority and spending limit of a run, which do not change its result."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field

from engine.documents import Document

BackEndName = Literal["local", "hosts", "slurm", "kubernetes"]
"""Name of a back end: this machine, a list of hosts, a Slurm or a Kubernetes cluster."""
BACK_ENDS: tuple[BackEndName, ...] = get_args(BackEndName)

SpendingLimit = Annotated[Decimal, Field(gt=0, le=10**13, decimal_places=2)]


class Job(Document):
    """Terms on which one run is launched, kept as ``job.json`` in its folder."""

    back_end: BackEndName = "local"
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    """Priority in the queue: the highest starts first, and the oldest of equal priority."""
    spending_limit_usd: SpendingLimit | None = None
    """Limit on the run's cost. A run whose forecast is higher does not start, and a run that
    reaches the limit stops at a checkpoint."""

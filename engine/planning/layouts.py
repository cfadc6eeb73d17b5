"""Search of the layouts of a plan."""

from __future__ import annotations

from engine.facts import Accelerator, accelerator
from engine.plan import Plan
from engine.predictor.search import SearchResult, SearchSpace, search
from engine.predictor.stacks import stacks


def search_layouts(plan: Plan, limit: int, device: Accelerator | None = None) -> SearchResult:
    """Return the fastest layouts of a plan that fit, at most ``limit``.

    The global batch, the number of devices, the precision and the software stay those of the
    plan. ``device`` replaces the plan's accelerator.

    Raises
    ------
    InputError
        If no layout divides the global batch over the devices.
    """
    return search(
        SearchSpace(
            shape=plan.shape,
            device=device or accelerator(plan.cluster.accelerator),
            n_devices=plan.cluster.n_devices,
            global_batch_sequences=plan.layout.global_batch_sequences(plan.cluster.n_devices),
            precision=plan.layout.precision,
            stack=stacks()[plan.software],
        ),
        limit=limit,
    )

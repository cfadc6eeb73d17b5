"""Time, cost and memory of a run, estimated before it is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.forecast import Figure, Forecast, forecast
from engine.machine import Machine
from engine.plan import Plan
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A recipe's forecast on the machine that would run it.

    Time and cost are those of the training steps. Reading the text, starting the ranks and the
    evaluations are not included.
    """

    recipe: Recipe
    plan: Plan
    forecast: Forecast
    memory_available_bytes: float
    """Memory of the machine for the run's ranks together, in bytes."""

    @property
    def duration_s(self) -> Figure:
        return self.forecast.step_time_s * self.recipe.steps

    @property
    def memory_bytes(self) -> Figure:
        """Memory of all ranks together, in bytes."""
        return self.forecast.memory_bytes_per_device * self.recipe.n_ranks

    @property
    def may_not_fit(self) -> bool:
        """Whether the upper bound of the memory exceeds the available memory.

        The lower bound never does: :func:`estimate` raises an error for such a recipe.
        """
        return self.memory_bytes.high > self.memory_available_bytes


def estimate(recipe: Recipe, plan: Plan | None, machine: Machine) -> Estimate:
    """Estimate ``recipe`` on ``machine``, with the price, law and calibration of ``plan``.

    Raises
    ------
    InputError
        If the machine has too few devices or too little memory for it.
    """
    run = run_plan(recipe, plan, machine)
    # Each GPU has its own memory; cores share the memory of the machine.
    share = recipe.n_ranks / machine.n_devices if machine.has_gpu else 1.0
    return Estimate(
        recipe=recipe,
        plan=run,
        forecast=forecast(run),
        memory_available_bytes=machine.memory_bytes * share,
    )


def with_options(recipe: Recipe, options: Mapping[str, object]) -> Recipe:
    """Return ``recipe`` with the fields in ``options`` changed, which are given by dotted paths.

    If the number of steps changes, the run keeps ten evaluations during training.

    Raises
    ------
    InputError
        For the first value that is not allowed.
    """
    changes = dict(options)
    if isinstance(steps := options.get("steps"), int):
        changes.setdefault("eval_every_steps", max(1, steps // 10))
    return recipe.with_values(changes)

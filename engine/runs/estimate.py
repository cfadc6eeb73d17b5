"""What a run will take, said before it is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.forecast import Figure, Forecast, forecast
from engine.machine import Machine
from engine.plan import Plan
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A recipe's forecast on the machine that would run it.

    Time and cost are those of the training steps: reading the text, starting the ranks and the
    evaluations come on top.
    """

    recipe: Recipe
    plan: Plan
    forecast: Forecast
    memory_available_bytes: float
    """What the machine has for the run's ranks."""

    @property
    def duration_s(self) -> Figure:
        return self.forecast.step_time_s * self.recipe.steps

    @property
    def memory_bytes(self) -> Figure:
        """Of all ranks together."""
        return self.forecast.memory_bytes_per_device * self.recipe.n_ranks

    @property
    def may_not_fit(self) -> bool:
        """Whether the memory's upper bound is more than there is; the lower one never is, such a
        recipe is refused."""
        return self.memory_bytes.high > self.memory_available_bytes


def quote(recipe: Recipe, plan: Plan | None, machine: Machine) -> Quote:
    """What ``recipe`` takes on ``machine``, with price, law and calibration of ``plan``.

    Raises
    ------
    InputError
        If the machine has too few devices or too little memory for it.
    """
    run = run_plan(recipe, plan, machine)
    # GPUs have memory of their own each; cores share what there is.
    share = recipe.n_ranks / machine.n_devices if machine.has_gpu else 1.0
    return Quote(
        recipe=recipe,
        plan=run,
        forecast=forecast(run),
        memory_available_bytes=machine.memory_bytes * share,
    )


def with_options(recipe: Recipe, options: Mapping[str, object]) -> Recipe:
    """The recipe with some fields, by their dotted paths, as a person wants them.

    Another number of steps keeps ten evaluations on the way.

    Raises
    ------
    InputError
        For the first that is not allowed.
    """
    changes = dict(options)
    if isinstance(steps := options.get("steps"), int):
        changes.setdefault("eval_every_steps", max(1, steps // 10))
    return recipe.with_values(changes)

"""Runs as parts of a larger question: found again where they exist, started where not."""

from __future__ import annotations

from dataclasses import dataclass

from engine.documents import InputError
from engine.experiments.ladder import training_flops
from engine.machine import this_machine
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.results import StepMetrics
from engine.runs.folder import Phase, Run, all_runs, now
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Progress
from engine.units import SECONDS_PER_HOUR


def run_of(recipe: Recipe) -> Run:
    """The newest run of ``recipe`` that has succeeded or is still alive; a new one if there is
    none, started."""
    for run in all_runs():
        if run.recipe.content_hash == recipe.content_hash:
            phase = reconcile_run(run)
            if phase is Phase.SUCCEEDED or not phase.is_over:
                return run
    run = Run.create(recipe, run_plan(recipe, None, this_machine()))
    control.start(run)
    return run


def failed(run: Run) -> InputError:
    """Why a run that should have succeeded did not, as what ends the work that needs it."""
    failure = run.state.failure
    if failure and failure.key == "input":
        return InputError(**failure.params)
    return InputError("run", run.id, "finished_run")


@dataclass(frozen=True, slots=True)
class Spent:
    """What the steps of a run have taken so far; evaluations are not counted, as nowhere."""

    flops: float
    device_hours: float
    usd: float
    wall_s: float
    """From its creation to its end, or until now."""


def spent(run: Run, progress: Progress) -> Spent:
    """By what ``progress`` has read of the run."""
    recipe, state = run.recipe, run.state
    hours = sum(line.step_time_s for line in progress.metrics) * recipe.n_ranks / SECONDS_PER_HOUR
    return Spent(
        flops=training_flops(recipe) * progress.share_done,
        device_hours=hours,
        usd=progress.cost_usd,
        wall_s=((state.ended_at or now()) - state.created_at).total_seconds(),
    )


def evaluated(metrics: list[StepMetrics]) -> list[tuple[int, float]]:
    """(step, held-out loss) of the evaluations on the way."""
    return [(line.step, line.held_out_loss) for line in metrics if line.held_out_loss is not None]

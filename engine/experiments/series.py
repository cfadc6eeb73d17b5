"""Runs as parts of an experiment: existing runs are used again, and missing runs are started."""

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
    """Return the newest run of ``recipe`` that has succeeded or is not over, or start a new run."""
    for run in all_runs():
        if run.recipe.content_hash == recipe.content_hash:
            phase = reconcile_run(run)
            if phase is Phase.SUCCEEDED or not phase.is_over:
                return run
    run = Run.create(recipe, run_plan(recipe, None, this_machine()))
    control.start(run)
    return run


def failure_error(run: Run) -> InputError:
    """Return the error for an experiment whose run did not succeed."""
    failure = run.state.failure
    if failure and failure.key == "input":
        return InputError(**failure.params)
    return InputError("run", run.id, "finished_run")


@dataclass(frozen=True, slots=True)
class RunCost:
    """Cost of the steps of a run so far, without its evaluations."""

    flops: float
    device_hours: float
    usd: float
    wall_s: float
    """Seconds from the run's creation to its end, or until now."""


def run_cost(run: Run, progress: Progress) -> RunCost:
    """Return the cost of the steps that ``progress`` has read."""
    recipe, state = run.recipe, run.state
    hours = sum(line.step_time_s for line in progress.metrics) * recipe.n_ranks / SECONDS_PER_HOUR
    return RunCost(
        flops=training_flops(recipe) * progress.share_done,
        device_hours=hours,
        usd=progress.cost_usd,
        wall_s=((state.ended_at or now()) - state.created_at).total_seconds(),
    )


def evaluations_during(metrics: list[StepMetrics]) -> list[tuple[int, float]]:
    """Return the step and the held-out loss of each evaluation during training."""
    return [(line.step, line.held_out_loss) for line in metrics if line.held_out_loss is not None]

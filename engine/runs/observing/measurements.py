"""Finished runs as measurements to calibrate with."""

from __future__ import annotations

from engine.calibration.calibration import Calibration
from engine.documents import InputError
from engine.reports.comparison import Measurement, calibrate
from engine.runs.folder import Phase, Run
from engine.runs.observing.index import summaries


def measurement(run: Run) -> Measurement:
    """Return a run's measured result with the plan of its forecast.

    Raises
    ------
    InputError
        If the run has no result.
    """
    result, state = run.result, run.state
    if result is None or state.ended_at is None:
        raise InputError("run", run.id, "finished_run")
    return Measurement(
        run_id=run.id, measured_on=state.ended_at.date(), plan=run.plan, result=result
    )


def calibration_of(run: Run) -> Calibration:
    """Calibrate with ``run`` and all other finished runs of its recipe."""
    return calibrate([measurement(repetition) for repetition in repetitions(run)])


def repetitions(run: Run) -> list[Run]:
    """Return the finished runs of the same recipe, ``run`` included, newest first."""
    recipe = run.recipe
    size = (recipe.n_ranks, recipe.steps, recipe.shape.count_parameters().total)
    same_size = [
        Run.find(seen.run_id)
        for seen in summaries()  # the size excludes most runs without reading their recipes
        if seen.phase is Phase.SUCCEEDED and (seen.n_ranks, seen.steps, seen.n_parameters) == size
    ]
    return [other for other in same_size if other.recipe.content_hash == recipe.content_hash]

"""Finished runs as measurements to calibrate with."""

from __future__ import annotations

from engine.calibration.calibration import Calibration
from engine.documents import InputError
from engine.reports.comparison import Measurement, calibrate
from engine.runs.folder import Phase, Run
from engine.runs.observing.index import summaries


def measurement(run: Run) -> Measurement:
    """What a run measured, with the plan it was forecast from; InputError if it has no result."""
    result, state = run.result, run.state
    if result is None or state.ended_at is None:
        raise InputError("run", run.id, "finished_run")
    return Measurement(
        run_id=run.id, measured_on=state.ended_at.date(), plan=run.plan, result=result
    )


def calibration_of(run: Run) -> Calibration:
    """The calibration of a run and of all other finished runs of its recipe."""
    return calibrate([measurement(one) for one in repetitions(run)])


def repetitions(run: Run) -> list[Run]:
    """The finished runs of the same recipe, ``run`` included, the newest first."""
    recipe = run.recipe
    size = (recipe.n_ranks, recipe.steps, recipe.shape.count_parameters().total)
    alike = [
        Run.find(one.run_id)
        for one in summaries()  # of a thousand runs few recipes have to be read
        if one.phase is Phase.SUCCEEDED and (one.n_ranks, one.steps, one.n_parameters) == size
    ]
    return [one for one in alike if one.recipe.content_hash == recipe.content_hash]

"""Steps that a run measured before it was cancelled or stopped at a limit."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from engine.recipes.checkpoints import UnusableError, read_manifest
from engine.recipes.sample_run import MIN_STEPS
from engine.runs.folder import Phase
from engine.runs.observing.progress import Progress
from engine.step_times import SETUP_STEPS, StepTimes, settled_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSteps:
    """Step times of a run that ended early."""

    done: int
    """Number of steps that the run has done."""
    settled: int
    """Number of steps that the step times count: all but the set-up steps of each start."""
    times: StepTimes


def measured_steps(progress: Progress) -> MeasuredSteps | None:
    """Return the measured steps of a run that was cancelled or stopped at a limit.

    None for other runs, and for a run with fewer settled steps than the shortest sample of a plan
    has (or than the whole run would have, if its recipe is shorter).
    """
    if progress.run.state.phase not in (Phase.CANCELLED, Phase.STOPPED):
        return None
    times_s = {line.step: line.step_time_s for line in progress.metrics}
    starts = _starts(progress)
    n_settled = len(settled_steps(times_s, starts))
    if n_settled < max(1, min(MIN_STEPS, progress.recipe.steps) - SETUP_STEPS):
        return None
    times = StepTimes.from_steps(times_s, starts)
    return MeasuredSteps(done=progress.steps_done, settled=n_settled, times=times)


def _starts(progress: Progress) -> tuple[int, ...]:
    """Return the number of steps done at each start of training.

    The last checkpoint records them. The last start is also found by its time, since a run that
    was killed has no checkpoint of it.
    """
    run, starts = progress.run, {0}
    for folder in reversed(run.checkpoints()):
        try:
            starts |= set(read_manifest(folder, progress.recipe).starts)
        except UnusableError:
            continue
        break
    started_at = run.state.started_at
    if started_at is not None:
        n_before = bisect_left(progress.metrics, started_at.timestamp(), key=lambda line: line.time)
        starts.add(n_before)
    return tuple(sorted(starts))

"""Step times of runs that ended early, against means by hand."""

import datetime

import pytest

from engine.runs.folder import Phase, Run
from engine.runs.observing.measured_steps import MeasuredSteps, measured_steps
from engine.runs.observing.progress import Progress
from engine.step_times import StepTimes, settled_steps
from tests.engine.runs.faked import faked_run, report_step

LONG = 200
"""Steps of the recipe, of which the runs did fewer."""


def cancelled(step_times_s: list[float], phase: Phase = Phase.CANCELLED) -> Run:
    losses = [5.0] * len(step_times_s)
    return faked_run(losses, step_times_s=step_times_s, phase=phase, steps=LONG)


def measured_by(run: Run) -> MeasuredSteps | None:
    return measured_steps(Progress(run).update())


def test_the_first_three_steps_do_not_count() -> None:
    measured = measured_by(cancelled([9.0] * 3 + [0.1] * 20 + [0.3] * 20))
    assert measured is not None
    assert (measured.done, measured.settled) == (43, 40)
    assert measured.times.mean == pytest.approx(0.2)
    assert (measured.times.p10, measured.times.p90) == (pytest.approx(0.1), pytest.approx(0.3))


@pytest.mark.parametrize(("n_steps", "counts"), [(0, False), (39, False), (40, True)])
def test_as_many_steps_as_the_shortest_sample_are_needed(n_steps: int, counts: bool) -> None:
    assert (measured_by(cancelled([0.1] * n_steps)) is not None) is counts


def test_a_shorter_recipe_needs_all_of_its_steps() -> None:
    losses = [5.0] * 20
    assert measured_by(faked_run(losses, phase=Phase.CANCELLED, steps=20)) is not None
    assert measured_by(faked_run(losses[:-1], phase=Phase.CANCELLED, steps=20)) is None


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.TRAINING])
def test_other_runs_are_not_measured_by_their_steps(phase: Phase) -> None:
    assert measured_by(cancelled([0.1] * 60, phase)) is None


def test_a_run_stopped_at_its_limit_is_measured() -> None:
    assert measured_by(cancelled([0.1] * 60, Phase.STOPPED)) is not None


def test_the_first_steps_of_a_resumed_run_do_not_count() -> None:
    run = cancelled([9.0] * 3 + [0.1] * 37)
    resumed_at = 1.9e9
    for step in range(41, 81):
        report_step(run, step, 5.0, 9.0 if step < 44 else 0.1, time=resumed_at + step)
    run.set_state(started_at=datetime.datetime.fromtimestamp(resumed_at, datetime.UTC))
    measured = measured_by(run)
    assert measured is not None
    assert (measured.done, measured.settled) == (80, 74)
    assert measured.times.mean == pytest.approx(0.1)


def test_all_steps_count_if_all_are_set_up() -> None:
    assert settled_steps([1, 2, 3, 4], [0]) == [4]
    assert StepTimes.from_steps({1: 2.0, 2: 4.0}, [0]).mean == 3.0

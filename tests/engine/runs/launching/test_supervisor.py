"""The supervisor's reactions to events of training, which follow a script without training."""

import time

import pytest

from engine.files import write_json
from engine.runs.folder import Phase, Run
from engine.runs.launching.supervisor import PORT_TRIES
from tests.engine.runs.faked import faked_run, queued, report_step
from tests.engine.runs.scripted import (
    Act,
    ScriptedBackEnd,
    dies,
    fails,
    goes_on,
    stops_if_asked,
    supervise,
)


def succeeds(exit_code: int) -> Act:
    """Return an act in which rank 0 writes its result and the launcher exits with ``exit_code``."""
    data = (faked_run([6.0]).folder / "result.json").read_bytes()

    def act(run: Run) -> int:
        (run.folder / "result.json").write_bytes(data)
        return exit_code

    return act


def steps(run: Run) -> None:
    report_step(run, 1, 6.0, 0.1, time=time.time())


def is_cancelled(run: Run) -> None:
    run.request_stop("cancelled")


def one_start(monkeypatch: pytest.MonkeyPatch, *acts: Act, **changes: object) -> Run:
    run = queued(**changes)
    supervise(monkeypatch, run, ScriptedBackEnd([acts]))
    return run


def failure_of(run: Run) -> str:
    failure = run.state.failure
    assert failure is not None
    return failure.key


@pytest.mark.parametrize("exit_code", [0, 1, -9])
def test_a_result_is_success_whatever_the_exit_code(
    exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = one_start(monkeypatch, goes_on, succeeds(exit_code))
    assert (run.state.phase, run.state.failure) == (Phase.SUCCEEDED, None)


def test_an_exit_code_of_zero_without_a_result_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_start(monkeypatch, lambda _: 0).state.phase is Phase.FAILED


def test_a_run_of_which_processes_are_left_has_not_succeeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = queued()
    supervise(monkeypatch, run, ScriptedBackEnd([[succeeds(0)]], survivors=["4711"]))
    assert run.state.phase is Phase.FAILED
    assert failure_of(run) == "survivors"


def test_what_an_earlier_start_reported_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    run = queued()
    succeeds(0)(run)
    write_json(run.folder / "stopped.json", {"step": 1})
    fails("disk_full")(run)
    supervise(monkeypatch, run, ScriptedBackEnd([[dies]]))
    assert run.state.phase is Phase.FAILED
    assert failure_of(run) == "launcher_ended"


def test_a_run_that_died_is_started_again_as_often_as_its_recipe_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = queued(restarts=2)
    back_end = ScriptedBackEnd([[dies], [dies], [dies]])
    assert supervise(monkeypatch, run, back_end).phase is Phase.FAILED
    assert (back_end.starts, run.state.starts, run.state.restarts) == (3, 3, 2)

    again = queued(restarts=2)
    back_end = ScriptedBackEnd([[dies], [succeeds(0)]])
    assert supervise(monkeypatch, again, back_end).phase is Phase.SUCCEEDED
    assert back_end.starts == 2


@pytest.mark.parametrize(
    "failure",
    [
        fails("input", field="corpus.source", value="x", rule="corpus_source"),
        fails("loss_not_finite", step=3),
        fails("disk_full"),
    ],
)
def test_what_would_only_fail_again_is_not_started_again(
    failure: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued(restarts=5)
    back_end = ScriptedBackEnd([[failure]])
    assert supervise(monkeypatch, run, back_end).phase is Phase.FAILED
    assert back_end.starts == 1


def test_another_port_is_tried_where_one_is_busy_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = [fails("port_busy", port=29_500)]
    run = queued()
    back_end = ScriptedBackEnd([busy, busy, [succeeds(0)]])
    assert supervise(monkeypatch, run, back_end).phase is Phase.SUCCEEDED
    assert run.state.restarts == 0

    back_end = ScriptedBackEnd([busy] * (PORT_TRIES + 1))
    assert supervise(monkeypatch, queued(), back_end).phase is Phase.FAILED
    assert back_end.starts == PORT_TRIES


def test_a_cancelled_run_has_time_for_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    run = one_start(monkeypatch, steps, is_cancelled, goes_on, goes_on, stops_if_asked)
    assert run.state.phase is Phase.CANCELLED
    assert run.stopped_step == 1


def test_a_cancelled_run_that_does_not_stop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runs.launching.supervisor.STOP_PATIENCE_S", {"cancelled": 0.0})
    run = one_start(
        monkeypatch, steps, is_cancelled
    )  # no further act: training is not polled again
    assert run.state.phase is Phase.CANCELLED
    assert run.stopped_step is None


def test_processes_that_will_not_go_after_their_last_act_are_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.runs.launching.supervisor.EXIT_PATIENCE_S", {"result.json": 0.0})

    def hangs_at_its_end(run: Run) -> None:
        succeeds(0)(run)

    assert one_start(monkeypatch, hangs_at_its_end).state.phase is Phase.SUCCEEDED


def test_a_run_without_a_step_is_cancelled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_start(monkeypatch, is_cancelled).state.phase is Phase.CANCELLED


def test_why_a_cancelled_run_has_no_checkpoint_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run = one_start(monkeypatch, steps, is_cancelled, fails("disk_full"))
    assert run.state.phase is Phase.CANCELLED
    assert failure_of(run) == "disk_full"


def test_a_run_that_ends_as_it_is_cancelled_has_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_start(monkeypatch, steps, is_cancelled, succeeds(0)).state.phase is Phase.SUCCEEDED


def test_a_run_that_dies_as_it_is_cancelled_is_not_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = one_start(monkeypatch, steps, is_cancelled, dies, restarts=3)
    assert (run.state.phase, run.state.starts) == (Phase.CANCELLED, 1)


def test_a_supervisor_that_takes_over_goes_on_with_what_the_cluster_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = queued()
    run.set_state(phase=Phase.TRAINING, cluster_job="17", starts=1)
    succeeds(0)(run)  # before the new supervisor started
    back_end = ScriptedBackEnd([[lambda _: 0]])
    assert supervise(monkeypatch, run, back_end).phase is Phase.SUCCEEDED
    assert (run.state.starts, run.state.cluster_job) == (1, None)


def test_a_live_run_goes_on_whatever_is_made_of_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoils(run: Run) -> None:
        (run.folder / "state.json").write_text("{")

    run = one_start(monkeypatch, spoils, goes_on, succeeds(0))
    assert run.state.phase is Phase.SUCCEEDED

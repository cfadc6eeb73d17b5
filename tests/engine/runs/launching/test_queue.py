"""The order in which runs start.

Supervisors are stand-ins; slots, locks and folders are real.
"""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer

from engine.cli import watch
from engine.documents import InputError
from engine.facts import accelerator
from engine.files import write_json
from engine.machine import Machine
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run, RunState, all_runs
from engine.runs.job import Job
from engine.runs.launching import control, queue
from engine.runs.launching.reconcile import reconcile_all, reconcile_run
from engine.units import BYTES_PER_GB
from tests.engine.runs.faked import StandIns, faked_run, smoke

pytestmark = pytest.mark.usefixtures("supervisors")
ROOMY = Machine(accelerator("CPU-core"), 16, 256 * BYTES_PER_GB)


@pytest.fixture(autouse=True)
def settings_file(home: Path) -> Path:
    """Settings with four slots, for any number of cores."""
    path = home / "settings.toml"
    path.write_text("slots = 4\n")
    return path


def create(name: str, n_ranks: int = 1, **job: object) -> Run:
    recipe = smoke(name=name, n_ranks=n_ranks)
    return Run.create(recipe, run_plan(recipe, None, ROOMY), Job.parse(job))


def start(name: str, n_ranks: int = 1, **job: object) -> Run:
    run = create(name, n_ranks, **job)
    control.start(run)
    return run


def test_a_run_starts_at_once_where_there_is_room(supervisors: StandIns) -> None:
    first, second = start("one", 3), start("two", 1)
    assert supervisors.started == ["one", "two"]
    assert (first.state.phase, first.state.slots) == (Phase.STARTING, (0, 1, 2))
    assert second.state.slots == (3,)
    assert queue.positions() == []


def test_two_runs_on_the_same_slots_run_one_after_the_other(supervisors: StandIns) -> None:
    first, second = start("one", 3), start("two", 3)
    assert second.state.phase is Phase.QUEUED
    assert reconcile_run(second) is Phase.QUEUED
    (waits,) = queue.positions()
    assert (waits.run.id, waits.n_ahead, waits.held_by) == (second.id, 1, None)
    supervisors.end(first)
    assert reconcile_run(second) is Phase.STARTING
    assert second.state.slots == (0, 1, 2)


def test_the_highest_priority_comes_first_and_of_equals_the_oldest(
    supervisors: StandIns,
) -> None:
    running = start("running", 4)
    for name, priority in (("b", 0), ("c", 0), ("last", -1), ("a", 5)):
        start(name, 4, priority=priority)
    assert [first.run.recipe.name for first in queue.positions()] == ["a", "b", "c", "last"]
    assert [first.n_ahead for first in queue.positions()] == [1, 2, 3, 4]
    for _ in range(4):
        supervisors.end(running)
        reconcile_all()
        (running,) = [run for run in all_runs() if run.state.phase is Phase.STARTING]
    assert supervisors.started == ["running", "a", "b", "c", "last"]


def test_a_large_run_is_waited_for(supervisors: StandIns) -> None:
    first, second = start("one", 2), start("two", 1)
    large, small = start("large", 4), start("small", 1)
    supervisors.end(first)
    reconcile_all()
    assert small.state.phase is Phase.QUEUED  # there is room for it, but not before the large run
    supervisors.end(second)
    reconcile_all()
    assert (large.state.phase, small.state.phase) == (Phase.STARTING, Phase.QUEUED)


def test_slots_in_between_are_taken(supervisors: StandIns) -> None:
    runs = [start(name) for name in "abcd"]
    supervisors.end(runs[1])
    supervisors.end(runs[3])
    assert start("e", 2).state.slots == (1, 3)


def test_many_that_look_at_once_start_each_run_once(supervisors: StandIns) -> None:
    runs = [create(f"run {number}") for number in range(6)]
    for run in runs:
        run.publish()
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(queue.start_next) for _ in range(24)]:
            done.result()
    assert sorted(supervisors.started) == [f"run {number}" for number in range(4)]
    taken = [slot for run in runs for slot in run.state.slots]
    assert sorted(taken) == [0, 1, 2, 3]


def test_a_run_whose_supervisor_was_killed_is_found_and_gives_its_slots_back(
    supervisors: StandIns,
) -> None:
    lost, waits = start("lost", 4), start("waits", 4)
    supervisors.kill(lost)
    reconcile_all()
    assert lost.state.phase is Phase.FAILED
    assert lost.state.failure is not None
    assert lost.state.failure.key == "supervisor_lost"
    assert waits.state.phase is Phase.STARTING


def test_a_process_killed_while_it_starts_a_run_loses_no_run(
    monkeypatch: pytest.MonkeyPatch, supervisors: StandIns
) -> None:
    """The process is killed after the run's turn and before its supervisor runs."""

    def killed(run: Run, lock: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "start_supervisor", killed)
    run = create("one")
    with pytest.raises(KeyboardInterrupt):
        control.start(run)
    assert run.state.phase is Phase.STARTING
    assert reconcile_run(run) is Phase.FAILED
    monkeypatch.setattr(queue, "start_supervisor", supervisors.start)
    control.resume(run)
    assert run.state.phase is Phase.STARTING


def test_a_process_killed_before_it_starts_a_run_loses_no_run(supervisors: StandIns) -> None:
    run = create("one")
    run.publish()
    assert supervisors.started == []
    reconcile_all()
    assert supervisors.started == ["one"]


def test_a_queued_run_is_cancelled_at_once(supervisors: StandIns) -> None:
    start("running", 4)
    waits = start("waits")
    control.cancel(waits)
    assert waits.state.phase is Phase.CANCELLED
    assert queue.positions() == []
    control.cancel(waits)  # again is no error
    assert waits.state.phase is Phase.CANCELLED


def test_a_run_that_was_to_stop_before_its_turn_never_starts(supervisors: StandIns) -> None:
    run = create("one")
    run.publish()
    run.request_stop("cancelled")  # another process held its lock when it was cancelled
    reconcile_all()
    assert run.state.phase is Phase.CANCELLED
    assert supervisors.started == []


def test_a_run_that_is_larger_than_the_machine_is_refused_and_leaves_nothing() -> None:
    with pytest.raises(InputError, match="n_ranks: 5 is not allowed: must be at most 4"):
        start("large", 5)
    assert all_runs() == []
    assert not list((Path(os.environ["FLOPLEDGER_HOME"]) / "runs").glob(".2*"))


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.CANCELLED, Phase.STOPPED])
def test_a_run_that_did_not_succeed_is_resumed(phase: Phase, supervisors: StandIns) -> None:
    run = start("one", 2, priority=3)
    run.request_stop("cancelled")
    run.set_state(restarts=2, supervisor_pid=1)
    supervisors.end(run, phase)
    control.resume(run)
    state = run.state
    assert (state.phase, state.slots) == (Phase.STARTING, (0, 1))
    assert (state.ended_at, state.failure, state.supervisor_pid) == (None, None, None)
    assert state.restarts == 0
    assert run.stop_reason is None
    assert run.job.priority == 3
    assert supervisors.started == ["one", "one"]


def test_a_resumed_run_waits_for_slots_like_any_other(supervisors: StandIns) -> None:
    run = start("one", 4)
    supervisors.end(run, Phase.FAILED)
    start("two", 4)
    control.resume(run, Job(priority=1))
    assert run.state.phase is Phase.QUEUED
    assert run.job.priority == 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: None, "must be a run that has ended"),
        (lambda run: run.end(Phase.SUCCEEDED), "must be a run that has not succeeded"),
    ],
)
def test_what_cannot_be_resumed(
    spoil: Callable[[Run], None], said: str, supervisors: StandIns
) -> None:
    run = start("one")
    spoil(run)
    if run.state.phase.is_over:
        supervisors.kill(run)
    with pytest.raises(InputError, match=said):
        control.resume(run)


def test_a_recipe_that_was_edited_by_hand_is_refused(supervisors: StandIns) -> None:
    run = start("one")
    supervisors.end(run, Phase.FAILED)
    recipe = run.folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("steps = 20", "steps = 21"))
    for again in (control.resume, control.restart):
        with pytest.raises(InputError, match=r"recipe\.toml: .* was edited after the run was made"):
            again(run)


def test_a_restarted_run_is_a_new_one_of_the_same_kind(supervisors: StandIns) -> None:
    run = start("one", 2, priority=3)
    again = control.restart(run)
    assert again.id != run.id
    assert (again.recipe, again.plan, again.job) == (run.recipe, run.plan, run.job)
    assert supervisors.started == ["one", "one"]


def test_a_run_that_a_cluster_trains_gets_another_supervisor(supervisors: StandIns) -> None:
    run = start("one")
    run.set_state(phase=Phase.TRAINING, cluster_job="17")
    supervisors.kill(run)
    assert reconcile_run(run) is Phase.TRAINING
    assert reconcile_run(run) is Phase.TRAINING
    assert supervisors.started == ["one", "one"]
    supervisors.end(run)


def test_settings_that_are_not_allowed_hold_the_queue_and_nothing_else(
    settings_file: Path, supervisors: StandIns
) -> None:
    settings_file.write_text("slots = 0\n")
    run = create("one")
    run.publish()
    assert [first.run_id for first in reconcile_all()] == [run.id]
    assert reconcile_run(run) is Phase.QUEUED
    (waits,) = queue.positions()
    assert waits.held_by is not None
    assert "slots: 0 is not allowed: must be at least 1" in str(waits.held_by)
    with pytest.raises(InputError, match="slots: 0 is not allowed"):
        start("two")
    settings_file.write_text("slots = 1\n")
    assert reconcile_run(run) is Phase.STARTING


@pytest.mark.parametrize("text", ["", "{", "[]", '{"phase": "asleep"}', "\xff"])
def test_a_state_that_was_edited_by_hand_stops_no_other_run(
    text: str, supervisors: StandIns
) -> None:
    broken, fine = faked_run([6.0]), create("fine")
    (broken.folder / "state.json").write_text(text, "latin-1")
    control.start(fine)
    seen = {first.run_id: first.phase for first in reconcile_all()}
    assert seen == {fine.id: Phase.STARTING, broken.id: None}
    for ask in (reconcile_run, control.cancel, control.resume):
        with pytest.raises(InputError) as refused:
            ask(broken)
        assert "state.json" in str(refused.value)
        assert "\n" not in str(refused.value)


def test_a_run_that_cannot_be_marked_failed_on_a_full_disk_stops_no_other_run(
    supervisors: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = start("lost")
    supervisors.kill(lost)
    write_state = Run.write_state

    def full_for_the_lost_run(run: Run, state: RunState) -> None:
        if run.id == lost.id:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_state(run, state)

    monkeypatch.setattr(Run, "write_state", full_for_the_lost_run)
    start("fine")
    assert supervisors.started == ["lost", "fine"]
    seen = {first.run_id: first for first in reconcile_all()}
    assert seen[lost.id].phase is None  # the summary shows the reason, and not that it runs
    assert "No space left" in str(seen[lost.id].trouble("en"))


@pytest.mark.parametrize("name", ["job.json", "recipe.toml"])
def test_a_queued_run_that_was_edited_by_hand_stops_no_other_run(
    name: str, supervisors: StandIns
) -> None:
    broken = create("broken")
    broken.publish()
    (broken.folder / name).write_text("{")
    start("fine")
    assert supervisors.started == ["fine"]
    control.cancel(broken)
    assert broken.state.phase is Phase.CANCELLED


def test_slots_are_shown_with_who_has_them(supervisors: StandIns) -> None:
    first, second = start("one", 2), start("two")
    places = queue.slots_of("local", queue.settings())
    assert places is not None
    assert places.total == 4
    assert places.taken == {0: first.id, 1: first.id, 2: second.id}


def test_a_run_of_before_there_was_a_queue_is_read(supervisors: StandIns) -> None:
    run = faked_run([6.0], phase=Phase.FAILED)
    (run.folder / "job.json").unlink()
    write_json(
        run.folder / "state.json",
        {"phase": "failed", "created_at": "2026-11-01T00:00:00Z", "ended_at": None},
    )
    control.resume(run)
    assert supervisors.started == ["smoke"]


def test_a_terminal_that_follows_says_once_behind_how_many_it_waits(
    supervisors: StandIns, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = start("running", 4)
    start("first", 4)
    run = start("second", 4)
    naps = iter([None, None, lambda: supervisors.end(running), None, None])

    def sleep(_: float) -> None:
        act = next(naps, lambda: control.cancel(run))
        if act is not None:
            act()

    monkeypatch.setattr(watch.time, "sleep", sleep)
    with pytest.raises(typer.Exit):
        watch.follow(run)
    _, *said = capsys.readouterr().err.splitlines()
    assert said == [
        "The run waits in the queue; runs before it: 2.",
        "The run waits in the queue; runs before it: 1.",
        "cancelled ",
    ]

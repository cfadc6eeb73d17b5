"""Faults of real runs: killed processes, busy ports, stale locks and edited files."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.machine import this_machine
from engine.paths import PROJECT_DIR
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Progress
from engine.runs.processes import processes_of
from tests.engine.runs.faked import queued, smoke, tiny
from tests.engine.runs.patience import left_after
from tests.engine.runs.real import (
    leaves_nothing,
    process_of,
    start,
    wait_for_end,
    wait_for_steps,
    wait_for_training,
    wait_until,
)

pytestmark = [pytest.mark.runs, pytest.mark.timeout(1_800)]

GONE_S = 10.0
"""Seconds in which all processes of a run end after one of them was killed."""
CANCELLED_S = 15.0
"""Seconds in which all processes of a cancelled run end."""
STEPS = 300
"""More steps than a run takes between two polls of a test."""


@pytest.fixture(name="tiny")
def _tiny(texts: Path, prepared_corpora: Path) -> Recipe:
    return tiny(texts, eval_every_steps=100_000, eval_sequences=4)


def ranks_of(run: Run) -> list[psutil.Process]:
    """Return the launchers and ranks without the supervisor."""
    return [process for process in processes_of(run) if process.pid != run.state.supervisor_pid]


def kill_supervisor(run: Run) -> None:
    supervisor = psutil.Process(run.state.supervisor_pid)
    supervisor.kill()
    supervisor.wait()


def kill_and_see_the_others_go(run: Run, module: str) -> psutil.Process:
    victim, others = process_of(run, module), ranks_of(run)
    assert len(others) == 2 + run.recipe.n_ranks
    victim.kill()
    assert left_after(others, GONE_S) == [], run.log_tail()
    return victim


def test_a_killed_rank_or_launcher_takes_all_along_and_the_run_goes_on_from_its_checkpoint(
    tiny: Recipe,
) -> None:
    often = {"checkpoint_every_steps": 20, "keep_checkpoints": 1, "restarts": 1}
    run = start(tiny.with_values({"steps": STEPS} | often))
    wait_until(lambda: bool(run.checkpoints()), run)
    rank = kill_and_see_the_others_go(run, "engine.training.worker")
    wait_until(lambda: run.state.restarts == 1, run)
    assert f"(process {rank.pid}) was killed by SIGKILL" in run.log_tail()

    wait_for_training(run)
    launcher = kill_and_see_the_others_go(run, "deepspeed.launcher.launch")
    assert wait_for_end(run) is Phase.FAILED  # its recipe allows one restart
    assert leaves_nothing(run)
    failure = run.state.failure
    assert failure is not None
    assert failure.key in (
        "launcher_killed",
        "launcher_lost",
    )  # it depends on which report comes first
    assert failure.params["pid"] == launcher.pid

    kept = max(int(path.name.removeprefix("step-")) for path in run.checkpoints())
    assert kept >= 20
    control.resume(run)
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()
    assert leaves_nothing(run)
    assert run.state.starts == 3
    assert [line.step for line in Progress(run).update().metrics] == list(range(1, STEPS + 1))


def test_cancel_leaves_a_checkpoint_and_no_process_and_the_run_can_go_on(tiny: Recipe) -> None:
    run = start(tiny.with_values({"steps": 100_000}))
    wait_for_steps(run)
    processes = processes_of(run)
    control.cancel(run)
    assert left_after(processes, CANCELLED_S) == []
    assert run.state.phase is Phase.CANCELLED
    stopped = run.stopped_step
    assert stopped is not None
    assert run.checkpoints()[-1].name == f"step-{stopped:08d}"
    control.cancel(run)  # again is no error
    assert run.result is None

    control.resume(run)
    wait_for_training(run)
    assert [line.step for line in Progress(run).update().metrics][stopped] == stopped + 1
    kill_supervisor(run)
    assert reconcile_run(run) is Phase.FAILED  # when it is reconciled for the first time
    assert leaves_nothing(run)
    assert run.state.failure == Failure(key="supervisor_lost")


def test_cancel_right_after_the_start(tiny: Recipe) -> None:
    run = start(tiny)
    control.cancel(run)
    assert wait_for_end(run) is Phase.CANCELLED
    assert leaves_nothing(run)


def test_a_supervisor_killed_while_the_text_is_prepared_is_found() -> None:
    run = start(smoke())  # the preparation of its text takes seconds
    wait_until(lambda: run.state.phase is Phase.PREPARING and len(processes_of(run)) > 1, run)
    kill_supervisor(run)
    assert reconcile_run(run) is Phase.FAILED
    assert leaves_nothing(run)


def test_a_killed_starter_takes_nothing_along(tiny: Recipe, tmp_path: Path) -> None:
    """The app, or a terminal, is SIGKILLed with everything in its process group."""
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(tiny.with_values({"steps": STEPS}).to_toml(), "utf-8")
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from engine.documents import read_toml\n"
        "from engine.recipes.recipe import Recipe\n"
        "from tests.engine.runs.real import start\n"
        "print(start(read_toml(Path(sys.argv[1]), Recipe)).id, flush=True)\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(recipe)], cwd=PROJECT_DIR, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert starter.stdout is not None
    run = Run.find(starter.stdout.readline().strip())
    wait_for_steps(run)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()


def test_two_runs_on_the_same_slots_run_one_after_the_other_without_being_reconciled(
    home: Path, tiny: Recipe
) -> None:
    (home / "settings.toml").write_text("slots = 1\n")
    first = start(tiny.with_values({"n_ranks": 1, "steps": 100_000}))
    second = start(tiny.with_values({"n_ranks": 1, "steps": 2}))
    assert second.state.phase is Phase.QUEUED
    wait_for_training(first)
    runner = kill_and_see_the_others_go(first, "deepspeed.launcher.runner")
    wait_until(lambda: second.state.phase.is_over, second)
    assert (first.state.phase, second.state.phase) == (Phase.FAILED, Phase.SUCCEEDED)
    assert first.state.failure == Failure(
        key="launcher_killed", params={"pid": runner.pid, "signal": "SIGKILL"}
    )
    began, ended = second.state.started_at, first.state.ended_at
    assert began is not None
    assert ended is not None
    assert began > ended


def test_a_busy_port_is_left_for_another_one(tiny: Recipe) -> None:
    """The port was free when it was chosen, and another process has taken it since."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        recipe = tiny.with_values({"n_ranks": 1, "steps": 2})
        run = Run.create(recipe, run_plan(recipe, None, this_machine()))
        run.publish()
        run.set_state(phase=Phase.STARTING, slots=tuple(range(run.recipe.n_ranks)))
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from engine.runs.launching import supervisor\n"
            "from engine.runs.back_ends import local\n"
            "from engine.runs.folder import Run\n"
            f"ports, free_port = [{listener.getsockname()[1]}], local.free_port\n"
            "local.free_port = lambda: ports.pop() if ports else free_port()\n"
            "supervisor.main(Run(Path(sys.argv[1])))\n"
        )
        with run.locked(), (run.folder / "log").open("ab") as log:
            subprocess.run(
                [sys.executable, "-c", code, str(run.folder)],
                cwd=PROJECT_DIR, stdout=log, stderr=log, check=True,
            )  # fmt: skip
    assert run.state.phase is Phase.SUCCEEDED, run.log_tail()
    assert (run.state.starts, run.state.restarts) == (2, 0)


def test_a_stale_build_lock_does_not_stop_a_run(tiny: Recipe) -> None:
    from engine.training import ops

    lock = ops.built_file().parent / "lock"
    lock.touch()
    try:
        run = start(tiny.with_values({"n_ranks": 1, "steps": 2}))
        assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()
    finally:
        lock.unlink()


def test_bad_text_fails_with_its_line_in_both_languages(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = start(smoke(**{"corpus.source": str(empty)}))
    assert wait_for_end(run) is Phase.FAILED
    failure = run.state.failure
    assert failure is not None
    assert "two documents" in failure.in_language("en")
    assert "corpus.source" in failure.in_language("zh_Hans")
    assert failure.in_language("zh_Hans") != failure.in_language("en")


def test_a_recipe_edited_while_it_waits_fails_the_run_with_one_line() -> None:
    run = queued()
    recipe = run.folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("steps = 20", "steps = 21"))
    assert wait_for_end(run) is Phase.FAILED
    failure = run.state.failure
    assert failure is not None
    assert "recipe.toml was edited after the run was made" in failure.in_language("en")
    assert "Traceback" not in run.log_tail()

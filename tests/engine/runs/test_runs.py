"""Real runs, small ones: what they leave, and what becomes of them when something dies."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from engine.comparison import compare
from engine.documents import InputError, read_toml
from engine.machine import this_machine
from engine.paths import DATA_DIR, PROJECT_DIR
from engine.runs import launch
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.generator import ModelProcess
from engine.runs.measured import calibration_of
from engine.runs.processes import processes_of
from engine.runs.progress import Progress
from engine.sampling import Sampling
from engine.training.recipe import Recipe
from engine.training.sample import run_plan

PATIENCE_S = 180


def recipe(**changes: object) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values({"n_ranks": min(2, this_machine().n_devices)} | changes)


def start(chosen: Recipe) -> Run:
    run = Run.create(chosen, run_plan(chosen, None, this_machine()))
    launch.start(run)
    return run


def wait_until(condition, run: Run) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, run.log_tail()
        time.sleep(0.2)


def wait_for_end(run: Run) -> Phase:
    wait_until(lambda: launch.look(run).is_over, run)
    return run.state.phase


def wait_for_steps(run: Run, steps: int = 3) -> None:
    progress = Progress(run)
    wait_until(lambda: progress.update().steps_done >= steps or launch.look(run).is_over, run)
    assert not run.state.phase.is_over, run.log_tail()


@pytest.fixture(scope="module")
def shared_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Token files that all runs of this module find ready after the first."""
    return tmp_path_factory.mktemp("corpora")


@pytest.fixture(autouse=True)
def _use_shared_corpora(home: Path, shared_corpora: Path) -> None:
    (home / "corpora").symlink_to(shared_corpora)


def test_a_run_from_text_to_model() -> None:
    run = start(recipe())
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()

    result, metrics = run.result, Progress(run).update().metrics
    assert result is not None
    assert [line.step for line in metrics] == list(range(1, 21))
    assert metrics[-1].loss < metrics[0].loss - 0.5
    assert [line.step for line in metrics if line.held_out_loss is not None] == [10]
    assert abs(metrics[0].loss - math.log(512)) < 0.3  # an untrained model guesses
    assert result.n_parameters == run.recipe.shape.count_parameters().total
    assert 0 < result.mfu < 1
    assert result.memory_bytes_per_device > result.idle_memory_bytes_per_device
    times = [line.step_time_s for line in metrics]
    assert min(times) <= result.step_time_s_p10 <= result.step_time_s_p90 <= max(times)

    rows = compare(run.forecast, run.plan, result)
    assert {row.quantity for row in rows} >= {"step_time_s", "mfu", "loss_nats_per_token"}
    calibration = calibration_of(run)
    assert calibration.run_ids == (run.id,)
    assert leaves_nothing(run)

    with ModelProcess() as process:
        sampling = Sampling(tokens=20)
        written = list(process.generate(run.model_dir, "The people", sampling))
        assert "".join(written)
        assert list(process.generate(run.model_dir, "The people", sampling)) == written

    check_export(run)


def check_export(run: Run) -> None:
    """The exported files alone give the held-out loss that the run reported."""
    code = f"""
import numpy as np, torch
from engine.training.generation import load
from engine.training.corpus import prepare_corpus
from engine.runs.folder import Run
run = Run.find({run.id!r})
model, _ = load(run.model_dir)
n = run.recipe.shape.seq_len_tokens
tokens = prepare_corpus(run.recipe).held_out_tokens()
windows = np.asarray(tokens[: len(tokens) // n * n]).astype(np.int64).reshape(-1, n)
with torch.no_grad():
    losses = [model(input_ids=w, labels=w).loss.item() * len(w)
              for w in torch.from_numpy(windows).split(64)]
print(sum(losses) / len(windows))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    assert run.result is not None
    assert float(answer.stdout) == pytest.approx(run.result.held_out_loss, rel=1e-5)


def test_zero_stages_learn_the_same() -> None:
    """Sharding changes where numbers are kept, not what is learnt."""
    losses = {}
    for stage in (0, 2, 3):
        run = start(recipe(**{"layout.zero_stage": stage, "steps": 8}))
        assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()
        losses[stage] = [line.loss for line in Progress(run).update().metrics]
    assert losses[2] == pytest.approx(losses[0], rel=1e-5)
    assert losses[3] == pytest.approx(losses[0], rel=1e-5)


def test_gradient_accumulation_is_a_larger_batch() -> None:
    ranks = recipe().n_ranks
    accumulated = recipe(**{"n_ranks": 1, "layout.grad_accumulation_steps": ranks, "steps": 4})
    run = start(accumulated)
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()
    other = start(recipe(steps=4))
    assert wait_for_end(other) is Phase.SUCCEEDED, other.log_tail()
    one, two = ([line.loss for line in Progress(each).update().metrics] for each in (run, other))
    assert one == pytest.approx(two, rel=1e-4)


def test_a_killed_starter_takes_nothing_along(home: Path) -> None:
    """The app, or a terminal, is SIGKILLed with everything in its process group."""
    code = (
        "import os, time\n"
        "from tests.engine.runs.test_runs import recipe, start\n"
        "print(start(recipe(steps=60)).id, flush=True)\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert starter.stdout is not None
    run = Run.find(starter.stdout.readline().strip())
    wait_for_steps(run)
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait()
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()


def test_cancel_leaves_no_process() -> None:
    run = start(recipe(steps=100_000))
    wait_for_steps(run)
    assert len(processes_of(run)) >= 3
    launch.cancel(run)
    assert wait_for_end(run) is Phase.CANCELLED
    assert leaves_nothing(run)
    launch.cancel(run)  # again is no error
    assert run.result is None


@pytest.mark.parametrize(
    "victim",
    ["engine.training.worker", "deepspeed.launcher.launch", "deepspeed.launcher.runner"],
)
def test_a_killed_process_fails_the_run(victim: str) -> None:
    run = start(recipe(steps=100_000))
    wait_for_steps(run)
    killed = next(p for p in processes_of(run) if victim in _module_of(p))
    killed.kill()
    assert wait_for_end(run) is Phase.FAILED
    assert leaves_nothing(run)
    failure = run.state.failure
    assert failure is not None
    assert failure.key == ("rank_killed" if "worker" in victim else "launcher_killed")
    assert failure.params["pid"] == killed.pid
    assert "SIGKILL" in failure.in_language("en")


def leaves_nothing(run: Run) -> bool:
    """No process of the run is left; the supervisor itself may take a moment to go."""
    psutil.wait_procs(processes_of(run), timeout=5)
    return processes_of(run) == []


def _module_of(process: psutil.Process) -> str:
    """The module that a process runs (``-m MODULE``)."""
    line = process.cmdline()
    return line[line.index("-m") + 1] if "-m" in line else ""


def test_a_killed_supervisor_is_found_at_the_next_look() -> None:
    run = start(recipe(steps=100_000))
    wait_for_steps(run)
    supervisor = run.state.supervisor_pid
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    assert wait_for_end(run) is Phase.FAILED
    assert leaves_nothing(run)
    assert run.state.failure is not None
    assert run.state.failure.key == "supervisor_lost"


def test_bad_text_fails_with_its_line_in_both_languages(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run = start(recipe(**{"corpus.source": str(empty)}))
    assert wait_for_end(run) is Phase.FAILED
    failure = run.state.failure
    assert failure is not None
    assert "two documents" in failure.in_language("en")
    assert "corpus.source" in failure.in_language("zh_Hans")
    assert failure.in_language("zh_Hans") != failure.in_language("en")


def test_a_stale_build_lock_does_not_stop_a_run() -> None:
    from engine.training import ops

    lock = ops.built_file().parent / "lock"
    lock.touch()
    try:
        run = start(recipe(steps=2))
        assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()
    finally:
        lock.unlink()


def test_the_command_line_trains_lists_and_cancels(home: Path) -> None:
    def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", *arguments], cwd=PROJECT_DIR,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    short = home / "short.toml"
    short.write_text(recipe(steps=3).to_toml(), "utf-8")
    trained = engine("train", str(short), "--json")
    assert trained.returncode == 0, trained.stderr
    report = json.loads(trained.stdout)
    assert report["result"]["steps"] == 3

    long = home / "long.toml"
    long.write_text(recipe(steps=100_000).to_toml(), "utf-8")
    run_id = engine("train", str(long), "--detach").stdout.strip()
    assert engine("runs", "cancel", run_id).stdout.strip() == "cancelled"
    listed = json.loads(engine("runs", "list", "--json").stdout)
    assert [(row["run"], row["phase"]) for row in listed] == [
        (run_id, "cancelled"),
        (report["run"], "succeeded"),
    ]
    assert engine("export", report["run"], str(home / "model")).returncode == 0
    assert (home / "model" / "config.json").is_file()
    assert engine("export", report["run"], str(home / "model")).returncode == 2
    assert engine("generate", run_id).returncode == 2


def test_names_cannot_leave_the_folder() -> None:
    run = Run.create(recipe(name="../../x y"), run_plan(recipe(), None, this_machine()))
    assert run.folder.parent.name == "runs"
    assert all_runs() == []  # not found before its supervisor holds its lock
    run.publish()
    assert [one.id for one in all_runs()] == [run.id]
    for name in ("../../x", "", "a/b", "nothing"):
        with pytest.raises(InputError):
            Run.find(name)


def test_cancel_right_after_the_start() -> None:
    run = start(recipe(steps=100_000))
    launch.cancel(run)
    assert wait_for_end(run) is Phase.CANCELLED
    assert leaves_nothing(run)

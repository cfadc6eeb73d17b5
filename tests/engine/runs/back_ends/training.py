"""Real runs on a back end: start them, wait for them, and read their results."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.back_ends import back_end
from engine.runs.back_ends.node_state import log_file
from engine.runs.folder import Phase, Run
from engine.runs.job import BackEndName, Job
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Progress
from engine.runs.processes import processes_of
from engine.runs.settings import settings

PATIENCE_S = 400.0


def start(recipe: Recipe, on: BackEndName) -> Run:
    machine = back_end(on).machine(settings())
    run = Run.create(recipe, run_plan(recipe, None, machine), Job(back_end=on))
    control.start(run)
    return run


def wait_until(condition: Callable[[], bool], run: Run, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, logs(run)
        time.sleep(0.1)


def wait_for_end(run: Run, patience_s: float = PATIENCE_S) -> Phase:
    wait_until(lambda: reconcile_run(run).is_over, run, patience_s)
    return run.state.phase


def wait_for_steps(run: Run, steps: int) -> None:
    progress = Progress(run)
    wait_until(lambda: progress.update().steps_done >= steps or run.state.phase.is_over, run)
    assert not run.state.phase.is_over, logs(run)


def leaves_nothing(run: Run) -> bool:
    """Whether all processes of the run end; the supervisor itself may take a moment."""
    psutil.wait_procs(processes_of(run), timeout=PATIENCE_S)
    return processes_of(run) == []


def losses(run: Run) -> list[float]:
    """Return the loss of every step, after a check that there is one line for each step."""
    lines = Progress(run).update().metrics
    assert [line.step for line in lines] == list(range(1, run.recipe.steps + 1)), logs(run)
    return [line.loss for line in lines]


def logs(run: Run) -> str:
    files = [run.folder / "log", *(log_file(run.folder, rank) for rank in (0, 1))]
    return "\n".join(file.read_text("utf-8") for file in files if file.is_file())


def executable(file: Path, body: str) -> None:
    """Write an executable shell script that stands in for a command."""
    file.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    file.chmod(0o755)

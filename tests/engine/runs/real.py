"""Small real runs, and functions that wait for their progress."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from engine.machine import this_machine
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run
from engine.runs.job import Job
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.launching.spending import RunSpending
from engine.runs.observing.progress import Progress
from engine.runs.process_table import command_line_of
from engine.runs.processes import processes_of

PATIENCE_S = 400.0
"""Seconds to wait for a condition that a run reaches within seconds on an idle machine."""


def start(chosen: Recipe, job: Job = Job()) -> Run:
    run = Run.create(chosen, run_plan(chosen, None, this_machine()), job)
    control.start(run)
    return run


def wait_until(condition: Callable[[], bool], run: Run, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, run.log_tail()
        time.sleep(0.2)


def wait_for_end(run: Run) -> Phase:
    wait_until(lambda: reconcile_run(run).is_over, run)
    return run.state.phase


def wait_for_steps(run: Run, steps: int = 3) -> None:
    progress = Progress(run)
    wait_until(lambda: progress.update().steps_done >= steps or reconcile_run(run).is_over, run)
    assert not run.state.phase.is_over, run.log_tail()


def wait_for_training(run: Run) -> None:
    """Wait until the run has taken a step since its training was last started."""

    def has_stepped() -> bool:
        state = run.state
        return state.phase is Phase.TRAINING and RunSpending(run).spent_s(state) > state.spent_s

    wait_until(lambda: has_stepped() or reconcile_run(run).is_over, run)
    assert not run.state.phase.is_over, run.log_tail()


def leaves_nothing(run: Run) -> bool:
    """Whether all processes of the run end; the supervisor itself may take a moment."""
    psutil.wait_procs(processes_of(run), timeout=PATIENCE_S)
    return processes_of(run) == []


def process_of(run: Run, module: str) -> psutil.Process:
    """Return the process of the run that runs ``-m MODULE``."""
    return next(process for process in processes_of(run) if module in _module_of(process))


def _module_of(process: psutil.Process) -> str:
    line = command_line_of(process)
    return line[line.index("-m") + 1] if "-m" in line else ""

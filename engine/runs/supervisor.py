"""The one process that owns a run: ``python -m engine.runs.supervisor RUN_DIR``.

It prepares the text, starts the ``deepspeed`` launcher, waits, and leaves no process behind.
An exit code alone proves nothing (``deepspeed`` exits with 0 when its ``launch.py`` was
killed): a run has succeeded when rank 0 has written its result.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from engine.machine import Machine, this_machine
from engine.results import Failure
from engine.runs.folder import Phase, Run
from engine.runs.launch import end_processes, processes_of
from engine.training.recipe import Recipe

_PR_SET_CHILD_SUBREAPER = 36


class CancelRequest(Exception):  # noqa: N818 - it is no error
    """SIGTERM came: somebody asked to end the run."""


def supervise(run: Run) -> None:
    # Orphans of a killed launcher become our children, so that we can find and end them.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        signal.signal(signal.SIGTERM, _raise_cancelled)
        # Who reads this pid may send the signal: so not before there is a handler for it.
        run.set_state(supervisor_pid=os.getpid(), phase=Phase.PREPARING)
        recipe = run.recipe
        exit_code = _wait_for(preparing_command(run.folder))
        if exit_code == 0:
            run.set_state(phase=Phase.TRAINING)
            command = training_command(run.folder, recipe.n_ranks, _free_port())
            exit_code = _wait_for(command, os.environ | training_environment(this_machine()))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows is short, and must be whole
        _end_all(run)
        if run.result is not None:
            run.end(Phase.SUCCEEDED)
        else:
            no_result = Failure(key="no_result", params={"exit_code": exit_code})
            run.end(Phase.FAILED, run.reported_failure() or no_result)
    except CancelRequest:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all(run)
        run.end(Phase.CANCELLED)
    except Exception as error:
        _end_all(run)
        run.end(Phase.FAILED, Failure(key="supervisor_error", params={"error": repr(error)}))
        raise


def preparing_command(folder: Path) -> list[str]:
    """What makes token files of a run's text, before its ranks start."""
    return [sys.executable, "-m", "engine.training.prepare", str(folder)]


def training_command(folder: Path, n_ranks: int, port: int | str) -> list[str]:
    """The launcher's command line: DeepSpeed's own, as a module of our interpreter."""
    return [
        sys.executable,
        "-m",
        "deepspeed.launcher.runner",
        "--num_gpus",
        str(n_ranks),
        "--master_port",
        str(port),
        "--module",
        "engine.training.worker",
        str(folder),
    ]


def training_environment(machine: Machine) -> dict[str, str]:
    """What the launcher's environment has besides ours."""
    if machine.has_gpu:
        return {}
    # One rank is one core. More threads than cores spin in barriers: a step took 17 times as
    # long beside a busy process.
    return {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}


def shown_commands(recipe: Recipe, machine: Machine) -> list[str]:
    """What the supervisor of a run of ``recipe`` starts, as lines of a shell, without starting
    anything. ``RUN`` is the run's folder and ``PORT`` a free port: both are found at the start."""
    environment = [f"{name}={value}" for name, value in training_environment(machine).items()]
    training = training_command(Path("RUN"), recipe.n_ranks, "PORT")
    return [
        shlex.join(preparing_command(Path("RUN"))),
        " ".join([*environment, shlex.join(training)]),
    ]


def _wait_for(command: list[str], environment: dict[str, str] | None = None) -> int:
    """Run a command to its end, its output going where ours goes: to the log."""
    print("$", *command, flush=True)
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL).wait()


def _end_all(run: Run) -> None:
    children = psutil.Process().children(recursive=True)
    end_processes(list({*children, *processes_of(run)}))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _raise_cancelled(*_: object) -> None:
    raise CancelRequest


if __name__ == "__main__":
    supervise(Run(Path(sys.argv[1])))

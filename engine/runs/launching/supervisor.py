"""The process that owns a run: ``python -m engine.runs.launching.supervisor RUN_DIR``.

The supervisor prepares the text, starts the training, waits for its end and leaves no process
behind. An exit code alone proves nothing (``deepspeed`` exits with 0 when its ``launch.py`` was
killed): a run has succeeded when rank 0 has written its result and no process is left.
"""

from __future__ import annotations

import math
import os
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import NamedTuple

from engine.documents import InputError
from engine.machine import Machine
from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.runs.back_ends import Work, back_end
from engine.runs.back_ends.deepspeed_launcher import training_environment
from engine.runs.back_ends.local import training_command
from engine.runs.folder import Phase, Run, StopReason, now
from engine.runs.job import Job
from engine.runs.launching import queue
from engine.runs.launching.spending import RunSpending, monthly_limit_reached, own_limit_reached
from engine.runs.processes import Child, adopt_orphans
from engine.runs.settings import settings

TICK_S = 1.0
"""Seconds between two checks for a stop request and of the run's cost, which send no event."""
MONTH_TICK_S = 60.0
"""Seconds between two checks of the cost of all runs together."""
STOP_PATIENCE_S: Mapping[StopReason, float] = {"cancelled": 9.0, "spending_limit": 600.0}
"""Seconds that the ranks may take for a last checkpoint, by the reason of the stop. A cancelled run
ends within 15 s. A run at its spending limit gets more time, because it can be resumed once the
limit is raised."""
EXIT_PATIENCE_S: Mapping[str, float] = {"stopped.json": 2.0, "result.json": 30.0}
"""Seconds in which the processes must exit after rank 0 has written its last file, by the file."""
PORT_TRIES = 5
"""Most starts that fail because another process took the port first, before the run fails."""
_STOPPED: Mapping[StopReason, Phase] = {
    "cancelled": Phase.CANCELLED,
    "spending_limit": Phase.STOPPED,
}
"""Phase in which a stopped run ends, by the reason of the stop."""
_PERMANENT_FAILURES = (
    "input", "loss_not_finite", "loss_not_finite_kept", "disk_full", "survivors",
)  # fmt: skip
"""Keys of failures that another start would meet again."""


class Outcome(NamedTuple):
    """The phase in which a run ends, with the reason of a failure or a stop."""

    phase: Phase
    failure: Failure | None = None


class Supervisor:
    """Runs one run from its start to its end.

    The supervisor keeps the run's state in memory and always writes it as a whole: an edit of the
    file while the run is live has no effect.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.state = run, run.state
        self._busy_ports = 0
        self._month_checked_at = -math.inf
        self._limit_reached: Failure | None = None

    @cached_property
    def _recipe(self) -> Recipe:
        return self.run.unedited_recipe()

    @cached_property
    def _job(self) -> Job:
        return self.run.job

    @cached_property
    def _spending(self) -> RunSpending:
        return RunSpending(self.run)

    def update_state(self, **changes: object) -> None:
        """Change fields of the run's state, and write the state."""
        self.state = self.state.with_values(changes)
        self.run.write_state(self.state)

    def supervise(self) -> Outcome:
        """Supervise the run to its end, after which none of its processes is left."""
        self.update_state(supervisor_pid=os.getpid())
        if self.state.cluster_job is None:  # otherwise an earlier supervisor started the training
            self.update_state(phase=Phase.PREPARING)
            failed = self._prepare()
            if failed:
                return failed
        while True:
            reason = self.run.stop_reason
            if reason is not None and self.state.cluster_job is None:
                return Outcome(_STOPPED[reason])
            outcome = self._train()
            if not self._is_restarted(outcome):
                return outcome

    def _prepare(self) -> Outcome | None:
        """Tokenise the run's text; the outcome if that failed, else None."""
        self._remove_reports()
        command = preparing_command(self.run.folder)
        work = Child(self.run, "preparing", command, os.environ)
        exit_code, left = self._wait_for(work)
        return None if exit_code == 0 and not left else self._outcome(work, exit_code, left)

    def _train(self) -> Outcome:
        """Start the training once, or continue with a cluster's job, and wait for its end."""
        own_back_end = back_end(self._job.back_end)
        if self.state.cluster_job is None:
            self._remove_reports()
            self.update_state(
                phase=Phase.TRAINING,
                started_at=now(),
                starts=self.state.starts + 1,
                spent_s=self._spending.spent_s(self.state),
            )
        work = own_back_end.training(self.run, own_back_end.machine(settings()), os.environ)
        self.update_state(cluster_job=work.cluster_job)
        exit_code, left = self._wait_for(work)
        self.update_state(cluster_job=None)
        return self._outcome(work, exit_code, left)

    def _remove_reports(self) -> None:
        """Remove the reports of an earlier start, which do not apply to the next start."""
        for name in ("result.json", "failure.json", "stopped.json"):
            (self.run.folder / name).unlink(missing_ok=True)

    def _wait_for(self, work: Work) -> tuple[int | None, list[str]]:
        """Wait until ``work`` has ended or has used up its time; then end its processes.

        Returns its exit code, None if it had to be ended, and names of processes that are left.
        """
        deadline_from = math.inf
        try:
            while (exit_code := work.poll()) is None:
                self._check_spending_limits()
                patience_s = self._patience_s()
                if patience_s < math.inf:
                    deadline_from = min(deadline_from, time.monotonic())
                if time.monotonic() >= deadline_from + patience_s:
                    break
                wait_for_any(work.events, TICK_S)
        finally:
            left = work.end()
        return exit_code, left

    def _patience_s(self) -> float:
        """Return the seconds after which the work is ended; infinite during normal training."""
        for last_file, exit_patience_s in EXIT_PATIENCE_S.items():
            if (self.run.folder / last_file).exists():
                return exit_patience_s
        reason = self.run.stop_reason
        if reason is None:
            return math.inf
        # Without a step since the start there is nothing to save.
        has_stepped = self._spending.spent_s(self.state) > self.state.spent_s
        return STOP_PATIENCE_S[reason] if has_stepped else 0.0

    def _check_spending_limits(self) -> None:
        """Request a stop if the run, or all runs of the month, have reached a spending limit."""
        if self.run.stop_reason is not None:
            return
        reached = own_limit_reached(self._spending, self.state, self._job)
        if reached is None and time.monotonic() >= self._month_checked_at + MONTH_TICK_S:
            self._month_checked_at = time.monotonic()
            with suppress(InputError):  # settings that are being edited end no run
                reached = monthly_limit_reached(self.run)
        if reached is not None:
            self._limit_reached = reached
            self.run.request_stop("spending_limit")

    def _outcome(self, work: Work, exit_code: int | None, left: list[str]) -> Outcome:
        if left:
            survivors = Failure(key="survivors", params={"processes": ", ".join(left)})
            return Outcome(Phase.FAILED, survivors)
        if self.run.result is not None:
            return Outcome(Phase.SUCCEEDED)
        reported, reason = self.run.reported_failure(), self.run.stop_reason
        if reason is not None:
            return Outcome(_STOPPED[reason], reported or self._limit_reached)
        assert exit_code is not None
        return Outcome(Phase.FAILED, reported or work.exit_failure(exit_code))

    def _is_restarted(self, outcome: Outcome) -> bool:
        """Return whether training starts again after ``outcome``; counts the restart if so."""
        failure = outcome.failure
        if outcome.phase is not Phase.FAILED or failure is None:
            return False
        if failure.key in _PERMANENT_FAILURES:
            return False
        if failure.key == "port_busy":  # another process took the port first: no restart is used up
            self._busy_ports += 1
            return self._busy_ports < PORT_TRIES
        if self.state.restarts >= self._recipe.restarts:
            return False
        print(failure.in_language("en"), "It is started again.", flush=True)
        self.update_state(restarts=self.state.restarts + 1)
        return True


def preparing_command(folder: Path) -> list[str]:
    """Return the command that tokenises a run's text before its ranks start."""
    return [sys.executable, "-m", "engine.training.corpus.prepare", str(folder)]


def preview_commands(recipe: Recipe, machine: Machine) -> list[str]:
    """Return the commands that the supervisor of a run of ``recipe`` would start, as shell lines.

    Nothing is started. ``RUN`` replaces the run's folder and ``PORT`` a free port, which are known
    only at the start.
    """
    environment = [f"{name}={value}" for name, value in training_environment(machine).items()]
    training = training_command(Path("RUN"), range(recipe.n_ranks), "PORT", machine)
    return [
        shlex.join(preparing_command(Path("RUN"))),
        " ".join([*environment, shlex.join(training)]),
    ]


def main(run: Run) -> None:
    """Supervise ``run``, write its final state, and start queued runs."""
    adopt_orphans()
    # A shutdown of the machine sends SIGTERM: the run saves a checkpoint and can be resumed.
    signal.signal(signal.SIGTERM, lambda *_: run.request_stop("cancelled"))
    supervisor = Supervisor(run)
    try:
        outcome = supervisor.supervise()
    except InputError as error:
        print(error, flush=True)
        outcome = Outcome(Phase.FAILED, Failure.of_input(error))
    except Exception as error:
        traceback.print_exc()
        failure = Failure(key="supervisor_error", params={"error": repr(error)})
        outcome = Outcome(Phase.FAILED, failure)
    supervisor.update_state(phase=outcome.phase, failure=outcome.failure, ended_at=now())
    try:
        queue.start_next()
    except InputError as error:  # the settings are not valid
        print(error, flush=True)


if __name__ == "__main__":
    main(Run(Path(sys.argv[1])))

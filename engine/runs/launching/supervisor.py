"""The one process that owns a run: ``python -m engine.runs.launching.supervisor RUN_DIR``.

It prepares the text, has the training begun, waits, and leaves no process behind. An exit code
alone proves nothing (``deepspeed`` exits with 0 when its ``launch.py`` was killed): a run has
succeeded when rank 0 has written its result and no process is left.
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
from engine.runs.launching.spending import Account, monthly_limit_reached, own_limit_reached
from engine.runs.processes import Child, adopt_orphans
from engine.runs.settings import settings

TICK_S = 1.0
"""Between two looks at what wakes nobody: the wish to stop, and what the run costs."""
MONTH_TICK_S = 60.0
"""Between two looks at what all runs together cost."""
PATIENCE_S: Mapping[StopReason, float] = {"cancelled": 9.0, "spending_limit": 600.0}
"""How long the ranks may take for a last checkpoint. Whoever cancels has everything gone within
15 s; a limit is there to go on from, once it is raised."""
GOING_S: Mapping[str, float] = {"stopped.json": 2.0, "result.json": 30.0}
"""How long processes may take to go after what rank 0 writes as its last act."""
PORT_TRIES = 5
_STOPPED: Mapping[StopReason, Phase] = {
    "cancelled": Phase.CANCELLED,
    "spending_limit": Phase.STOPPED,
}
_LASTING = ("input", "loss_not_finite", "loss_not_finite_kept", "disk_full", "survivors")
"""Failures that the next try would meet again."""


class Outcome(NamedTuple):
    phase: Phase
    failure: Failure | None = None


class Supervisor:
    """Takes one run from its turn in the queue to its end.

    It knows the state and writes it as a whole: what somebody makes of the file meanwhile has no
    say in it.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.state = run, run.state
        self._busy_ports = 0
        self._month_looked_at = -math.inf
        self._limit_reached: Failure | None = None

    @cached_property
    def _recipe(self) -> Recipe:
        return self.run.unedited_recipe()

    @cached_property
    def _job(self) -> Job:
        return self.run.job

    @cached_property
    def _account(self) -> Account:
        return Account(self.run)

    def note(self, **changes: object) -> None:
        self.state = self.state.with_values(changes)
        self.run.write_state(self.state)

    def supervise(self) -> Outcome:
        """The run from here to its end; no process of it is left then."""
        self.note(supervisor_pid=os.getpid())
        if self.state.cluster_job is None:  # else a supervisor before us had its training begun
            self.note(phase=Phase.PREPARING)
            failed = self._prepare()
            if failed:
                return failed
        while True:
            reason = self.run.stop_reason
            if reason is not None and self.state.cluster_job is None:
                return Outcome(_STOPPED[reason])
            outcome = self._train()
            if not self._is_tried_again(outcome):
                return outcome

    def _prepare(self) -> Outcome | None:
        """Make token files of its text; None if that went well."""
        self._forget_reports()
        command = preparing_command(self.run.folder)
        work = Child(self.run, "preparing", command, os.environ)
        exit_code, left = self._attend(work)
        return None if exit_code == 0 and not left else self._outcome(work, exit_code, left)

    def _train(self) -> Outcome:
        """One start of its training, to the end of that."""
        ours = back_end(self._job.back_end)
        if self.state.cluster_job is None:
            self._forget_reports()
            self.note(
                phase=Phase.TRAINING,
                started_at=now(),
                starts=self.state.starts + 1,
                spent_s=self._account.spent_s(self.state),
            )
        work = ours.training(self.run, ours.machine(settings()), os.environ)
        self.note(cluster_job=work.cluster_job)
        exit_code, left = self._attend(work)
        self.note(cluster_job=None)
        return self._outcome(work, exit_code, left)

    def _forget_reports(self) -> None:
        """Of an earlier start: they say nothing of the next one."""
        for name in ("result.json", "failure.json", "stopped.json"):
            (self.run.folder / name).unlink(missing_ok=True)

    def _attend(self, work: Work) -> tuple[int | None, list[str]]:
        """Wait until it has ended, or should have; then end what is left.

        Its exit code, None if it had to be ended, and what could not be ended.
        """
        waits_since = math.inf
        try:
            while (exit_code := work.poll()) is None:
                self._watch_spending()
                patience_s = self._patience_s()
                if patience_s < math.inf:
                    waits_since = min(waits_since, time.monotonic())
                if time.monotonic() >= waits_since + patience_s:
                    break
                wait_for_any(work.events, TICK_S)
        finally:
            left = work.end()
        return exit_code, left

    def _patience_s(self) -> float:
        """For how long what goes on may still go on."""
        for last_act, going_s in GOING_S.items():
            if (self.run.folder / last_act).exists():
                return going_s
        reason = self.run.stop_reason
        if reason is None:
            return math.inf
        # Without a step since it was begun there is nothing to keep.
        has_stepped = self._account.spent_s(self.state) > self.state.spent_s
        return PATIENCE_S[reason] if has_stepped else 0.0

    def _watch_spending(self) -> None:
        if self.run.stop_reason is not None:
            return
        reached = own_limit_reached(self._account, self.state, self._job)
        if reached is None and time.monotonic() >= self._month_looked_at + MONTH_TICK_S:
            self._month_looked_at = time.monotonic()
            with suppress(InputError):  # settings that somebody is editing end no run
                reached = monthly_limit_reached(self.run)
        if reached is not None:
            self._limit_reached = reached
            self.run.request_stop("spending_limit")

    def _outcome(self, work: Work, exit_code: int | None, left: list[str]) -> Outcome:
        if left:
            what = Failure(key="survivors", params={"processes": ", ".join(left)})
            return Outcome(Phase.FAILED, what)
        if self.run.result is not None:
            return Outcome(Phase.SUCCEEDED)
        reported, reason = self.run.reported_failure(), self.run.stop_reason
        if reason is not None:
            return Outcome(_STOPPED[reason], reported or self._limit_reached)
        assert exit_code is not None
        return Outcome(Phase.FAILED, reported or work.death(exit_code))

    def _is_tried_again(self, outcome: Outcome) -> bool:
        failure = outcome.failure
        if outcome.phase is not Phase.FAILED or failure is None or failure.key in _LASTING:
            return False
        if failure.key == "port_busy":  # nobody's fault: somebody took it before we could
            self._busy_ports += 1
            return self._busy_ports < PORT_TRIES
        if self.state.restarts >= self._recipe.restarts:
            return False
        print(failure.in_language("en"), "It is started again.", flush=True)
        self.note(restarts=self.state.restarts + 1)
        return True


def preparing_command(folder: Path) -> list[str]:
    """What makes token files of a run's text, before its ranks start."""
    return [sys.executable, "-m", "engine.training.corpus.prepare", str(folder)]


def shown_commands(recipe: Recipe, machine: Machine) -> list[str]:
    """What the supervisor of a run of ``recipe`` starts, as lines of a shell, without starting
    anything. ``RUN`` is the run's folder and ``PORT`` a free port: both are found at the start."""
    environment = [f"{name}={value}" for name, value in training_environment(machine).items()]
    training = training_command(Path("RUN"), range(recipe.n_ranks), "PORT", machine)
    return [
        shlex.join(preparing_command(Path("RUN"))),
        " ".join([*environment, shlex.join(training)]),
    ]


def main(run: Run) -> None:
    adopt_orphans()
    # Whoever shuts this machine down ends us so: the run can go on when it is up again.
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
    supervisor.note(phase=outcome.phase, failure=outcome.failure, ended_at=now())
    try:
        queue.start_next()
    except InputError as error:  # in the settings, which nobody may have looked at for long
        print(error, flush=True)


if __name__ == "__main__":
    main(Run(Path(sys.argv[1])))

"""A supervisor of training that only follows a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from engine.files import write_json
from engine.machine import Machine, this_machine
from engine.results import Failure
from engine.runs.folder import Run
from engine.runs.launching import supervisor
from engine.runs.launching.supervisor import Outcome, Supervisor
from engine.runs.settings import Settings

Act = Callable[[Run], int | None]
"""Effect between two polls of the supervisor: it returns None, or an exit code at the end."""


class ScriptedTraining:
    cluster_job: str | None = None
    events: Sequence[int] = ()

    def __init__(self, run: Run, acts: Sequence[Act], survivors: Sequence[str]) -> None:
        self._run, self._acts, self._survivors = run, iter(acts), survivors

    def poll(self) -> int | None:
        return next(self._acts)(self._run)

    def end(self) -> list[str]:
        return list(self._survivors)

    def exit_failure(self, exit_code: int) -> Failure:
        return Failure(key="launcher_ended", params={"pid": 1, "exit_code": exit_code})


class ScriptedBackEnd:
    """Each start of the training follows the next of ``scripts``."""

    def __init__(self, scripts: Sequence[Sequence[Act]], survivors: Sequence[str] = ()) -> None:
        self._scripts: Iterator[Sequence[Act]] = iter(scripts)
        self._survivors = survivors
        self.starts = 0

    def machine(self, settings: Settings) -> Machine:
        return this_machine()

    def training(self, run: Run, *_: object) -> ScriptedTraining:
        self.starts += 1
        return ScriptedTraining(run, next(self._scripts), self._survivors)


def supervise(monkeypatch: pytest.MonkeyPatch, run: Run, back_end: ScriptedBackEnd) -> Outcome:
    """Supervise ``run`` to its end and write its final state, as the supervisor's process does."""
    monkeypatch.setattr(supervisor, "back_end", lambda _: back_end)
    monkeypatch.setattr(supervisor, "TICK_S", 0.0)
    monkeypatch.setattr(Supervisor, "_prepare", lambda _: None)
    running = Supervisor(run)
    outcome = running.supervise()
    running.update_state(phase=outcome.phase, failure=outcome.failure)
    return outcome


def goes_on(_: Run) -> None:
    """Let training go on without an event."""


def dies(_: Run) -> int:
    return 1


def fails(key: str, **params: object) -> Act:
    """Return an act in which a process reports the reason of its failure and ends."""

    def act(run: Run) -> int:
        write_json(run.folder / "failure.json", {"key": key, "params": params})
        return 1

    return act


def stops_if_asked(run: Run) -> int | None:
    """Stop with a checkpoint on request, as rank 0 does."""
    if run.stop_reason is None:
        return None
    write_json(run.folder / "stopped.json", {"step": 1})
    return 0

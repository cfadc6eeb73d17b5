"""The folder of a run, which is the only record of the run.

====================  =========================================================
``recipe.toml``       the recipe
``plan.json``         the run as a plan, from which its forecast was made
``job.json``          the back end, the priority in the queue and the spending limit
``forecast.json``     the forecast, made before the start
``preparing.json``    progress of the text's preparation, replaced atomically
``corpus.json``       paths of the run's token files
``state.json``        phase, times, reason of a failure; replaced atomically
``metrics.jsonl``     one line a step, appended by rank 0
``log``               output of all processes
``nodes/``            on several machines: report of the agent of each node
``node-0.log``        on several machines: output of the processes of a node
``stop.json``         request to stop at the next step with a checkpoint, with its reason
``stopped.json``      written last by rank 0 of a run that stopped on request
``result.json``       written last by rank 0 of a run that succeeded
``failure.json``      written by a process that knows why the run failed
``model/``            the exported model
``checkpoints/``      ``step-00000100`` and so on: exported models during training, and in the
                      newest of them the training state from which a resumed run goes on
``evaluation-*``      scores of its models: ``evaluation-final.json`` and so on
``about.json``        name, note, tags and archive flag that users give the run
``lock``              held by the supervisor for as long as it lives
====================  =========================================================

Only the process that holds ``lock`` writes ``state.json``. That is the supervisor or, if the run
has none, a process that queues the run, cancels it or finds that its supervisor is lost.
"""

from __future__ import annotations

import datetime
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar

from engine.documents import Document, InputError, read_toml
from engine.files import JsonLines, read_json, write_atomically, write_json
from engine.forecast import Forecast, forecast
from engine.paths import runs_dir
from engine.plan import Plan
from engine.recipes.checkpoints import committed
from engine.recipes.preflight import check_prerequisites
from engine.recipes.recipe import Recipe, read_unedited_recipe, recipe_file_hash
from engine.results import Failure, RunResult
from engine.runs.job import Job
from engine.runs.locks import is_locked, take_lock

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,100}")
_LOG_TAIL_BYTES = 64_000

StopReason = Literal["cancelled", "spending_limit"]

_Kind = TypeVar("_Kind", bound=Document)


class Phase(StrEnum):
    """The phase of a run."""

    QUEUED = "queued"
    """Waiting for slots; the run has no process yet."""
    STARTING = "starting"
    PREPARING = "preparing"
    """Reading and tokenising the text."""
    TRAINING = "training"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """Stopped with a checkpoint at a spending limit."""

    @property
    def is_over(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.STOPPED)

    @property
    def is_live(self) -> bool:
        """Whether a supervisor must hold the run's lock."""
        return not self.is_over and self is not Phase.QUEUED


class RunState(Document):
    """The content of ``state.json``."""

    phase: Phase
    created_at: datetime.datetime
    started_at: datetime.datetime | None = None
    """Time of the last start of training."""
    ended_at: datetime.datetime | None = None
    supervisor_pid: int | None = None
    failure: Failure | None = None
    """Reason of a failure; for a stopped run, the limit that it reached."""
    recipe_hash: str | None = None
    """SHA-256 of ``recipe.toml`` as it was created; an edited recipe is refused."""
    slots: tuple[int, ...] = ()
    """Numbers of the slots of its back end that the run takes while it is live."""
    starts: int = 0
    """Number of times that training was started."""
    restarts: int = 0
    """Number of starts after a death of its processes, since the run last left the queue."""
    cluster_job: str | None = None
    """Id of the run's job in a cluster, which goes on without the supervisor."""
    spent_s: float = 0.0
    """Seconds of all steps before training was last started, lost steps that were taken again
    included."""


class StopRequest(Document):
    """The content of ``stop.json``."""

    reason: StopReason


class StopReport(Document):
    """The content of ``stopped.json``."""

    step: int


def is_run_id(name: str) -> bool:
    """Return whether ``name`` has the form of a run id, which never leads to another folder."""
    return _RUN_ID.fullmatch(name) is not None


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, recipe: Recipe, plan: Plan, job: Job = Job()) -> Run:
        """Create a folder for ``recipe``, with the forecast of ``plan``.

        The folder is hidden until :meth:`publish`, since any process starts a queued run that it
        finds when its turn has come.

        Raises
        ------
        InputError
            If a file that the recipe refers to is missing or does not fit
            (``check_prerequisites``).
        """
        check_prerequisites(recipe)
        slug = re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-")[:40] or "run"
        run_id = f"{now():%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"
        runs_dir().mkdir(parents=True, exist_ok=True)
        # Filled under a hidden name: a folder with a run's name always has all of these files.
        folder = runs_dir() / f".{run_id}"
        folder.mkdir()
        write_atomically(folder / "recipe.toml", recipe.to_toml())
        write_json(folder / "job.json", job.model_dump(mode="json"))
        write_json(folder / "plan.json", plan.model_dump(mode="json"))
        write_json(folder / "forecast.json", forecast(plan).model_dump(mode="json"))
        (folder / "lock").touch()
        (folder / "log").touch()
        run = cls(folder)
        run.write_state(
            RunState(
                phase=Phase.QUEUED,
                created_at=now(),
                recipe_hash=recipe_file_hash(run.folder / "recipe.toml"),
            )
        )
        return run

    def publish(self) -> None:
        """Give the folder its final name, under which other processes find the run."""
        self.folder = self.folder.rename(self.folder.with_name(self.id))

    @classmethod
    def find(cls, run_id: str) -> Run:
        """Return the run with that id; InputError if there is none, or if it is no run id."""
        folder = runs_dir() / run_id
        if not is_run_id(run_id) or not folder.is_dir():
            raise InputError("run", run_id, "known_run", folder=str(runs_dir()))
        return cls(folder)

    @property
    def id(self) -> str:
        return self.folder.name.removeprefix(".")

    @property
    def recipe(self) -> Recipe:
        return read_toml(self.folder / "recipe.toml", Recipe)

    @property
    def job(self) -> Job:
        return self.read("job.json", Job) or Job()

    @property
    def plan(self) -> Plan:
        return self._read_required("plan.json", Plan)

    @property
    def forecast(self) -> Forecast:
        return self._read_required("forecast.json", Forecast)

    @property
    def state(self) -> RunState:
        return _state_in(self.folder, *_stamp(self.folder / "state.json"))

    @property
    def result(self) -> RunResult | None:
        """Measured result of a run that has succeeded, else None."""
        return self.read("result.json", RunResult)

    def has_lost_supervisor(self) -> bool:
        """Return whether the state is live although no process holds the run's lock."""
        if not self.state.phase.is_live or is_locked(self.folder / "lock"):
            return False
        return self.state.phase.is_live  # the run may have ended just before the lock was free

    def unedited_recipe(self) -> Recipe:
        """Return the recipe that the run was created with.

        Raises
        ------
        InputError
            As :func:`engine.recipes.recipe.read_unedited_recipe` does.
        """
        return read_unedited_recipe(self.folder / "recipe.toml", self.state.recipe_hash, self.id)

    @property
    def model_dir(self) -> Path:
        return self.folder / "model"

    def checkpoints(self) -> list[Path]:
        """Return the folders of complete checkpoints, oldest first."""
        return committed(self.folder)

    def metrics(self) -> JsonLines:
        return JsonLines(self.folder / "metrics.jsonl")

    def log_tail(self) -> str:
        """Return the end of the log, at most 64 kB."""
        path = self.folder / "log"
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace")

    def write_state(self, state: RunState) -> None:
        write_json(self.folder / "state.json", state.model_dump(mode="json"))

    def set_state(self, **changes: object) -> RunState:
        state = self.state.with_values(changes)
        self.write_state(state)
        return state

    def end(self, phase: Phase, failure: Failure | None = None) -> None:
        self.set_state(phase=phase, ended_at=now(), failure=failure)

    def reported_failure(self) -> Failure | None:
        """Return the failure that a process of the run has reported, or None."""
        return self.read("failure.json", Failure)

    def request_stop(self, reason: StopReason) -> None:
        """Request the ranks to stop at the next step with a checkpoint."""
        write_json(self.folder / "stop.json", {"reason": reason})

    @property
    def stop_reason(self) -> StopReason | None:
        """Reason of the request to stop, or None if there is no request."""
        request = self.read("stop.json", StopRequest)
        return None if request is None else request.reason

    @property
    def stopped_step(self) -> int | None:
        """Step of the checkpoint with which the run stopped on request, or None."""
        report = self.read("stopped.json", StopReport)
        return None if report is None else report.step

    @contextmanager
    def locked(self, patience_s: float = 0.0) -> Iterator[int | None]:
        """Hold the run's lock and yield its file descriptor, or None if the lock is taken."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            yield descriptor if take_lock(descriptor, patience_s) else None
        finally:
            os.close(descriptor)  # a child that inherited the descriptor keeps the lock

    def read(self, name: str, kind: type[_Kind]) -> _Kind | None:
        """Return the document in a file of the run's folder; None if there is no such file.

        Raises
        ------
        InputError
            If the file is not valid, for example after an edit by hand.
        """
        data = read_json(self.folder / name)
        return None if data is None else kind.parse(data, where=f"{self.id}/{name}")

    def _read_required(self, name: str, kind: type[_Kind]) -> _Kind:
        """Return the document in a file that every run has; InputError if it is missing."""
        found = self.read(name, kind)
        if found is None:
            raise InputError("file", f"{self.id}/{name}", "file_missing")
        return found


def all_runs() -> list[Run]:
    """Return every run of this machine whose state can be read, newest first."""
    if not runs_dir().is_dir():
        return []
    folders = sorted((path for path in runs_dir().iterdir() if is_run_id(path.name)), reverse=True)
    return [run for run in map(Run, folders) if _is_readable(run)]


def _is_readable(run: Run) -> bool:
    try:
        return bool(run.state)
    except InputError:
        return False


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return values that change when the file is written or replaced; zeros if it is missing."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=10_000)
def _state_in(folder: Path, *_stamp: int) -> RunState:
    """Return the state in ``folder``, cached because most runs are over and read repeatedly."""
    return Run(folder)._read_required("state.json", RunState)

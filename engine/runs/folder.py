"""A run is a folder. The folder is the truth: whoever reads it needs nothing else.

====================  =========================================================
``recipe.toml``       what was asked for
``plan.json``         the run as a plan: what its forecast was made from
``job.json``          where it runs, its place in the queue, what it may cost
``forecast.json``     the forecast, made before the start
``preparing.json``    which stage its text is at while it is prepared, replaced atomically
``corpus.json``       where its token files are
``state.json``        phase, times, reason of a failure; replaced atomically
``metrics.jsonl``     one line a step, appended by rank 0
``log``               everything that the processes printed
``nodes/``            beyond one machine: report of the agent of each node
``node-0.log``        beyond one machine: what the processes of a node printed
``stop.json``         asks the ranks to stop at the next step, with a checkpoint, and says why
``stopped.json``      written by rank 0 as its last act when it did as it was asked
``result.json``       written by rank 0 as the last act of a run that succeeded
``failure.json``      written by the process that knows why a run failed
``model/``            the exported model
``checkpoints/``      ``step-00000100`` and so on: models on the way, each as ``model/``, and in
                      the newest what training needs to go on
``evaluation-*``      what its models are worth: ``evaluation-final.json`` and so on
``about.json``        what people call it and say about it
``lock``              held by the supervisor for as long as it lives
====================  =========================================================

Only who holds ``lock`` writes ``state.json``: the supervisor, or, of a run that has none, who
queues it, cancels it or finds it dead.
"""

from __future__ import annotations

import datetime
import hashlib
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
from engine.recipes.recipe import Recipe
from engine.results import Failure, RunResult
from engine.runs.job import Job
from engine.runs.locks import is_locked, take_lock

_RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,100}")
_LOG_TAIL_BYTES = 64_000

StopReason = Literal["cancelled", "spending_limit"]

_Kind = TypeVar("_Kind", bound=Document)


class Phase(StrEnum):
    QUEUED = "queued"
    """Waiting for slots; no process is its own yet."""
    STARTING = "starting"
    PREPARING = "preparing"
    """Reading and tokenising the text."""
    TRAINING = "training"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    """At a checkpoint, by its spending limit."""

    @property
    def is_over(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.STOPPED)

    @property
    def is_live(self) -> bool:
        """Whether a supervisor must be there."""
        return not self.is_over and self is not Phase.QUEUED


class RunState(Document):
    phase: Phase
    created_at: datetime.datetime
    started_at: datetime.datetime | None = None
    """When its training was last begun."""
    ended_at: datetime.datetime | None = None
    supervisor_pid: int | None = None
    failure: Failure | None = None
    """Why it failed, if it did; of a run that was stopped, what it had reached."""
    recipe_hash: str | None = None
    """SHA-256 of ``recipe.toml`` as it was written; one edited since then is refused."""
    slots: tuple[int, ...] = ()
    """Of its back end: those that it takes while it is live."""
    starts: int = 0
    """How often its training was begun."""
    restarts: int = 0
    """Those of them, since it last left the queue, that followed a death of its processes."""
    cluster_job: str | None = None
    """What a cluster calls it there; then it goes on without its supervisor."""
    spent_s: float = 0.0
    """Seconds of steps that it had taken when its training was last begun, those included that
    were lost with their process and taken again."""


class Asked(Document):
    """``stop.json``."""

    reason: StopReason


class Stopped(Document):
    """``stopped.json``."""

    step: int


def is_run_id(name: str) -> bool:
    """Whether ``name`` can be a run's: it leads to no other folder."""
    return _RUN_ID.fullmatch(name) is not None


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, recipe: Recipe, plan: Plan, job: Job = Job()) -> Run:
        """A new folder for ``recipe``, with the forecast of ``plan``.

        It is hidden until it is started: whoever finds a queued run starts it when its turn
        comes.

        Raises
        ------
        InputError
            If what the recipe refers to is missing or does not fit, by ``check_prerequisites``.
        """
        check_prerequisites(recipe)
        slug = re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-")[:40] or "run"
        run_id = f"{now():%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"
        runs_dir().mkdir(parents=True, exist_ok=True)
        # Filled under another name: a folder with a run's name always has all of these files.
        part = runs_dir() / f".{run_id}"
        part.mkdir()
        write_atomically(part / "recipe.toml", recipe.to_toml())
        write_json(part / "job.json", job.model_dump(mode="json"))
        write_json(part / "plan.json", plan.model_dump(mode="json"))
        write_json(part / "forecast.json", forecast(plan).model_dump(mode="json"))
        (part / "lock").touch()
        (part / "log").touch()
        run = cls(part)
        run.write_state(
            RunState(phase=Phase.QUEUED, created_at=now(), recipe_hash=run.recipe_file_hash())
        )
        return run

    def publish(self) -> None:
        """Give the folder its name, under which it is found."""
        self.folder = self.folder.rename(self.folder.with_name(self.id))

    @classmethod
    def find(cls, run_id: str) -> Run:
        """The run of that id; InputError if there is none, or if it is no run id at all."""
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
        return self._read_certain("plan.json", Plan)

    @property
    def forecast(self) -> Forecast:
        return self._read_certain("forecast.json", Forecast)

    @property
    def state(self) -> RunState:
        return _state_in(self.folder, *_stamp(self.folder / "state.json"))

    @property
    def result(self) -> RunResult | None:
        """What it measured, once it has succeeded."""
        return self.read("result.json", RunResult)

    def has_lost_supervisor(self) -> bool:
        """Return whether the state is live although no process holds the run's lock."""
        if not self.state.phase.is_live or is_locked(self.folder / "lock"):
            return False
        return self.state.phase.is_live  # the run may have ended just before the lock was free

    def recipe_file_hash(self) -> str:
        return hashlib.sha256((self.folder / "recipe.toml").read_bytes()).hexdigest()

    def unedited_recipe(self) -> Recipe:
        """The recipe that it was created with.

        Raises
        ------
        InputError
            If somebody has edited it since: what was trained so far would not belong to it.
        """
        wanted = self.state.recipe_hash
        if wanted is not None and self.recipe_file_hash() != wanted:
            raise InputError("recipe.toml", self.id, "edited_recipe")
        return self.recipe

    @property
    def model_dir(self) -> Path:
        return self.folder / "model"

    def checkpoints(self) -> list[Path]:
        """Folders of the models kept on the way, the oldest first; each is whole."""
        return committed(self.folder)

    def metrics(self) -> JsonLines:
        return JsonLines(self.folder / "metrics.jsonl")

    def log_tail(self) -> str:
        """The last lines that its processes printed, at most 64 kB, however long the log is."""
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
        """What the process that knew why wrote down, if any did."""
        return self.read("failure.json", Failure)

    def request_stop(self, reason: StopReason) -> None:
        """Ask the ranks to stop at the next step, with a checkpoint."""
        write_json(self.folder / "stop.json", {"reason": reason})

    @property
    def stop_reason(self) -> StopReason | None:
        """Why it was asked to stop, if it was."""
        asked = self.read("stop.json", Asked)
        return None if asked is None else asked.reason

    @property
    def stopped_step(self) -> int | None:
        """Of the checkpoint with which it stopped as it was asked to, if it did."""
        stopped = self.read("stopped.json", Stopped)
        return None if stopped is None else stopped.step

    @contextmanager
    def locked(self, patience_s: float = 0.0) -> Iterator[int | None]:
        """Holds the run's lock and yields its file descriptor, or yields None if it is taken."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            yield descriptor if take_lock(descriptor, patience_s) else None
        finally:
            os.close(descriptor)  # the lock itself lives on where a child was given it

    def read(self, name: str, kind: type[_Kind]) -> _Kind | None:
        """The document in a file of ours; None where there is no such file.

        Raises
        ------
        InputError
            If it is none any more: somebody has edited it.
        """
        data = read_json(self.folder / name)
        return None if data is None else kind.parse(data, where=f"{self.id}/{name}")

    def _read_certain(self, name: str, kind: type[_Kind]) -> _Kind:
        """As :meth:`read`, for a file that every run has."""
        found = self.read(name, kind)
        if found is None:
            raise InputError(f"{self.id}/{name}", "—", "file_missing")
        return found


def all_runs() -> list[Run]:
    """Every run of this machine whose state can be read, the newest first."""
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
    """Another one whenever the file was written or replaced; zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=10_000)
def _state_in(folder: Path, *_stamp: int) -> RunState:
    """Of a thousand runs most are over, and are asked again and again."""
    return Run(folder)._read_certain("state.json", RunState)

"""Where runs run: this machine, a list of hosts, a Slurm cluster, a Kubernetes cluster.

Each is a module here of its own name, with a ``BACK_END``. A run is prepared and supervised on
this machine whichever it is; what a back end does is to start the training and to know how it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol

from engine.documents import InputError
from engine.machine import Machine
from engine.results import Failure
from engine.runs.folder import Run
from engine.runs.job import BackEndName
from engine.runs.settings import Settings


class Work(Protocol):
    """Something that a run's supervisor has begun and waits for."""

    @property
    def events(self) -> list[int]:
        """Descriptors that become readable when something has happened to it; there may be none.

        It is polled then, and once a second.
        """

    def poll(self) -> int | None:
        """None while it goes on; an exit code then, which alone proves nothing."""

    def end(self) -> list[str]:
        """End all that is left of it, in seconds; what could not be ended, by names that a
        person can find it under."""

    def exit_failure(self, exit_code: int) -> Failure:
        """Why it ended without a result, as far as it can be known from outside."""


class Training(Work, Protocol):
    """The training of one run."""

    @property
    def cluster_job(self) -> str | None:
        """What its cluster calls it, where it outlives the supervisor; kept in the state."""


class BackEnd(Protocol):
    @property
    def name(self) -> BackEndName: ...

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        """What must be there before a run can start, one line each; nothing where it is ready."""

    def machine(self, settings: Settings) -> Machine:
        """All that a run can have there: its plan and its forecast are made for it."""

    def slots(self, settings: Settings) -> int | None:
        """Ranks that run there at a time, none where it is not set up; None where the cluster
        has a queue of its own."""

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> Training:
        """Begin the training of ``run``, or go on with what its state calls ``cluster_job``.

        ``environment`` is what each of its processes must have, the run's id among it.

        Raises
        ------
        InputError
            If it cannot be begun, for a reason that another try would meet again.
        """


def back_end(name: BackEndName) -> BackEnd:
    found: BackEnd = importlib.import_module(f"engine.runs.back_ends.{name}").BACK_END
    return found

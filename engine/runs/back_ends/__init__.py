"""Back ends that train runs: this machine, a list of hosts, a Slurm or a Kubernetes cluster.

Each back end is a module of its own name in this package, with a ``BACK_END``. The text of a run is
always prepared on this machine, and its supervisor runs here. A back end starts the training and
reports its end.
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
    """Processes or a job that a supervisor has started and waits for."""

    @property
    def events(self) -> list[int]:
        """Descriptors that become readable when a process ends; there may be none.

        The supervisor calls :meth:`poll` then, and also once a second.
        """

    def poll(self) -> int | None:
        """Return the exit code, which alone proves nothing, or None while the work goes on."""

    def end(self) -> list[str]:
        """End all remaining processes within seconds.

        Returns names by which a user can find the processes that could not be ended.
        """

    def exit_failure(self, exit_code: int) -> Failure:
        """Return the reason why the work ended without a result, as seen from outside."""


class Training(Work, Protocol):
    """The training of one run."""

    @property
    def cluster_job(self) -> str | None:
        """Id of the job in its cluster, if the training outlives the supervisor; else None."""


class BackEnd(Protocol):
    """A place where runs train."""

    @property
    def name(self) -> BackEndName: ...

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        """Return an error for each requirement that is missing; an empty list if ready."""

    def machine(self, settings: Settings) -> Machine:
        """Return the largest machine that a run can have; plans and forecasts are made for it."""

    def slots(self, settings: Settings) -> int | None:
        """Return the number of ranks that can run at a time; 0 if the back end is not set up.

        None for a cluster that has a queue of its own.
        """

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> Training:
        """Start the training of ``run``, or continue with the ``cluster_job`` in its state.

        ``environment`` holds variables for each process, the run's id among them.

        Raises
        ------
        InputError
            If the training cannot be started for a reason that another start would meet again.
        """


def back_end(name: BackEndName) -> BackEnd:
    """Return the back end ``name``."""
    found: BackEnd = importlib.import_module(f"engine.runs.back_ends.{name}").BACK_END
    return found

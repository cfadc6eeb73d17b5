"""What Slurm and Kubernetes have in common: a job that goes on without us, and a client command to
ask after it, which may not answer."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from engine.machine import Machine, machine_like
from engine.results import Failure
from engine.runs.back_ends.node_state import failure_of_nodes, node_key, ranks_of_nodes
from engine.runs.folder import Run
from engine.runs.settings import Kubernetes, Slurm

_ASK_S = 5.0
"""Between two questions about a job: every cluster has users that ask too often."""
_ANSWER_PATIENCE_S = 10.0
_END_PATIENCE_S = 5.0
_END_TICK_S = 0.5


class ClientError(RuntimeError):
    """A cluster's client failed, or did not end in time; says with which words."""


def ask(*command: str) -> str:
    """What a client prints.

    Raises
    ------
    ClientError
    """
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClientError(f"{command[0]}: {error.timeout:.0f} s") from None
    if answer.returncode != 0:
        said = [line for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
        raise ClientError("; ".join(said[-2:]) or f"{command[0]}: {answer.returncode}")
    return answer.stdout


def cluster_machine(cluster: Slurm | Kubernetes) -> Machine:
    """All that a run can have there."""
    return machine_like(cluster.accelerator, cluster.nodes * cluster.slots_per_node)


def ranks_on_nodes(cluster: Slurm | Kubernetes, run: Run) -> list[int]:
    """Ranks of a run on each node that it has there."""
    return ranks_of_nodes(run.recipe.n_ranks, [cluster.slots_per_node] * cluster.nodes)


class ClusterJob(ABC):
    """The job of one run."""

    over: ClassVar[Mapping[str, int]]
    """States that a job does not leave, with the exit code that each amounts to."""
    states_explained_by_agents: ClassVar[Sequence[str]]
    """Those of which the guards know more than the cluster."""
    waiting: ClassVar[str]
    """The state of a job that no node works on."""

    def __init__(self, run: Run, n_nodes: int, cluster_job: str) -> None:
        self._run, self._n_nodes, self.cluster_job = run, n_nodes, cluster_job
        self._state = ""
        self._asked_at = time.monotonic()

    @abstractmethod
    def state(self) -> str:
        """The job's, as its cluster says; ClientError if it doesn't answer."""

    @abstractmethod
    def cancel(self) -> None:
        """Have the cluster end it; ClientError if it doesn't answer."""

    @property
    def events(self) -> list[int]:
        return []

    def poll(self) -> int | None:
        if time.monotonic() > self._asked_at + _ASK_S:
            self._ask()
            if self._state == self.waiting and self._run.stop_reason:  # no rank could see that
                self._try_to_cancel()
        return self.over.get(self._state)

    def end(self) -> list[str]:
        until = time.monotonic() + _END_PATIENCE_S
        self._ask()
        if self._state not in self.over:
            self._try_to_cancel()
        while self._state not in self.over and time.monotonic() < until:
            time.sleep(_END_TICK_S)
            self._ask()
        return [] if self._state in self.over else [self.cluster_job]

    def exit_failure(self, exit_code: int) -> Failure:
        if self._state in self.states_explained_by_agents:
            names = [node_key(rank) for rank in range(self._n_nodes)]
            return failure_of_nodes(self._run.folder, names, exit_code)
        return Failure(key="job_ended", params={"job": self.cluster_job, "state": self._state})

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            state = self.state()
        except ClientError as error:  # the job goes on without its controller
            state = f"? {error}"
        if state != self._state:
            print(f"job {self.cluster_job}: {state}", flush=True)
        self._state = state

    def _try_to_cancel(self) -> None:
        try:
            self.cancel()
        except ClientError as error:  # whether it was of use, its state will tell
            print(error, flush=True)

"""Jobs of Slurm and Kubernetes: they outlive the supervisor and are polled by a client command.

The client command may fail or not answer; the job goes on without it.
"""

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

_QUERY_INTERVAL_S = 5.0
"""Seconds between two queries of a job's state, so that the cluster's controller is not loaded."""
_ANSWER_PATIENCE_S = 10.0
_END_PATIENCE_S = 5.0
_END_POLL_S = 0.5


class ClientError(RuntimeError):
    """A cluster's client failed or did not end in time; the message holds its last lines."""


def run_client(*command: str) -> str:
    """Run a cluster's client and return its output.

    Raises
    ------
    ClientError
        If the client fails or does not end within ten seconds.
    """
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_ANSWER_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClientError(f"{command[0]}: {error.timeout:.0f} s") from None
    if answer.returncode != 0:
        lines = [line for line in (answer.stderr or answer.stdout).splitlines() if line.strip()]
        raise ClientError("; ".join(lines[-2:]) or f"{command[0]}: {answer.returncode}")
    return answer.stdout


def cluster_machine(cluster: Slurm | Kubernetes) -> Machine:
    """Return the largest machine that a run can have in the cluster."""
    return machine_like(cluster.accelerator, cluster.nodes * cluster.slots_per_node)


def ranks_on_nodes(cluster: Slurm | Kubernetes, run: Run) -> list[int]:
    """Return the number of ranks on each node that the run has in the cluster."""
    return ranks_of_nodes(run.recipe.n_ranks, [cluster.slots_per_node] * cluster.nodes)


class ClusterJob(ABC):
    """The job of one run in a cluster."""

    final_states: ClassVar[Mapping[str, int]]
    """Exit code for each state that a job does not leave."""
    states_explained_by_agents: ClassVar[Sequence[str]]
    """Final states whose cause the node agents report in more detail than the cluster does."""
    waiting_state: ClassVar[str]
    """State of a job that no node works on."""

    def __init__(self, run: Run, n_nodes: int, cluster_job: str) -> None:
        self._run, self._n_nodes, self.cluster_job = run, n_nodes, cluster_job
        self._state = ""
        self._queried_at = time.monotonic()

    @abstractmethod
    def state(self) -> str:
        """Return the job's state as its cluster names it; ClientError if it does not answer."""

    @abstractmethod
    def cancel(self) -> None:
        """Make the cluster end the job; ClientError if the cluster does not answer."""

    @property
    def events(self) -> list[int]:
        return []

    def poll(self) -> int | None:
        if time.monotonic() > self._queried_at + _QUERY_INTERVAL_S:
            self._query()
            # No rank is running that could act on the stop request.
            if self._state == self.waiting_state and self._run.stop_reason:
                self._try_to_cancel()
        return self.final_states.get(self._state)

    def end(self) -> list[str]:
        until = time.monotonic() + _END_PATIENCE_S
        self._query()
        if self._state not in self.final_states:
            self._try_to_cancel()
        while self._state not in self.final_states and time.monotonic() < until:
            time.sleep(_END_POLL_S)
            self._query()
        return [] if self._state in self.final_states else [self.cluster_job]

    def exit_failure(self, exit_code: int) -> Failure:
        if self._state in self.states_explained_by_agents:
            names = [node_key(rank) for rank in range(self._n_nodes)]
            return failure_of_nodes(self._run.folder, names, exit_code)
        return Failure(key="job_ended", params={"job": self.cluster_job, "state": self._state})

    def _query(self) -> None:
        self._queried_at = time.monotonic()
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
        except ClientError as error:  # the next query shows whether the job was cancelled
            print(error, flush=True)

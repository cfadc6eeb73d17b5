"""The agent of one node in a run on several machines.

Its command is ``python -m engine.runs.back_ends.node_agent RUN_DIR …``.

The agent starts DeepSpeed's launcher for the node's ranks and leaves none of their processes
behind. It ends the ranks when another node departs, when it receives SIGTERM, and when the process
that requested the training is gone. A list of hosts, a Slurm job or the pods of Kubernetes start
the agents, and need to end nothing but them.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from engine.files import write_atomically
from engine.runs.back_ends.deepspeed_launcher import Launcher, free_port, launcher_command
from engine.runs.back_ends.links import (
    Links,
    NodesMissingError,
    accept_nodes,
    connect_to_first_node,
)
from engine.runs.back_ends.node_state import NodeState, log_file, node_key, read_node, write_node
from engine.runs.folder import Run, now
from engine.runs.process_table import children_of, end_processes, environment_of
from engine.runs.processes import RUN_ID_VARIABLE, adopt_orphans, processes_of

NODE_VARIABLE = "FLOPLEDGER_NODE"
"""Environment variable with the node's rank in every process that an agent starts."""
LINK_TIMEOUT_VARIABLE = "FLOPLEDGER_LINK_TIMEOUT_S"
"""Environment variable with the time limit, in seconds, on messages between ranks. The ranks may
use a network that the agents do not watch."""
_LINK_TIMEOUT_S = 600
"""Time limit on messages between ranks, in seconds; longer than any step."""
_HEARTBEAT_PATIENCE_S = 30.0
"""Seconds without a byte from the supervisor after which it counts as gone."""
_FENCING_INTERVAL_S = 5.0
"""Seconds between two checks whether another agent has replaced this agent."""
_POLL_S = 1.0
_DESCENDANTS_PATIENCE_S = 2.0
"""Seconds in which processes that the ranks have started must exit after the launcher."""
ENDED_EXIT_CODE = 128 + signal.SIGTERM
"""Exit code of an agent that was ended, or whose run cannot go on without another node."""


class NodePlace(NamedTuple):
    """One node among the nodes of a run."""

    rank: int
    shares: Sequence[int]
    """Number of ranks on each node, by the rank of the node."""
    name: str
    master: str
    """Address of node 0."""
    port: int
    """Port on which the agent of node 0 listens; 0 for any free port, which it then reports."""
    interface: str
    """Network interface for the ranks; if empty, the interface of the agents' connections."""


class Ending(NamedTuple):
    """Exit code of an agent, with its last changes of the node's state."""

    exit_code: int
    state_changes: dict[str, Any]


class EndRequest(Exception):  # noqa: N818 - it is no error
    """A request to end the node's ranks."""


class SupervisorConnection:
    """The supervisor that started the agent: it sends a byte a second and receives the port."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._output = os.dup(1)  # descriptor 1 itself is redirected to the log
        self._heard_at = time.monotonic()

    def report_port(self, port: int) -> None:
        os.write(self._output, f"port {port}\n".encode())

    def check(self) -> None:
        """Raise EndRequest if the supervisor has closed its side, or was silent for too long."""
        try:
            if not os.read(0, 4096):
                raise EndRequest
            self._heard_at = time.monotonic()
        except BlockingIOError:
            if time.monotonic() - self._heard_at > _HEARTBEAT_PATIENCE_S:
                raise EndRequest from None


class NodeAgent:
    """Trains the ranks of one node."""

    def __init__(self, run: Run, place: NodePlace, supervisor: SupervisorConnection | None) -> None:
        self._run, self._place, self._supervisor = run, place, supervisor
        self._state = NodeState(rank=place.rank, name=place.name, pid=os.getpid(), started_at=now())
        self._links = Links({})
        self._starter = os.getppid()
        self._fence_checked_at = time.monotonic()

    def main(self) -> int:
        """Train this node's ranks to the end, and return the agent's exit code."""
        try:
            ending = self._train()
        except NodesMissingError as error:
            ending = Ending(ENDED_EXIT_CODE, {"missing": str(error)})
        except EndRequest:
            ending = Ending(ENDED_EXIT_CODE, {})
        finally:
            _ignore_sigterm()  # a second signal must not interrupt the rest
            end_processes(_descendants())
        self._links.close(done=ending.exit_code == 0)
        # The state is written last, because the run's folder may be behind the broken link.
        if not self._is_replaced():
            self._write(ended_at=now(), **ending.state_changes)
        return ending.exit_code

    def _train(self) -> Ending:
        # An agent that was killed, or has not noticed its broken link yet, may have left processes.
        end_processes(processes_of_node(self._run, self._place.rank))
        self._write()
        launcher = self._launch(*self._find_others())
        while (exit_code := launcher.poll()) is None:
            self._check()
            if departure := self._links.departed():
                lost = None if departure.reported else departure.name
                return Ending(ENDED_EXIT_CODE, {"lost": lost})
            wait_for_any([*self._links.connections, *launcher.events], _POLL_S)
        _, left = psutil.wait_procs(_descendants(), timeout=_DESCENDANTS_PATIENCE_S)
        if exit_code == 0 and not left:
            return Ending(0, {})
        # A launcher whose launch.py was killed exits with 0 and leaves its ranks.
        failure = launcher.exit_failure(exit_code)
        if "rank" in failure.params:
            rank = rank_of_run(self._place, failure.params["rank"])
            failure = failure.with_value("params.rank", rank)
        return Ending(exit_code or 1, {"failure": failure.model_dump(mode="json")})

    def _find_others(self) -> tuple[str, int]:
        """Connect to the other nodes, and return the address and the port of rank 0."""
        place, port = self._place, free_port()
        run_id, n_nodes = self._run.id, len(place.shares)
        if place.rank > 0:
            self._links, port = connect_to_first_node(
                place.master, place.port, run_id, place.name, place.rank, self._check
            )
            return place.master, port
        with socket.create_server(("", place.port)) as listener:
            if self._supervisor:
                self._supervisor.report_port(listener.getsockname()[1])
            self._links = accept_nodes(listener, run_id, place.name, n_nodes, port, self._check)
        return "127.0.0.1", port

    def _launch(self, master: str, port: int) -> Launcher:
        place = self._place
        hostfile = self._run.folder / "nodes" / f"hostfile-{place.rank}"
        on_cpu = os.environ.get("DS_ACCELERATOR") == "cpu"
        visible = "" if on_cpu else os.environ.get("CUDA_VISIBLE_DEVICES", "")
        devices = devices_of_nodes(place, visible)
        write_atomically(hostfile, hostfile_text(devices))
        environment = os.environ | {
            RUN_ID_VARIABLE: self._run.id,
            NODE_VARIABLE: str(place.rank),
        }
        if len(place.shares) > 1:  # by default gloo may bind the loopback and wait for ever
            interface = place.interface or self._links.interface
            environment |= {
                "GLOO_SOCKET_IFNAME": interface,
                "NCCL_SOCKET_IFNAME": interface,
                LINK_TIMEOUT_VARIABLE: str(_LINK_TIMEOUT_S),
            }
        options = [
            "--no_ssh", "--hostfile", str(hostfile), "--include", include_option(devices),
            "--node_rank", str(place.rank), "--master_addr", master, "--master_port", str(port),
        ]  # fmt: skip
        command = launcher_command(options, self._run.folder)
        return Launcher(self._run, command, environment, place.shares[place.rank])

    def _check(self) -> None:
        """Raise EndRequest if the process that requested the training is gone."""
        if self._supervisor:
            self._supervisor.check()
        if os.getppid() != self._starter:
            raise EndRequest
        if time.monotonic() - self._fence_checked_at > _FENCING_INTERVAL_S:
            self._fence_checked_at = time.monotonic()
            if self._is_replaced():
                raise EndRequest

    def _is_replaced(self) -> bool:
        """Return whether the training was started again while this node was thought to be dead.

        Otherwise two processes with rank 0 would write into the same folder.
        """
        return read_node(self._run.folder, self._place.rank) != self._state

    def _write(self, **changes: object) -> None:
        self._state = self._state.with_values(changes)
        write_node(self._run.folder, self._state)


def rank_of_run(place: NodePlace, local_rank: int) -> int:
    """Return the rank in the run of DeepSpeed's ``local_rank``.

    DeepSpeed's local rank is the rank modulo the number of ranks on the node.
    """
    share, before = place.shares[place.rank], sum(place.shares[: place.rank])
    return next(rank for rank in range(before, before + share) if rank % share == local_rank)


def devices_of_nodes(place: NodePlace, visible: str) -> list[list[int]]:
    """Return the device numbers of the ranks on each node.

    For this node they are the devices that a scheduler has assigned to it: ``visible`` is the value
    of ``CUDA_VISIBLE_DEVICES``. For the other nodes only the number of devices matters here.
    """
    devices = [list(range(share)) for share in place.shares]
    if visible:
        numbers = [int(number) for number in visible.split(",")]
        devices[place.rank] = numbers[: place.shares[place.rank]]
    return devices


def hostfile_text(devices: Sequence[Sequence[int]]) -> str:
    """Return DeepSpeed's list of nodes with the number of slots of each."""
    return "".join(
        f"{node_key(rank)} slots={max(numbers) + 1}\n" for rank, numbers in enumerate(devices)
    )


def include_option(devices: Sequence[Sequence[int]]) -> str:
    """Return the value of DeepSpeed's option ``--include``, which selects slots of each node."""
    return "@".join(
        f"{node_key(rank)}:{','.join(map(str, numbers))}" for rank, numbers in enumerate(devices)
    )


def processes_of_node(run: Run, rank: int) -> list[psutil.Process]:
    """Return the live processes on this machine that agents of this node have started."""
    return [
        process
        for process in processes_of(run)
        if environment_of(process).get(NODE_VARIABLE) == str(rank)
    ]


def _descendants() -> list[psutil.Process]:
    return children_of(os.getpid(), recursive=True)


def _on_sigterm(*_: object) -> None:
    _ignore_sigterm()  # a second signal must not interrupt the end
    raise EndRequest


def _ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--shares", type=lambda text: [int(share) for share in text.split(",")])
    parser.add_argument("--name", default=socket.gethostname())
    parser.add_argument("--master", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--interface", default="")
    parser.add_argument(
        "--watched", action="store_true", help="by a supervisor that sends a byte a second"
    )
    parser.add_argument(
        "--end", action="store_true", help="only end processes that an earlier agent left"
    )
    given = parser.parse_args()
    run = Run(given.folder)
    if given.end:
        return 1 if end_processes(processes_of_node(run, given.rank)) else 0
    signal.signal(signal.SIGTERM, _on_sigterm)
    adopt_orphans()
    supervisor = SupervisorConnection() if given.watched else None
    with log_file(run.folder, given.rank).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    place = NodePlace(
        given.rank, given.shares, given.name, given.master, given.port, given.interface
    )
    return NodeAgent(run, place, supervisor).main()


if __name__ == "__main__":
    sys.exit(main())

"""The agent of one node in a run on several machines.

Its command is ``python -m engine.runs.back_ends.node_agent RUN_DIR …``.

It is the guard of that node: it starts DeepSpeed's launcher for the node's ranks and leaves no
process of them behind, however that ends. It ends them when another node goes, when it is told to
(SIGTERM), and when nobody is there any more who asked for them. Who starts the guards, on a list of
hosts, in a Slurm job, in the pods of Kubernetes, need not look after anything but them.
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
from engine.runs.back_ends.links import Links, NodesMissingError, gather, join
from engine.runs.back_ends.node_state import NodeState, log_file, node_key, read_node, write_node
from engine.runs.folder import Run, now
from engine.runs.process_table import children_of, end_processes, environment_of
from engine.runs.processes import RUN_ID_VARIABLE, adopt_orphans, processes_of

NODE_VARIABLE = "FLOPLEDGER_NODE"
"""The node's rank: every process that a guard starts has it in its environment."""
LINK_TIMEOUT_VARIABLE = "FLOPLEDGER_LINK_TIMEOUT_S"
"""For the ranks' own messages, which may take a network that the guards don't see."""
_LINK_TIMEOUT_S = 600
"""More than any step takes."""
_PULSE_PATIENCE_S = 30.0
_FENCE_S = 5.0
_LOOK_S = 1.0
_LAST_WORDS_S = 2.0
"""For what the ranks started themselves and no longer wait for."""
ENDED_EXIT_CODE = 128 + signal.SIGTERM
"""Of a guard that was to end, or whose run can't go on without another node."""


class Place(NamedTuple):
    """One node among those of a run."""

    rank: int
    shares: Sequence[int]
    """Ranks of each node."""
    name: str
    master: str
    """Address of node 0."""
    port: int
    """Where node 0's guard listens; 0 for any free one, which it then says."""
    interface: str
    """Network interface for the ranks; that of the guards' connections if empty."""


class Ending(NamedTuple):
    exit_code: int
    says: dict[str, Any]
    """For the node's state."""


class EndRequest(Exception):  # noqa: N818 - it is no error
    """The guard is to end its ranks."""


class Watcher:
    """Whoever started the guard and stays: sends a byte a second, and hears the port."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._ears = os.dup(1)  # what else is printed goes to the log
        self._heard = time.monotonic()

    def say_port(self, port: int) -> None:
        os.write(self._ears, f"port {port}\n".encode())

    def check(self) -> None:
        try:
            if not os.read(0, 4096):
                raise EndRequest
            self._heard = time.monotonic()
        except BlockingIOError:
            if time.monotonic() - self._heard > _PULSE_PATIENCE_S:
                raise EndRequest from None


class Guard:
    def __init__(self, run: Run, place: Place, watcher: Watcher | None) -> None:
        self._run, self._place, self._watcher = run, place, watcher
        self._state = NodeState(rank=place.rank, name=place.name, pid=os.getpid(), started_at=now())
        self._links = Links({})
        self._starter = os.getppid()
        self._fenced = time.monotonic()

    def main(self) -> int:
        """Train this node's part to its end; the guard's exit code."""
        try:
            ending = self._train()
        except NodesMissingError as error:
            ending = Ending(ENDED_EXIT_CODE, {"missing": str(error)})
        except EndRequest:
            ending = Ending(ENDED_EXIT_CODE, {})
        finally:
            _ignore_sigterm()  # what follows must be whole
            end_processes(_offspring())
        self._links.part(done=ending.exit_code == 0)
        # Last, since the run's folder may lie behind the link that is broken.
        if not self._is_replaced():
            self._write(ended_at=now(), **ending.says)
        return ending.exit_code

    def _train(self) -> Ending:
        # Left over from a guard that was killed, or that has not found its link broken yet.
        end_processes(processes_of_node(self._run, self._place.rank))
        self._write()
        launcher = self._launch(*self._find_others())
        while (exit_code := launcher.poll()) is None:
            self._check()
            if departure := self._links.departed():
                return Ending(ENDED_EXIT_CODE, {"lost": None if departure.told else departure.name})
            wait_for_any([*self._links.connections, *launcher.events], _LOOK_S)
        _, left = psutil.wait_procs(_offspring(), timeout=_LAST_WORDS_S)
        if exit_code == 0 and not left:
            return Ending(0, {})
        # A launcher whose launch.py was killed ends with 0, and leaves its ranks.
        death = launcher.exit_failure(exit_code)
        if "rank" in death.params:
            rank = rank_of_run(self._place, death.params["rank"])
            death = death.with_value("params.rank", rank)
        return Ending(exit_code or 1, {"failure": death.model_dump(mode="json")})

    def _find_others(self) -> tuple[str, int]:
        """Where the ranks of this node find rank 0, once every node is there."""
        place, port = self._place, free_port()
        run_id, n_nodes = self._run.id, len(place.shares)
        if place.rank > 0:
            self._links, port = join(
                place.master, place.port, run_id, place.name, place.rank, self._check
            )
            return place.master, port
        with socket.create_server(("", place.port)) as listener:
            if self._watcher:
                self._watcher.say_port(listener.getsockname()[1])
            self._links = gather(listener, run_id, place.name, n_nodes, port, self._check)
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
        if len(place.shares) > 1:  # unsaid, gloo may take the loopback, and wait for ever
            interface = place.interface or self._links.interface
            environment |= {
                "GLOO_SOCKET_IFNAME": interface,
                "NCCL_SOCKET_IFNAME": interface,
                LINK_TIMEOUT_VARIABLE: str(_LINK_TIMEOUT_S),
            }
        where = [
            "--no_ssh", "--hostfile", str(hostfile), "--include", included(devices),
            "--node_rank", str(place.rank), "--master_addr", master, "--master_port", str(port),
        ]  # fmt: skip
        command = launcher_command(where, self._run.folder)
        return Launcher(self._run, command, environment, place.shares[place.rank])

    def _check(self) -> None:
        """Raises :class:`EndRequest` if nobody is there any more for whom to train."""
        if self._watcher:
            self._watcher.check()
        if os.getppid() != self._starter:
            raise EndRequest
        if time.monotonic() - self._fenced > _FENCE_S:
            self._fenced = time.monotonic()
            if self._is_replaced():
                raise EndRequest

    def _is_replaced(self) -> bool:
        """Whether the training was begun anew while we were thought dead: two rank 0 would write
        into one folder."""
        return read_node(self._run.folder, self._place.rank) != self._state

    def _write(self, **changes: object) -> None:
        self._state = self._state.with_values(changes)
        write_node(self._run.folder, self._state)


def rank_of_run(place: Place, local_rank: int) -> int:
    """DeepSpeed's local rank is the rank modulo how many ranks the node has."""
    share, before = place.shares[place.rank], sum(place.shares[: place.rank])
    return next(rank for rank in range(before, before + share) if rank % share == local_rank)


def devices_of_nodes(place: Place, visible: str) -> list[list[int]]:
    """Devices that the ranks of each node take. Of this node it is those that a scheduler has left
    it (``CUDA_VISIBLE_DEVICES``); of the others only how many matters here."""
    devices = [list(range(share)) for share in place.shares]
    if visible:
        devices[place.rank] = [int(each) for each in visible.split(",")][: place.shares[place.rank]]
    return devices


def hostfile_text(devices: Sequence[Sequence[int]]) -> str:
    """DeepSpeed's list of nodes with the slots that each has."""
    return "".join(
        f"{node_key(rank)} slots={max(taken) + 1}\n" for rank, taken in enumerate(devices)
    )


def included(devices: Sequence[Sequence[int]]) -> str:
    """Which of these slots DeepSpeed is to use."""
    return "@".join(
        f"{node_key(rank)}:{','.join(map(str, taken))}" for rank, taken in enumerate(devices)
    )


def processes_of_node(run: Run, rank: int) -> list[psutil.Process]:
    """What guards of this node have started on this machine and that still lives."""
    return [
        process
        for process in processes_of(run)
        if environment_of(process).get(NODE_VARIABLE) == str(rank)
    ]


def _offspring() -> list[psutil.Process]:
    return children_of(os.getpid(), recursive=True)


def _on_sigterm(*_: object) -> None:
    _ignore_sigterm()  # whoever asks twice gets what they asked for
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
    parser.add_argument("--watched", action="store_true", help="by whom a byte a second comes")
    parser.add_argument("--end", action="store_true", help="only end what an earlier guard left")
    given = parser.parse_args()
    run = Run(given.folder)
    if given.end:
        return 1 if end_processes(processes_of_node(run, given.rank)) else 0
    signal.signal(signal.SIGTERM, _on_sigterm)
    adopt_orphans()
    watcher = Watcher() if given.watched else None
    with log_file(run.folder, given.rank).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    place = Place(given.rank, given.shares, given.name, given.master, given.port, given.interface)
    return Guard(run, place, watcher).main()


if __name__ == "__main__":
    sys.exit(main())

"""The connections between the guards of a run's nodes, by which each knows that the others live.

Node 0's guard listens, and each other one holds one connection to it. Nothing is sent while all is
well: a guard that dies takes its connection along, and a connection whose other side no longer
answers is ended by the kernel's own keepalive. So a cut link is found within half a minute, however
long a step or a checkpoint takes: a time limit on what the ranks send each other could not tell
the one from the other.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from engine.runs.back_ends.node_state import node_key

_START_PATIENCE_S = 600.0
"""Between the first node that is there and the last: a cluster may have an image to fetch."""
_LOOK_S = 0.5
_HANDSHAKE_S = 10.0
_KEEPALIVE = {
    socket.TCP_KEEPIDLE: 5,  # seconds of silence before the first question
    socket.TCP_KEEPINTVL: 5,  # seconds between two
    socket.TCP_KEEPCNT: 4,  # unanswered ones that end the connection
}
_DONE, _FAILED = b"1", b"0"


class NodesMissingError(RuntimeError):
    """Not every node of the run has come; says which."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A node whose connection ended before it said that all was well."""

    name: str
    told: bool
    """Whether it said itself that it failed; a node that is lost says nothing."""


class Links:
    """What one guard has of the others: node 0's all of them, theirs node 0's."""

    def __init__(self, names: dict[socket.socket, str]) -> None:
        self._names = names

    @property
    def connections(self) -> list[socket.socket]:
        """They become readable when a node goes."""
        return list(self._names)

    @property
    def interface(self) -> str:
        """The network interface that the other nodes are reached by."""
        address = next(iter(self._names)).getsockname()[0]
        for interface, addresses in psutil.net_if_addrs().items():
            if address in (one.address for one in addresses):
                return interface
        raise AssertionError(f"{address} is of no interface here")

    def departed(self) -> Departure | None:
        """A node that has gone, if one has; one that has done its part may."""
        readable, _, _ = select.select(self._names, [], [], 0)
        for connection in readable:
            try:
                word = connection.recv(1)
            except OSError:  # what the kernel found out about the other side
                word = b""
            name = self._names.pop(connection)
            if word != _DONE:
                return Departure(name, told=word == _FAILED)
        return None

    def part(self, *, done: bool) -> None:
        """Say how it ended here, to whom still listens, and hang up."""
        for connection in self._names:
            try:
                connection.send(_DONE if done else _FAILED)
            except OSError:
                continue  # it went first
            finally:
                connection.close()


def gather(
    listener: socket.socket,
    run_id: str,
    name: str,
    n_nodes: int,
    training_port: int,
    meanwhile: Callable[[], None],
) -> Links:
    """Node 0 waits for the others, and tells each which port its rank 0 will listen on.

    ``meanwhile`` is called again and again; what it raises ends the waiting.

    Raises
    ------
    NodesMissingError
        If one has not come within ten minutes.
    """
    until = time.monotonic() + _START_PATIENCE_S
    found: dict[int, tuple[socket.socket, str]] = {}
    listener.settimeout(_LOOK_S)
    while missing := set(range(1, n_nodes)) - set(found):
        meanwhile()
        if time.monotonic() > until:
            raise NodesMissingError(", ".join(map(node_key, sorted(missing))))
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        greeting = _hear(connection)
        if greeting.get("run") != run_id:  # whatever else knocks at ports
            connection.close()
            continue
        with contextlib.suppress(OSError):  # it has gone again, as will be seen
            _say(connection, {"name": name, "port": training_port})
        found[int(greeting["rank"])] = connection, str(greeting["name"])
    return Links(dict(found.values()))


def join(
    address: str, port: int, run_id: str, name: str, rank: int, meanwhile: Callable[[], None]
) -> tuple[Links, int]:
    """Any other node finds node 0; also the port that its rank 0 will listen on.

    ``meanwhile`` is called again and again; what it raises ends the waiting.

    Raises
    ------
    NodesMissingError
        If node 0 has not answered within ten minutes.
    """
    until = time.monotonic() + _START_PATIENCE_S
    while time.monotonic() < until:
        meanwhile()
        try:
            connection = socket.create_connection((address, port), timeout=_HANDSHAKE_S)
        except OSError:  # its name or itself is not there yet
            time.sleep(_LOOK_S)
            continue
        _say(connection, {"run": run_id, "name": name, "rank": rank})
        answer = _hear(connection)
        if answer:
            return Links({connection: str(answer["name"])}), int(answer["port"])
        connection.close()
    raise NodesMissingError(f"{address}:{port}")


def _say(connection: socket.socket, greeting: dict[str, Any]) -> None:
    connection.sendall(json.dumps(greeting).encode() + b"\n")


def _hear(connection: socket.socket) -> dict[str, Any]:
    """The other side's one line; nothing where it is none. From here on it is only watched."""
    connection.settimeout(_HANDSHAKE_S)
    try:
        with connection.makefile("rb") as lines:
            heard = json.loads(lines.readline(1_000))
    except (OSError, ValueError):
        return {}
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    return heard if isinstance(heard, dict) else {}

"""Connections between the node agents of a run, by which each knows that the others are alive.

The agent of node 0 listens, and each other agent holds one connection to it. Nothing is sent during
training: an agent that dies closes its connection, and the kernel's TCP keepalive ends a connection
whose other side no longer answers. So a cut link is found within half a minute, however long a step
or a checkpoint takes. A time limit on the messages between ranks could not distinguish a cut link
from a long checkpoint.
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
"""Seconds between the starts of the first and the last node: a cluster may fetch an image first."""
_POLL_S = 0.5
_HANDSHAKE_PATIENCE_S = 10.0
_KEEPALIVE = {
    socket.TCP_KEEPIDLE: 5,  # seconds of silence before the first probe
    socket.TCP_KEEPINTVL: 5,  # seconds between two probes
    socket.TCP_KEEPCNT: 4,  # unanswered probes that end the connection
}
_DONE, _FAILED = b"1", b"0"


class NodesMissingError(RuntimeError):
    """A node of the run did not connect in time; the message names the missing nodes."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A node whose connection ended before the node reported success."""

    name: str
    reported: bool
    """Whether the node reported its failure; a node that is lost reports nothing."""


class Links:
    """The connections of one agent: node 0 is connected to all nodes, each other node to node 0."""

    def __init__(self, names: dict[socket.socket, str]) -> None:
        self._names = names

    @property
    def connections(self) -> list[socket.socket]:
        """The sockets, each of which becomes readable when its node departs."""
        return list(self._names)

    @property
    def interface(self) -> str:
        """Name of the network interface by which the other nodes are reached."""
        own_address = next(iter(self._names)).getsockname()[0]
        for interface, addresses in psutil.net_if_addrs().items():
            if own_address in (entry.address for entry in addresses):
                return interface
        raise AssertionError(f"{own_address} belongs to no interface of this machine")

    def departed(self) -> Departure | None:
        """Return a node that has departed, if any has; nodes that reported success do not count."""
        readable, _, _ = select.select(self._names, [], [], 0)
        for connection in readable:
            try:
                report = connection.recv(1)
            except OSError:  # the kernel has ended the connection
                report = b""
            name = self._names.pop(connection)
            if report != _DONE:
                return Departure(name, reported=report == _FAILED)
        return None

    def close(self, *, done: bool) -> None:
        """Report success or failure to the nodes that are still connected, and close the links."""
        for connection in self._names:
            try:
                connection.send(_DONE if done else _FAILED)
            except OSError:
                continue  # the other side has closed the connection first
            finally:
                connection.close()


def accept_nodes(
    listener: socket.socket,
    run_id: str,
    name: str,
    n_nodes: int,
    training_port: int,
    check: Callable[[], None],
) -> Links:
    """Wait on node 0 for all other nodes, and send each the port on which rank 0 will listen.

    ``check`` is called repeatedly; an exception from it ends the wait.

    Raises
    ------
    NodesMissingError
        If a node has not connected within ten minutes.
    """
    until = time.monotonic() + _START_PATIENCE_S
    found: dict[int, tuple[socket.socket, str]] = {}
    listener.settimeout(_POLL_S)
    while missing := set(range(1, n_nodes)) - set(found):
        check()
        if time.monotonic() > until:
            raise NodesMissingError(", ".join(map(node_key, sorted(missing))))
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        greeting = _receive_line(connection)
        if greeting.get("run") != run_id:  # a port scanner, or a node of another run
            connection.close()
            continue
        with contextlib.suppress(OSError):  # the node has gone again, which departed() will report
            _send_line(connection, {"name": name, "port": training_port})
        found[int(greeting["rank"])] = connection, str(greeting["name"])
    return Links(dict(found.values()))


def connect_to_first_node(
    address: str, port: int, run_id: str, name: str, rank: int, check: Callable[[], None]
) -> tuple[Links, int]:
    """Connect to node 0; also return the port on which its rank 0 will listen.

    ``check`` is called repeatedly; an exception from it ends the wait.

    Raises
    ------
    NodesMissingError
        If node 0 has not answered within ten minutes.
    """
    until = time.monotonic() + _START_PATIENCE_S
    while time.monotonic() < until:
        check()
        try:
            connection = socket.create_connection((address, port), timeout=_HANDSHAKE_PATIENCE_S)
        except OSError:  # the node or its name does not exist yet
            time.sleep(_POLL_S)
            continue
        _send_line(connection, {"run": run_id, "name": name, "rank": rank})
        answer = _receive_line(connection)
        if answer:
            return Links({connection: str(answer["name"])}), int(answer["port"])
        connection.close()
    raise NodesMissingError(f"{address}:{port}")


def _send_line(connection: socket.socket, greeting: dict[str, Any]) -> None:
    connection.sendall(json.dumps(greeting).encode() + b"\n")


def _receive_line(connection: socket.socket) -> dict[str, Any]:
    """Return the line that the other side sends, or an empty dict; then switch to keepalive."""
    connection.settimeout(_HANDSHAKE_PATIENCE_S)
    try:
        with connection.makefile("rb") as lines:
            received = json.loads(lines.readline(1_000))
    except (OSError, ValueError):
        return {}
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
    return received if isinstance(received, dict) else {}

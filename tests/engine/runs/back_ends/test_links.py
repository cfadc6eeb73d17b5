"""Connections between node agents: how they are made, and how a departure is noticed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine.runs.back_ends import links
from engine.runs.back_ends.links import (
    Departure,
    Links,
    NodesMissingError,
    accept_nodes,
    connect_to_first_node,
)
from engine.runs.back_ends.node_agent import EndRequest

RUN = "20270101-000000-smoke-abcd"
TRAINING_PORT = 1_234
PATIENCE_S = 60.0


def nothing() -> None:
    """Do nothing while an agent waits."""


def wait_for_departure(found: Links) -> Departure:
    """Return the departure of a node, which the kernel may report a moment after its cause."""
    until = time.monotonic() + PATIENCE_S
    while (departure := found.departed()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    return departure


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def joined(listener: socket.socket) -> tuple[Links, dict[int, Links]]:
    """The links of node 0, and of nodes 1 and 2 by their ranks."""
    port = listener.getsockname()[1]
    others: dict[int, Links] = {}

    def connect(rank: int) -> None:
        others[rank], training_port = connect_to_first_node(
            "127.0.0.1", port, RUN, f"host{rank}", rank, nothing
        )
        assert training_port == TRAINING_PORT

    threads = [threading.Thread(target=connect, args=[rank]) for rank in (1, 2)]
    for thread in threads:
        thread.start()
    first = accept_nodes(listener, RUN, "host0", 3, TRAINING_PORT, nothing)
    for thread in threads:
        thread.join()
    return first, others


def test_a_node_that_dies_reports_nothing(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    assert first.departed() is None
    assert others[1].departed() is None
    for connection in others[2].connections:
        connection.close()
    assert wait_for_departure(first) == Departure("host2", reported=False)


def test_a_node_that_fails_reports_it(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    first.close(done=False)
    for rank in (1, 2):
        assert wait_for_departure(others[rank]) == Departure("host0", reported=True)


def test_a_node_that_has_succeeded_may_depart(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    others[1].close(done=True)
    until = time.monotonic() + PATIENCE_S
    while len(first.connections) > 1:
        assert first.departed() is None
        assert time.monotonic() < until
    # The connection of the other node is still watched.
    others[2].close(done=False)
    assert wait_for_departure(first) == Departure("host2", reported=True)
    first.close(done=True)  # no node is connected any more, which is no error


def test_ranks_take_the_interface_of_the_agents(joined: tuple[Links, dict[int, Links]]) -> None:
    assert joined[0].interface == "lo"


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.0\r\n\r\n", b"{}\n", b"[1]\n", b""])
def test_strangers_at_the_port_are_sent_away(listener: socket.socket, greeting: bytes) -> None:
    address = listener.getsockname()
    with socket.create_connection(address) as stranger:
        stranger.sendall(greeting)
        stranger.shutdown(socket.SHUT_WR)
        node = threading.Thread(
            target=connect_to_first_node, args=(*address, RUN, "host1", 1, nothing)
        )
        node.start()
        found = accept_nodes(listener, RUN, "host0", 2, TRAINING_PORT, nothing)
        node.join()
        assert stranger.recv(1) == b""
    assert len(found.connections) == 1


@pytest.mark.parametrize("waiting", ["accept", "connect"])
def test_a_wait_can_be_interrupted(listener: socket.socket, waiting: str) -> None:
    with pytest.raises(EndRequest):
        _wait(listener, waiting, _interrupt)


@pytest.mark.parametrize(
    ("waiting", "missing"), [("accept", "node-1, node-2"), ("connect", "127.0")]
)
def test_a_wait_has_an_end(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, waiting: str, missing: str
) -> None:
    monkeypatch.setattr(links, "_START_PATIENCE_S", 0.0)
    with pytest.raises(NodesMissingError, match=missing):
        _wait(listener, waiting, nothing)


def _wait(listener: socket.socket, waiting: str, check: Callable[[], None]) -> None:
    if waiting == "accept":
        accept_nodes(listener, RUN, "host0", 3, TRAINING_PORT, check)
    else:
        port = listener.getsockname()[1]
        listener.close()
        connect_to_first_node("127.0.0.1", port, RUN, "host1", 1, check)


def _interrupt() -> None:
    raise EndRequest

"""How guards find each other, and how each learns that another one has gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from engine.runs.back_ends import links
from engine.runs.back_ends.links import Departure, Links, NodesMissingError, gather, join
from engine.runs.back_ends.node_agent import EndRequest

RUN = "20270101-000000-smoke-abcd"
TRAINING_PORT = 1_234


def nothing() -> None:
    """Happens meanwhile."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def joined(listener: socket.socket) -> tuple[Links, dict[int, Links]]:
    """Three nodes: node 0's links, and those of the others."""
    port = listener.getsockname()[1]
    others: dict[int, Links] = {}

    def come(rank: int) -> None:
        others[rank], training_port = join("127.0.0.1", port, RUN, f"host{rank}", rank, nothing)
        assert training_port == TRAINING_PORT

    threads = [threading.Thread(target=come, args=[rank]) for rank in (1, 2)]
    for thread in threads:
        thread.start()
    first = gather(listener, RUN, "host0", 3, TRAINING_PORT, nothing)
    for thread in threads:
        thread.join()
    return first, others


def test_one_that_dies_has_not_said_so(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    assert first.departed() is None
    assert others[1].departed() is None
    for connection in others[2].connections:
        connection.close()
    assert first.departed() == Departure("host2", told=False)


def test_one_that_fails_says_so(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    first.part(done=False)
    assert others[1].departed() == others[2].departed() == Departure("host0", told=True)


def test_one_that_has_done_its_part_may_go(joined: tuple[Links, dict[int, Links]]) -> None:
    first, others = joined
    others[1].part(done=True)
    assert first.departed() is None
    assert len(first.connections) == 1  # that of the other one is still looked at
    others[2].part(done=False)
    assert first.departed() == Departure("host2", told=True)
    first.part(done=True)  # nobody listens any more, which is no error


def test_ranks_take_the_interface_of_the_guards(joined: tuple[Links, dict[int, Links]]) -> None:
    assert joined[0].interface == "lo"


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.0\r\n\r\n", b"{}\n", b"[1]\n", b""])
def test_strangers_at_the_port_are_sent_away(listener: socket.socket, greeting: bytes) -> None:
    address = listener.getsockname()
    with socket.create_connection(address) as stranger:
        stranger.sendall(greeting)
        stranger.shutdown(socket.SHUT_WR)
        comer = threading.Thread(target=join, args=(*address, RUN, "host1", 1, nothing))
        comer.start()
        found = gather(listener, RUN, "host0", 2, TRAINING_PORT, nothing)
        comer.join()
        assert stranger.recv(1) == b""
    assert len(found.connections) == 1


@pytest.mark.parametrize("waiting", ["gather", "join"])
def test_who_waits_can_be_called_off(listener: socket.socket, waiting: str) -> None:
    with pytest.raises(EndRequest):
        _wait(listener, waiting, _call_off)


@pytest.mark.parametrize(("waiting", "missing"), [("gather", "node-1, node-2"), ("join", "127.0")])
def test_nobody_waits_for_ever(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch, waiting: str, missing: str
) -> None:
    monkeypatch.setattr(links, "_START_PATIENCE_S", 0.0)
    with pytest.raises(NodesMissingError, match=missing):
        _wait(listener, waiting, nothing)


def _wait(listener: socket.socket, waiting: str, meanwhile: Callable[[], None]) -> None:
    if waiting == "gather":
        gather(listener, RUN, "host0", 3, TRAINING_PORT, meanwhile)
    else:
        port = listener.getsockname()[1]
        listener.close()
        join("127.0.0.1", port, RUN, "host1", 1, meanwhile)


def _call_off() -> None:
    raise EndRequest

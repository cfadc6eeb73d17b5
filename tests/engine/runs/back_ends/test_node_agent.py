"""The agent of a node: when it ends, and what it reports.

Its training is tested with the back ends that start agents.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import psutil
import pytest

from engine.documents import InputError
from engine.paths import PROJECT_DIR
from engine.results import Failure
from engine.runs.back_ends.node_agent import (
    NodePlace,
    devices_of_nodes,
    hostfile_text,
    include_option,
    rank_of_run,
)
from engine.runs.back_ends.node_state import (
    NodeState,
    clear_node_states,
    failure_of_nodes,
    ranks_of_nodes,
    read_node,
    write_node,
)
from engine.runs.folder import Phase, Run, now
from tests.engine.runs.faked import faked_run

PATIENCE_S = 60
Process = subprocess.Popen[bytes]


@pytest.fixture
def run() -> Run:
    run = faked_run([3.0], phase=Phase.TRAINING)
    clear_node_states(run.folder)
    return run


@pytest.fixture
def starter(run: Run) -> Iterator[Process]:
    """A process that has started the agent of node 0, which waits for another node."""
    words = [str(run.folder), "--rank", "0", "--shares", "1,1", "--watched", "--name", "host0"]
    start = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"
    agent = [sys.executable, "-m", "engine.runs.back_ends.node_agent", *words]
    process = subprocess.Popen(
        [sys.executable, "-c", start, *agent],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline().startswith(b"port ")
    yield process
    with suppress(BrokenPipeError):
        process.stdin.close()
    process.stdout.close()
    process.kill()
    process.wait()


@pytest.fixture
def agent(starter: Process) -> psutil.Process:
    (process,) = psutil.Process(starter.pid).children()
    return process


def heartbeat_ends(starter: Process, agent: psutil.Process) -> None:
    assert starter.stdin
    starter.stdin.close()


def starter_is_killed(starter: Process, agent: psutil.Process) -> None:
    starter.kill()
    starter.wait()


def agent_is_terminated(starter: Process, agent: psutil.Process) -> None:
    agent.terminate()


@pytest.mark.parametrize("event", [heartbeat_ends, starter_is_killed, agent_is_terminated])
def test_an_agent_ends_without_its_supervisor_or_on_request(
    starter: Process,
    agent: psutil.Process,
    run: Run,
    event: Callable[[Process, psutil.Process], None],
) -> None:
    event(starter, agent)
    psutil.wait_procs([agent], timeout=PATIENCE_S)
    assert not agent.is_running()
    state = read_node(run.folder, 0)
    assert state is not None
    assert state.ended_at is not None
    assert state.failure is state.lost is None


def test_an_agent_yields_to_its_successor(agent: psutil.Process, run: Run) -> None:
    """The agent was thought to be dead, and training was started again in the meantime."""
    successor = NodeState(rank=0, name="host9", pid=1, started_at=now())
    write_node(run.folder, successor)
    psutil.wait_procs([agent], timeout=PATIENCE_S)
    assert not agent.is_running()
    assert read_node(run.folder, 0) == successor


def report(rank: int, **values: object) -> NodeState:
    start = {"rank": rank, "name": f"host{rank}", "pid": 1, "started_at": now()}
    return NodeState.parse(start | values)


KILLED = Failure(key="rank_killed", params={"rank": 1, "pid": 7, "signal": "SIGKILL"})
ENDED = Failure(key="rank_ended", params={"rank": 0, "pid": 6, "exit_code": 1})


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (
            [report(0, lost="host1", ended_at=now()), report(1, lost="host0", ended_at=now())],
            "connection between the nodes host1 and host0 broke",
        ),
        ([report(0, lost="host1", ended_at=now()), report(1)], "Node host1 was lost"),
        ([report(0, ended_at=now())], "Nothing could be started on node b"),
        ([report(0, missing="node-1", ended_at=now())], "Nothing could be started on node b"),
        ([report(0, ended_at=now()), report(1, missing="a:1")], "Node host1 waited"),
        (
            [report(0, failure=ENDED, ended_at=now()), report(1, failure=KILLED, ended_at=now())],
            "On node host1: Rank 1 (process 7) was killed by SIGKILL",
        ),
        (
            [report(0, failure=ENDED, ended_at=now()), report(1, ended_at=now())],
            "On node host0: Rank",
        ),
        ([report(0, ended_at=now()), report(1, ended_at=now())], "exit code 3"),
    ],
)
def test_why_a_run_on_nodes_died(run: Run, states: Sequence[NodeState], words: str) -> None:
    for state in states:
        write_node(run.folder, state)
    failure = failure_of_nodes(run.folder, ["a", "b"], exit_code=3)
    assert words in failure.in_language("en")
    assert failure.in_language("zh_Hans") != failure.in_language("en")


def test_the_node_that_ended_first_is_the_cause(run: Run) -> None:
    for rank in (0, 1):
        write_node(run.folder, report(rank))
    failure = failure_of_nodes(run.folder, ["a", "b"], exit_code=255, ended=[1])
    assert failure == Failure(key="node_lost", params={"node": "host1"})


def test_the_first_nodes_are_filled_first() -> None:
    assert ranks_of_nodes(2, [1, 1]) == [1, 1]
    assert ranks_of_nodes(5, [2, 4, 8]) == [2, 3]
    assert ranks_of_nodes(4, [8, 8]) == [4]
    with pytest.raises(InputError, match=r"n_ranks: 5 .* at most 4"):
        ranks_of_nodes(5, [2, 2])


def test_ranks_take_the_devices_that_a_scheduler_left_them() -> None:
    place = NodePlace(rank=1, shares=[2, 2], name="b", master="a", port=1, interface="")
    assert devices_of_nodes(place, visible="") == [[0, 1], [0, 1]]
    devices = devices_of_nodes(place, visible="3,5,6")
    assert devices == [[0, 1], [3, 5]]
    assert hostfile_text(devices) == "node-0 slots=2\nnode-1 slots=6\n"
    assert include_option(devices) == "node-0:0,1@node-1:3,5"


def test_a_local_rank_is_one_of_the_run() -> None:
    place = NodePlace(rank=1, shares=[3, 2], name="b", master="a", port=1, interface="")
    assert [rank_of_run(place, local_rank) for local_rank in (0, 1)] == [4, 3]

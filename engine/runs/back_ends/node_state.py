"""Reports of the nodes of a run on several machines.

``nodes/0.json`` and so on in the run's folder are replaced atomically by the agent of each node.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from engine.documents import Document, InputError
from engine.files import read_json, write_json
from engine.machine import Machine
from engine.results import Failure
from engine.runs.back_ends.deepspeed_launcher import training_environment
from engine.runs.folder import Run
from engine.runs.processes import RUN_ID_VARIABLE


class NodeState(Document):
    """Report of one node's agent."""

    rank: int
    """Rank of the node, from 0; the ranks of processes are counted across all nodes."""
    name: str
    pid: int
    """Process id of the agent."""
    started_at: datetime.datetime
    ended_at: datetime.datetime | None = None
    failure: Failure | None = None
    """Reason why the launcher failed; None if it succeeded or was ended with the run."""
    lost: str | None = None
    """Name of the node to which the connection broke."""
    missing: str | None = None
    """Nodes that did not connect before the training could start."""


def node_key(rank: int) -> str:
    """Return DeepSpeed's name for a node, which messages also use if no other name is known."""
    return f"node-{rank}"


def ranks_of_nodes(n_ranks: int, slots: Sequence[int]) -> list[int]:
    """Return the number of ranks on each node that takes part; the first nodes are filled first.

    ``slots`` gives the number of slots of each node.

    >>> ranks_of_nodes(5, [2, 2, 2, 2])
    [2, 2, 1]

    Raises
    ------
    InputError
        If there are too few slots. Fewer ranks would make it another run.
    """
    if n_ranks > sum(slots):
        raise InputError("n_ranks", n_ranks, "less_than_equal", limit=sum(slots))
    ranks: list[int] = []
    for slots_of_node in slots:
        left = n_ranks - sum(ranks)
        if left == 0:
            break
        ranks.append(min(left, slots_of_node))
    return ranks


def _state_file(run_folder: Path, rank: int) -> Path:
    return run_folder / "nodes" / f"{rank}.json"


def node_environment(run: Run, machine: Machine) -> dict[str, str]:
    """Return environment variables that every process of ``run`` needs on its nodes."""
    return {
        RUN_ID_VARIABLE: run.id,
        "FLOPLEDGER_HOME": str(run.folder.parent.parent.absolute()),
        **training_environment(machine),
    }


def log_file(run_folder: Path, rank: int) -> Path:
    """Return the file with the output of the processes of a node."""
    return run_folder / f"node-{rank}.log"


def read_node(run_folder: Path, rank: int) -> NodeState | None:
    """Return the last report of a node; None if it sent none since the training was started."""
    file = _state_file(run_folder, rank)
    data = read_json(file)
    return None if data is None else NodeState.parse(data, where=str(file))


def write_node(run_folder: Path, state: NodeState) -> None:
    """Replace the report of a node."""
    write_json(_state_file(run_folder, state.rank), state.model_dump(mode="json"))


def clear_node_states(run_folder: Path) -> None:
    """Remove the reports of an earlier start, before training is started again."""
    shutil.rmtree(run_folder / "nodes", ignore_errors=True)
    (run_folder / "nodes").mkdir()


def failure_of_nodes(
    run_folder: Path, names: Sequence[str], exit_code: int, ended: Sequence[int] = ()
) -> Failure:
    """Return the reason why training on several nodes ended without a result.

    Parameters
    ----------
    names
        Names of the nodes, by their ranks.
    exit_code
        Exit code of the training, for the case that no node reports a reason.
    ended
        Ranks of the nodes whose agents ended first, in order, where that is known.
    """
    states = [read_node(run_folder, rank) for rank in range(len(names))]
    silent = {state.name for state in states if state and state.ended_at is None}
    for state in states:
        if state and state.lost in silent:
            return Failure(key="node_lost", params={"node": state.lost})
        if state and state.lost is not None:
            return Failure(key="link_lost", params={"node": state.lost, "other": state.name})
    in_order = sorted(range(len(names)), key=lambda rank: [*ended, rank].index(rank))
    causes = [_cause(names[rank], states[rank]) for rank in in_order]
    no_result = Failure(key="no_result", params={"exit_code": exit_code})
    return min(causes, key=lambda cause: cause.priority).failure or no_result


class _Cause(NamedTuple):
    """The cause of a failure by the report of one node; the lowest priority value is believed."""

    priority: int
    failure: Failure | None = None


def _cause(name: str, state: NodeState | None) -> _Cause:
    if state is None:
        return _Cause(2, Failure(key="node_not_started", params={"node": name}))
    if state.failure is not None:
        # A process that was ended by a signal did not end because of the other processes.
        priority = 0 if "signal" in state.failure.params else 1
        return _Cause(priority, Failure.on_node(state.name, state.failure))
    if state.missing is not None:
        params = {"node": state.name, "missing": state.missing}
        return _Cause(3, Failure(key="nodes_apart", params=params))
    if state.ended_at is None:  # the agent was killed, or its node cannot be reached any more
        return _Cause(1, Failure(key="node_lost", params={"node": state.name}))
    return _Cause(4)

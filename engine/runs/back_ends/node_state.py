"""What the nodes of a run on several machines say of themselves: ``nodes/0.json`` and so on in the
run's folder, each replaced atomically by its node's guard."""

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
    rank: int
    """Of the node; ranks of processes are counted on from node to node."""
    name: str
    pid: int
    started_at: datetime.datetime
    ended_at: datetime.datetime | None = None
    failure: Failure | None = None
    """What ended its launcher; None where that did its part, or was ended with the run."""
    lost: str | None = None
    """The node to which its connection broke."""
    missing: str | None = None
    """What it waited for in vain before it could begin."""


def node_key(rank: int) -> str:
    """What DeepSpeed, and a sentence, call a node whose name is not known."""
    return f"node-{rank}"


def ranks_of_nodes(n_ranks: int, slots: Sequence[int]) -> list[int]:
    """Ranks of each node that takes part, where nodes have so many slots: the first are filled
    first.

    >>> shares_of_nodes(5, [2, 2, 2, 2])
    [2, 2, 1]

    Raises
    ------
    InputError
        If they have too few: another number of ranks would be another run.
    """
    if n_ranks > sum(slots):
        raise InputError("n_ranks", n_ranks, "less_than_equal", limit=sum(slots))
    taken: list[int] = []
    for slots_of_node in slots:
        left = n_ranks - sum(taken)
        if left == 0:
            break
        taken.append(min(left, slots_of_node))
    return taken


def _state_file(run_folder: Path, rank: int) -> Path:
    return run_folder / "nodes" / f"{rank}.json"


def node_environment(run: Run, machine: Machine) -> dict[str, str]:
    """What every process of ``run`` must have on its nodes, wherever they are."""
    return {
        RUN_ID_VARIABLE: run.id,
        "FLOPLEDGER_HOME": str(run.folder.parent.parent.absolute()),
        **training_environment(machine),
    }


def log_file(run_folder: Path, rank: int) -> Path:
    """What the processes of a node printed."""
    return run_folder / f"node-{rank}.log"


def read_node(run_folder: Path, rank: int) -> NodeState | None:
    """What a node said last; None if it has said nothing since the training was begun."""
    file = _state_file(run_folder, rank)
    data = read_json(file)
    return None if data is None else NodeState.parse(data, where=str(file))


def write_node(run_folder: Path, state: NodeState) -> None:
    write_json(_state_file(run_folder, state.rank), state.model_dump(mode="json"))


def clear_node_states(run_folder: Path) -> None:
    """Before training is begun: what nodes said of an earlier start says nothing of this one."""
    shutil.rmtree(run_folder / "nodes", ignore_errors=True)
    (run_folder / "nodes").mkdir()


def failure_of_nodes(
    run_folder: Path, names: Sequence[str], exit_code: int, ended: Sequence[int] = ()
) -> Failure:
    """Why training on nodes of these names ended without a result, as far as their guards can
    say. ``ended`` are the ranks of those that ended first, where that is known."""
    states = [read_node(run_folder, rank) for rank in range(len(names))]
    silent = {state.name for state in states if state and state.ended_at is None}
    for state in states:
        if state and state.lost in silent:
            return Failure(key="node_lost", params={"node": state.lost})
        if state and state.lost is not None:
            return Failure(key="link_lost", params={"node": state.lost, "other": state.name})
    in_order = sorted(range(len(names)), key=lambda rank: [*ended, rank].index(rank))
    verdicts = [_verdict(names[rank], states[rank]) for rank in in_order]
    no_result = Failure(key="no_result", params={"exit_code": exit_code})
    return min(verdicts, key=lambda verdict: verdict.rank).failure or no_result


class _Verdict(NamedTuple):
    """What one node's word makes the cause; of several the first by rank is believed."""

    rank: int
    failure: Failure | None = None


def _verdict(name: str, state: NodeState | None) -> _Verdict:
    if state is None:
        return _Verdict(2, Failure(key="node_not_started", params={"node": name}))
    if state.failure is not None:
        # Of several, one that a signal ended did not end because of the others.
        rank = 0 if "signal" in state.failure.params else 1
        return _Verdict(rank, Failure.on_node(state.name, state.failure))
    if state.missing is not None:
        params = {"node": state.name, "missing": state.missing}
        return _Verdict(3, Failure(key="nodes_apart", params=params))
    if state.ended_at is None:  # its guard was killed, or nothing of it is reached any more
        return _Verdict(1, Failure(key="node_lost", params={"node": state.name}))
    return _Verdict(4)

"""Real training on a list of hosts: two network namespaces joined by a cable, or this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.runs.back_ends.hosts import BACK_END, agent_command_line, connect_command
from engine.runs.back_ends.node_state import read_node
from engine.runs.folder import Phase
from engine.runs.launching import control
from engine.runs.processes import processes_of
from engine.runs.settings import Hosts, Settings
from tests.engine.runs.back_ends import namespaces
from tests.engine.runs.back_ends.namespaces import TwoMachines
from tests.engine.runs.back_ends.training import (
    leaves_nothing,
    logs,
    losses,
    start,
    wait_for_end,
    wait_for_steps,
    wait_until,
)
from tests.engine.runs.patience import load_factor

pytestmark = [pytest.mark.cluster, pytest.mark.runs, pytest.mark.timeout(1_800)]

NOTICED_S = 60.0
"""Seconds in which a cut link ends the run on an idle machine."""


@pytest.fixture
def machines(home: Path) -> Iterator[TwoMachines]:
    machines = TwoMachines()
    try:
        machines.build()
        machines.configure(home)
        yield machines
    finally:
        machines.remove()


@pytest.mark.skipif(bool(namespaces.LACKS), reason=namespaces.LACKS)
def test_a_cut_link_is_noticed_on_both_sides_and_the_run_goes_on(
    machines: TwoMachines, recipe: Recipe, calm_losses: list[float]
) -> None:
    run = start(recipe, "hosts")
    wait_for_steps(run, 70)
    machines.pull_cable()
    assert wait_for_end(run, NOTICED_S * load_factor()) is Phase.FAILED
    first, second = machines.names
    assert run.state.failure == Failure(key="link_lost", params={"node": second, "other": first})
    assert second in run.state.failure.in_language("zh_Hans")
    for rank, lost in enumerate([second, first]):
        state = read_node(run.folder, rank)
        assert state is not None
        assert state.lost == lost
        assert state.ended_at is not None
    assert leaves_nothing(run)

    machines.plug_in()
    control.resume(run)
    assert wait_for_end(run) is Phase.SUCCEEDED, logs(run)
    assert losses(run) == calm_losses
    assert "resuming from step-00000050" in logs(run)
    assert leaves_nothing(run)


HERE = """
[hosts]
connect = ["sh", "-c"]
nodes = [{name = "here", address = "localhost", slots = 1}]
"""


def test_a_killed_agent_leaves_no_rank(home: Path, recipe: Recipe) -> None:
    (home / "settings.toml").write_text(HERE, "utf-8")
    run = start(recipe.with_values({"n_ranks": 1, "steps": 100_000}), "hosts")
    wait_until(lambda: any(_is_rank(process) for process in processes_of(run)), run)
    agent = read_node(run.folder, 0)
    assert agent is not None
    os.kill(agent.pid, signal.SIGKILL)
    assert wait_for_end(run) is Phase.FAILED
    assert run.state.failure == Failure(key="node_lost", params={"node": "here"})
    assert leaves_nothing(run)


def _is_rank(process: psutil.Process) -> bool:
    try:
        return "--local_rank=0" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_arguments_reach_the_agent_unchanged(tmp_path: Path) -> None:
    """The shell at the other end of ``ssh`` splits the line into words once more."""
    module = tmp_path / "engine" / "runs" / "back_ends" / "node_agent.py"
    module.parent.mkdir(parents=True)
    code = "import os, sys; print(*sys.argv[1:], os.environ['FLOPLEDGER_HOME'], sep='|')"
    module.write_text(code, "utf-8")
    hosts = Hosts.parse(
        {
            "nodes": [{"name": "gpu1", "address": "10.0.0.1", "slots": 8}],
            "project_dir": str(tmp_path),
            "python": sys.executable,
        }
    )
    line = agent_command_line(hosts, {"FLOPLEDGER_HOME": "/it's a home"}, ["/a run", "--rank", "0"])
    command = connect_command(hosts, hosts.nodes[0], line)
    assert command[0] == "ssh"
    assert command[-2:] == ["gpu1", line]
    printed = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert printed.stdout == "/a run|--rank|0|/it's a home\n"


def test_an_unmet_requirement_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (lack,) = BACK_END.unmet_requirements(Settings())
    assert "[hosts]" in lack.in_language("zh_Hans")
    node = {"name": "gpu1", "address": "10.0.0.1", "slots": 8}
    known = Settings(hosts=Hosts.parse({"nodes": [node, node | {"name": "gpu2"}]}))
    assert BACK_END.slots(known) == BACK_END.machine(known).n_devices == 16
    monkeypatch.setenv("PATH", str(tmp_path))
    (lack,) = BACK_END.unmet_requirements(known)
    assert "ssh must be on the PATH" in lack.in_language("en")

"""Training on a list of hosts, with a node agent on each, started through ``ssh`` by default.

The hosts see the home folder under the path that it has on this machine. An agent ends its ranks
when its connection to the supervisor ends, so no rank is left on a host that cannot be reached.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from engine.documents import InputError
from engine.machine import Machine, machine_like
from engine.paths import PROJECT_DIR
from engine.results import Failure
from engine.runs.back_ends.node_agent import NODE_VARIABLE
from engine.runs.back_ends.node_state import (
    clear_node_states,
    failure_of_nodes,
    node_environment,
    ranks_of_nodes,
    read_node,
)
from engine.runs.folder import Run
from engine.runs.job import BackEndName
from engine.runs.processes import RUN_ID_VARIABLE
from engine.runs.settings import Host, Hosts, Settings, set_up, settings

_PORT = re.compile(rb"^port (\d+)$", re.MULTILINE)
_PASSED_ON = ("FLOPLEDGER_", "NCCL_", "GLOO_")
"""Prefixes of the environment variables that are passed on to the hosts."""
_OTHERS_PATIENCE_S = 10.0
"""Seconds after the first failed agent in which the other agents may report their own failures."""
_END_PATIENCE_S = 5.0
_SWEEP_PATIENCE_S = 4.0


class AgentConnection:
    """The command that connects to the agent of one node, and its input and output."""

    def __init__(self, rank: int, command: Sequence[str]) -> None:
        self.rank = rank
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout
        for pipe in (self._input, self._output):
            os.set_blocking(pipe.fileno(), False)
        self._descriptor = os.pidfd_open(self._process.pid)
        self._received = b""

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def events(self) -> list[int]:
        """Descriptor of the command; none once it has ended, since that would stay readable."""
        return [] if self.exit_code is not None else [self._descriptor]

    def send_heartbeat(self) -> None:
        """Send the byte by which the agent knows that the supervisor is alive."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._input.fileno(), b".")

    def port(self) -> int | None:
        """Return the port on which the agent of node 0 waits for the others, once reported."""
        with suppress(BlockingIOError):
            self._received += os.read(self._output.fileno(), 4096)
        found = _PORT.search(self._received)
        return int(found[1]) if found else None

    def close_input(self) -> None:
        """Make the agent end its ranks and itself."""
        with suppress(BrokenPipeError):
            self._input.close()

    def end(self, until: float) -> None:
        """Wait for the command to end until the monotonic time ``until``, then kill it."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        os.close(self._descriptor)


class HostsTraining:
    """The training of one run on the first hosts of the list."""

    cluster_job = None

    def __init__(
        self, run: Run, hosts: Hosts, machine: Machine, environment: Mapping[str, str]
    ) -> None:
        self._run, self._hosts = run, hosts
        self._shares = ranks_of_nodes(run.recipe.n_ranks, [node.slots for node in hosts.nodes])
        self._environment = {
            **{name: environment[name] for name in environment if name.startswith(_PASSED_ON)},
            **node_environment(run, machine),
        }
        self._ended: list[AgentConnection] = []
        """Agents that have ended, in the order in which they ended."""
        self._failed_at: float | None = None
        clear_node_states(run.folder)
        self._agents = [self._start_node(0, port=0)]

    @property
    def events(self) -> list[int]:
        return [event for agent in self._agents for event in agent.events]

    def poll(self) -> int | None:
        for agent in self._agents:
            agent.send_heartbeat()
            if agent.exit_code is not None and agent not in self._ended:
                self._ended.append(agent)
        failed = next((agent.exit_code for agent in self._ended if agent.exit_code), None)
        if len(self._ended) == len(self._agents):
            return failed or 0
        if failed is not None:
            self._failed_at = self._failed_at or time.monotonic()
            if time.monotonic() > self._failed_at + _OTHERS_PATIENCE_S:
                return failed
        elif len(self._agents) < len(self._shares) and (port := self._agents[0].port()):
            others = range(1, len(self._shares))
            self._agents += [self._start_node(rank, port) for rank in others]
        return None

    def end(self) -> list[str]:
        for agent in self._agents:
            agent.close_input()
        until = time.monotonic() + _END_PATIENCE_S
        for agent in self._agents:
            agent.end(until)
        silent = [agent for agent in self._agents if not self._has_reported_end(agent)]
        # An agent that was killed leaves its ranks; an agent that cannot be reached ends them.
        sweeps = {agent.rank: self._sweep(agent.rank) for agent in silent}
        until = time.monotonic() + _SWEEP_PATIENCE_S
        for sweep in sweeps.values():
            sweep.end(until)
        return [
            f"{RUN_ID_VARIABLE}={self._run.id} on {self._hosts.nodes[rank].name}"
            for rank, sweep in sweeps.items()
            if sweep.exit_code == 1
        ]

    def exit_failure(self, exit_code: int) -> Failure:
        names = [node.name for node in self._hosts.nodes[: len(self._shares)]]
        ended = [agent.rank for agent in self._ended]
        return failure_of_nodes(self._run.folder, names, exit_code, ended)

    def _has_reported_end(self, agent: AgentConnection) -> bool:
        state = read_node(self._run.folder, agent.rank)
        return state is not None and state.ended_at is not None

    def _start_node(self, rank: int, port: int) -> AgentConnection:
        host = self._hosts.nodes[rank]
        shares = ",".join(map(str, self._shares))
        words = ["--shares", shares, "--name", host.name, "--port", str(port), "--watched"]
        words += ["--master", self._hosts.nodes[0].address]
        if host.interface:
            words += ["--interface", host.interface]
        return self._run_agent(rank, words)

    def _sweep(self, rank: int) -> AgentConnection:
        """Start an agent that only ends the processes that an earlier agent left."""
        return self._run_agent(rank, ["--end"])

    def _run_agent(self, rank: int, words: Sequence[str]) -> AgentConnection:
        host = self._hosts.nodes[rank]
        environment = self._environment | {NODE_VARIABLE: str(rank)}
        line = agent_command_line(
            self._hosts, environment, [str(self._run.folder), "--rank", str(rank), *words]
        )
        print("$", host.name, line, flush=True)
        return AgentConnection(rank, connect_command(self._hosts, host, line))


def agent_command_line(hosts: Hosts, environment: Mapping[str, str], words: Sequence[str]) -> str:
    """Return the shell line that starts a node agent on a host with the arguments ``words``."""
    assignments = [f"{name}={value}" for name, value in sorted(environment.items())]
    python = hosts.python or sys.executable
    command = [
        "exec",
        "env",
        *assignments,
        python,
        "-m",
        "engine.runs.back_ends.node_agent",
        *words,
    ]
    return f"cd {shlex.quote(hosts.project_dir or str(PROJECT_DIR))} && {shlex.join(command)}"


def connect_command(hosts: Hosts, host: Host, line: str) -> list[str]:
    """Return the command that makes the shell of ``host`` run ``line``."""
    words = [
        word.replace("{name}", host.name).replace("{address}", host.address)
        for word in hosts.connect
    ]
    return [*words, line]


class HostList:
    """The back end of a list of hosts."""

    name: BackEndName = "hosts"

    def unmet_requirements(self, settings: Settings) -> list[InputError]:
        try:
            command = set_up(settings.hosts, "hosts").connect[0]
        except InputError as error:
            return [error]
        if shutil.which(command) is None:
            return [InputError("back_end", "hosts", "on_path", command=command)]
        return []

    def machine(self, settings: Settings) -> Machine:
        hosts = set_up(settings.hosts, "hosts")
        return machine_like(hosts.accelerator, sum(node.slots for node in hosts.nodes))

    def slots(self, settings: Settings) -> int | None:
        return sum(node.slots for node in settings.hosts.nodes) if settings.hosts else 0

    def training(self, run: Run, machine: Machine, environment: Mapping[str, str]) -> HostsTraining:
        return HostsTraining(run, set_up(settings().hosts, "hosts"), machine, environment)


BACK_END = HostList()

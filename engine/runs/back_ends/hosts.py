"""A list of hosts: a guard on each, started through ``ssh`` or what the settings name.

The hosts see the home folder under the path that it has here. A guard ends its ranks when its
connection to us ends, so none is left behind even where we can't reach it any more.
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
"""Beginnings of the variables that the hosts are to have as we do."""
_OTHERS_PATIENCE_S = 10.0
"""After the first guard that failed: the others find out, and say how it was for them."""
_END_PATIENCE_S = 5.0
_SWEEP_PATIENCE_S = 4.0


class Guard:
    """The guard of one node, as it is seen from here: a command that talks to it."""

    def __init__(self, rank: int, command: Sequence[str]) -> None:
        self.rank = rank
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin
        assert self._process.stdout
        self._pulse, self._said = self._process.stdin, self._process.stdout
        for pipe in (self._pulse, self._said):
            os.set_blocking(pipe.fileno(), False)
        self._descriptor = os.pidfd_open(self._process.pid)
        self._heard = b""

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    @property
    def events(self) -> list[int]:
        """Nothing of one that has ended: that would be an event for ever."""
        return [] if self.exit_code is not None else [self._descriptor]

    def pulse(self) -> None:
        """Tell it that we live."""
        with suppress(BrokenPipeError, BlockingIOError):
            os.write(self._pulse.fileno(), b".")

    def port(self) -> int | None:
        """Where node 0 waits for the others, once it has said so."""
        with suppress(BlockingIOError):
            self._heard += os.read(self._said.fileno(), 4096)
        found = _PORT.search(self._heard)
        return int(found[1]) if found else None

    def let_go(self) -> None:
        """It ends, with all that it has started."""
        with suppress(BrokenPipeError):
            self._pulse.close()

    def end(self, until: float) -> None:
        """Wait for that, at most until then; after that the connection alone is cut."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()
        os.close(self._descriptor)


class HostsTraining:
    """Training on the hosts that a run takes."""

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
        self._ended: list[Guard] = []
        """In the order in which they ended."""
        self._failed_at: float | None = None
        clear_node_states(run.folder)
        self._guards = [self._start(0, port=0)]

    @property
    def events(self) -> list[int]:
        return [event for guard in self._guards for event in guard.events]

    def poll(self) -> int | None:
        for guard in self._guards:
            guard.pulse()
            if guard.exit_code is not None and guard not in self._ended:
                self._ended.append(guard)
        failed = next((guard.exit_code for guard in self._ended if guard.exit_code), None)
        if len(self._ended) == len(self._guards):
            return failed or 0
        if failed is not None:
            self._failed_at = self._failed_at or time.monotonic()
            if time.monotonic() > self._failed_at + _OTHERS_PATIENCE_S:
                return failed
        elif len(self._guards) < len(self._shares) and (port := self._guards[0].port()):
            others = range(1, len(self._shares))
            self._guards += [self._start(rank, port) for rank in others]
        return None

    def end(self) -> list[str]:
        for guard in self._guards:
            guard.let_go()
        until = time.monotonic() + _END_PATIENCE_S
        for guard in self._guards:
            guard.end(until)
        silent = [guard for guard in self._guards if not self._has_said_its_end(guard)]
        # A guard that was killed leaves its ranks; one that can't be reached ends them itself.
        sweeps = {guard.rank: self._sweep(guard.rank) for guard in silent}
        until = time.monotonic() + _SWEEP_PATIENCE_S
        for guard in sweeps.values():
            guard.end(until)
        return [
            f"{RUN_ID_VARIABLE}={self._run.id} on {self._hosts.nodes[rank].name}"
            for rank, sweep in sweeps.items()
            if sweep.exit_code == 1
        ]

    def exit_failure(self, exit_code: int) -> Failure:
        names = [node.name for node in self._hosts.nodes[: len(self._shares)]]
        ended = [guard.rank for guard in self._ended]
        return failure_of_nodes(self._run.folder, names, exit_code, ended)

    def _has_said_its_end(self, guard: Guard) -> bool:
        state = read_node(self._run.folder, guard.rank)
        return state is not None and state.ended_at is not None

    def _start(self, rank: int, port: int) -> Guard:
        host = self._hosts.nodes[rank]
        shares = ",".join(map(str, self._shares))
        words = ["--shares", shares, "--name", host.name, "--port", str(port), "--watched"]
        words += ["--master", self._hosts.nodes[0].address]
        if host.interface:
            words += ["--interface", host.interface]
        return self._run_guard(rank, words)

    def _sweep(self, rank: int) -> Guard:
        return self._run_guard(rank, ["--end"])

    def _run_guard(self, rank: int, words: Sequence[str]) -> Guard:
        host = self._hosts.nodes[rank]
        environment = self._environment | {NODE_VARIABLE: str(rank)}
        line = agent_command_line(
            self._hosts, environment, [str(self._run.folder), "--rank", str(rank), *words]
        )
        print("$", host.name, line, flush=True)
        return Guard(rank, connect_command(self._hosts, host, line))


def agent_command_line(hosts: Hosts, environment: Mapping[str, str], words: Sequence[str]) -> str:
    """What a host's shell is to run."""
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
    """The command that has a host's shell run ``line``."""
    words = [
        word.replace("{name}", host.name).replace("{address}", host.address)
        for word in hosts.connect
    ]
    return [*words, line]


class HostList:
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

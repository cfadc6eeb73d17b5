"""A process may end between any two system calls; each access is tested with that injected."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.runs import process_table
from engine.runs.back_ends import deepspeed_launcher as launcher_module
from engine.runs.back_ends.deepspeed_launcher import Launcher
from engine.runs.back_ends.node_agent import processes_of_node
from engine.runs.folder import Run
from engine.runs.process_table import (
    all_processes,
    children_of,
    command_line_of,
    end_processes,
    environment_of,
    exit_code_of,
    open_pidfd,
    unless_gone,
)
from engine.runs.processes import RUN_ID_VARIABLE, process_failure, processes_of

DISAPPEARANCES = [
    psutil.NoSuchProcess(4_000_000),
    psutil.ZombieProcess(4_000_000),
    ProcessLookupError(3, "No such process"),
    FileNotFoundError(2, "No such file or directory"),
]
"""All the ways in which Linux and psutil report that a process has ended."""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of our own that runs until the test ends it."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env=os.environ | {RUN_ID_VARIABLE: "a-run"},
    )
    yield process
    process.kill()
    process.wait()


@pytest.fixture(params=DISAPPEARANCES, ids=lambda error: type(error).__name__)
def vanish(request: pytest.FixtureRequest) -> object:
    """Stands in for any access: the process has ended."""

    def access(*_: object, **__: object) -> object:
        raise request.param

    return access


def test_unless_gone_reports_every_disappearance_and_nothing_else(vanish: object) -> None:
    assert unless_gone(vanish) is None  # type: ignore[arg-type]
    assert unless_gone(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        unless_gone(int, "seven")


@pytest.mark.parametrize(
    "method", ["cmdline", "environ", "children", "terminate", "kill"], ids=lambda name: name
)
def test_a_process_that_vanishes_during_an_access_is_skipped(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, vanish: object, method: str
) -> None:
    process = psutil.Process(sleeper.pid)
    monkeypatch.setattr(psutil.Process, method, vanish)
    if method == "cmdline":
        assert command_line_of(process) == []
    elif method == "environ":
        assert environment_of(process) == {}
    elif method == "children":
        assert children_of(sleeper.pid) == []
    else:
        # The other of the two signals still reaches it.
        assert end_processes([process], patience_s=0.2) == []


def test_a_process_that_vanishes_before_it_is_opened_is_skipped(
    monkeypatch: pytest.MonkeyPatch, vanish: object
) -> None:
    monkeypatch.setattr(psutil, "Process", vanish)
    assert children_of(os.getpid()) == []
    assert all_processes() == []


def test_a_process_that_vanishes_before_pidfd_open_is_skipped(
    monkeypatch: pytest.MonkeyPatch, vanish: object
) -> None:
    monkeypatch.setattr(os, "pidfd_open", vanish)
    assert open_pidfd(os.getpid()) is None


def test_a_process_that_vanishes_between_open_and_read_has_no_exit_code(
    monkeypatch: pytest.MonkeyPatch, vanish: object
) -> None:
    monkeypatch.setattr(Path, "read_text", vanish)
    assert exit_code_of(os.getpid()) is None


def test_siblings_of_a_child_that_vanishes_are_still_found(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    really, failures = psutil.Process.children, [ProcessLookupError()]

    def children(self: psutil.Process, recursive: bool = False) -> list[psutil.Process]:
        if failures:
            raise failures.pop()
        return really(self, recursive=recursive)

    monkeypatch.setattr(psutil.Process, "children", children)
    assert sleeper.pid in [child.pid for child in children_of(os.getpid())]
    assert not failures


def test_exit_codes_are_those_of_popen() -> None:
    for code, expected in (("", 0), ("raise SystemExit(3)", 3)):
        process = subprocess.Popen([sys.executable, "-c", code])
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
        assert exit_code_of(process.pid) == expected == process.wait()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert exit_code_of(process.pid) == -signal.SIGKILL == process.wait()
    assert exit_code_of(process.pid) is None  # reaped


def test_the_processes_of_a_run_are_found_while_others_vanish(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = Run(tmp_path / "a-run")
    assert [process.pid for process in processes_of(run)] == [sleeper.pid]
    really = psutil.Process.environ

    def environ(self: psutil.Process) -> dict[str, str]:
        if self.pid == os.getppid():
            raise FileNotFoundError
        return really(self)

    monkeypatch.setattr(psutil.Process, "environ", environ)
    assert [process.pid for process in processes_of(run)] == [sleeper.pid]
    assert processes_of_node(run, rank=0) == []


@pytest.mark.parametrize("access", ["children_of", "command_line_of", "open_pidfd", "exit_code_of"])
def test_a_launcher_that_ends_well_is_no_failure_whatever_vanishes(
    access: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that once marked a run failed that had trained to its end."""
    run = Run(tmp_path / "a-run")
    rank = "import sys, time; time.sleep(0.3)"
    launch = (
        "import subprocess, sys; "
        f"sys.exit(subprocess.call([sys.executable, '-c', {rank!r}, '--local_rank=0']))"
    )
    runner = (
        f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {launch!r}]))"
    )
    calls: list[object] = []
    original = getattr(process_table, access)
    when_gone: object = [] if access in ("children_of", "command_line_of") else None

    def every_other_time(*args: object, **kwargs: object) -> object:
        calls.append(args)
        return original(*args, **kwargs) if len(calls) % 2 == 0 else when_gone

    monkeypatch.setattr(launcher_module, access, every_other_time)
    launched = Launcher(run, [sys.executable, "-c", runner], os.environ, n_ranks=1)
    while (exit_code := launched.poll()) is None:
        pass
    assert launched.end() == []
    assert exit_code == 0
    assert launched._first_failure is None
    assert calls


def test_a_death_by_a_signal_without_a_name_is_reported_by_its_number() -> None:
    assert process_failure("rank", 7, -signal.SIGKILL).params["signal"] == "SIGKILL"
    assert process_failure("rank", 7, -40).params["signal"] == "40"

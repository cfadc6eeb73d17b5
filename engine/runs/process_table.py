"""Reads and signals of processes that may end at any moment.

A process can vanish between any two system calls: after it was listed and before it is opened,
after its ``/proc`` entry was opened and before it is read, before a signal reaches it. Linux and
psutil report this in three ways. Every access to another process goes through :func:`unless_gone`,
which returns None in all three cases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil

_Params = ParamSpec("_Params")
_Value = TypeVar("_Value")

GONE = (
    psutil.NoSuchProcess,  # psutil's report; a subclass reports a zombie that lacks the data
    ProcessLookupError,  # ESRCH: a signal, pidfd_open, or a read of an open /proc file
    FileNotFoundError,  # ENOENT: an open of a /proc file
)
"""The errors by which an access to a process reports that the process has ended."""
_LIST_TRIES = 3
"""Number of times that children are listed: a child that ends while psutil lists its siblings makes
the list fail."""
_EXIT_CODE_FIELD = 49
"""Index of the exit code in ``/proc/PID/stat`` after the process's name: field 52 of proc(5)."""


def unless_gone(
    access: Callable[_Params, _Value], *args: _Params.args, **kwargs: _Params.kwargs
) -> _Value | None:
    """Return ``access(*args, **kwargs)``, or None if its process has ended."""
    try:
        return access(*args, **kwargs)
    except GONE:
        return None


def all_processes() -> list[psutil.Process]:
    """Return all processes of this machine that have not ended while they were listed."""
    found = (unless_gone(psutil.Process, pid) for pid in psutil.pids())
    return [process for process in found if process is not None]


def children_of(pid: int, *, recursive: bool = False) -> list[psutil.Process]:
    """Return the child processes of ``pid``, or with ``recursive`` all descendants.

    The list is empty if the process has ended.
    """
    parent = unless_gone(psutil.Process, pid)
    if parent is None:
        return []
    for _ in range(_LIST_TRIES):
        children = unless_gone(parent.children, recursive=recursive)
        if children is not None:
            return children
    return []


def command_line_of(process: psutil.Process) -> list[str]:
    """Return the command line of ``process``; empty if it has ended or belongs to another user."""
    try:
        return unless_gone(process.cmdline) or []
    except psutil.AccessDenied:
        return []


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Return the environment of ``process``; empty if it has ended or belongs to another user."""
    try:
        return unless_gone(process.environ) or {}
    except psutil.AccessDenied:
        return {}


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None if it has ended."""
    return unless_gone(os.pidfd_open, pid)


def exit_code_of(pid: int) -> int | None:
    """Return the exit code of a zombie, negative for a signal as in ``Popen.returncode``.

    None if the process was reaped already, so that no exit code is left to read.
    """
    stat = unless_gone(Path(f"/proc/{pid}/stat").read_text)
    if stat is None:
        return None
    return os.waitstatus_to_exitcode(int(stat.rpartition(")")[2].split()[_EXIT_CODE_FIELD]))


def end_processes(
    processes: Iterable[psutil.Process], patience_s: float = 2.0
) -> list[psutil.Process]:
    """Send SIGTERM, and SIGKILL to the processes that are still there after ``patience_s``.

    Returns the processes that have not ended ``patience_s`` after SIGKILL.
    """
    left = list(processes)
    for send_signal in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            unless_gone(send_signal, process)
        _, left = psutil.wait_procs(left, timeout=patience_s)
    return left

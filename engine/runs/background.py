"""Work that outlives the page which starts it: a process of its own, a lock, a log."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.paths import PROJECT_DIR

_PATIENCE_S = 0.5
"""Whoever only looks whether a lock is held has it for a moment."""


@contextmanager
def held(lock: Path, patience_s: float = _PATIENCE_S) -> Iterator[bool]:
    """Hold ``lock`` for as long as this lasts; False where another process holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield taken(descriptor, patience_s)
    finally:
        os.close(descriptor)


def taken(descriptor: int, patience_s: float) -> bool:
    """Take the lock of an open file; False if another process keeps it for so long."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
        else:
            return True


def is_held(lock: Path) -> bool:
    """Whether a living process holds ``lock``."""
    if not lock.is_file():
        return False
    with held(lock, patience_s=0.0) as free:
        return not free


def start_engine(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m engine …`` in a session of its own and return at once."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *words],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )

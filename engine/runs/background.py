"""Work that outlives the page which starts it: a process of its own, a lock, a log."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.paths import PROJECT_DIR


@contextmanager
def held(lock: Path) -> Iterator[bool]:
    """Hold ``lock`` for as long as this lasts; False where another process holds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def is_held(lock: Path) -> bool:
    """Whether a living process holds ``lock``."""
    if not lock.is_file():
        return False
    with held(lock) as free:
        return not free


def start_engine(words: list[str], log: Path) -> None:
    """Start ``python -m engine …`` in a session of its own and return at once."""
    with log.open("wb") as file:
        subprocess.Popen(
            [sys.executable, "-m", "engine", *words],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )

"""File locks between processes: each is held by at most one process and is free once it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 0.5
"""Default time to wait for a lock, in seconds; :func:`is_locked` holds one for milliseconds."""
_POLL_S = 0.02
"""Time between two attempts, in seconds."""


@contextmanager
def hold_lock(path: Path, patience_s: float = _PATIENCE_S) -> Iterator[bool]:
    """Hold the lock file ``path`` during the ``with`` block, and create it if it is missing.

    Yields False if another process keeps the lock for ``patience_s`` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield take_lock(descriptor, patience_s)
    finally:
        os.close(descriptor)


def take_lock(descriptor: int, patience_s: float) -> bool:
    """Lock an open file; return whether that succeeded within ``patience_s`` seconds."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_S)
        else:
            return True


def is_locked(path: Path) -> bool:
    """Return whether a living process holds the lock file ``path``."""
    if not path.is_file():
        return False
    with hold_lock(path, patience_s=0.0) as is_free:
        return not is_free

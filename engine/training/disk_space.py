"""Handling of a full disk: the run stops, keeps its checkpoints and reports the space it needs."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from engine.results import Failure

_RESERVE_BYTES = 2**16
"""Size of the reserve, in bytes."""
_DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


class DiskFullError(Exception):
    """The disk of ``folder`` has less than the ``needed_bytes`` that a run writes next."""

    def __init__(self, folder: Path, needed_bytes: float) -> None:
        self.folder, self.needed_bytes = folder, round(needed_bytes)
        self.free_bytes = shutil.disk_usage(folder).free
        super().__init__(self.failure().in_language("en"))

    def failure(self) -> Failure:
        """Return the failure that the run reports."""
        numbers = {"needed_bytes": self.needed_bytes, "free_bytes": self.free_bytes}
        return Failure(key="disk_full", params={"folder": str(self.folder)} | numbers)


def has_free_space(folder: Path, needed_bytes: float) -> bool:
    """Whether the disk of ``folder`` has ``needed_bytes`` free."""
    return shutil.disk_usage(folder).free >= needed_bytes


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or a cause of it, is a full disk or an exhausted quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_FULL_ERRNOS:
            return True
        # safetensors reports the number in its message only.
        if any(f"(os error {number})" in str(error) for number in _DISK_FULL_ERRNOS):
            return True
        error = error.__cause__ or error.__context__
    return False


def reserve_space(run_dir: Path) -> None:
    """Write a small file; its removal frees the space to report a full disk.

    Raises
    ------
    DiskFullError
        If the disk has no space for it.
    """
    try:
        (run_dir / ".spare").write_bytes(os.urandom(_RESERVE_BYTES))
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(run_dir, _RESERVE_BYTES) from None


def release_reserve(run_dir: Path) -> None:
    """Remove the file of :func:`reserve_space`."""
    (run_dir / ".spare").unlink(missing_ok=True)

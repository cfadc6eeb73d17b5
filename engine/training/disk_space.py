"""Room on the disk: a run that has none left stops with what it has, and says what it needs."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from engine.results import Failure

_RESERVE_BYTES = 2**16
_DISK_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)


class DiskFullError(Exception):
    """There is no room in ``folder`` for the ``needed_bytes`` that a run writes next."""

    def __init__(self, folder: Path, needed_bytes: float) -> None:
        self.folder, self.needed_bytes = folder, round(needed_bytes)
        self.free_bytes = shutil.disk_usage(folder).free
        super().__init__(self.failure().in_language("en"))

    def failure(self) -> Failure:
        numbers = {"needed_bytes": self.needed_bytes, "free_bytes": self.free_bytes}
        return Failure(key="disk_full", params={"folder": str(self.folder)} | numbers)


def has_free_space(folder: Path, needed_bytes: float) -> bool:
    return shutil.disk_usage(folder).free >= needed_bytes


def is_disk_full(error: BaseException | None) -> bool:
    """Whether it comes of a disk that has no room left, or a user no quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _DISK_FULL_ERRNOS:
            return True
        if any(
            f"(os error {number})" in str(error) for number in _DISK_FULL_ERRNOS
        ):  # safetensors' way
            return True
        error = error.__cause__ or error.__context__
    return False


def reserve_space(run_dir: Path) -> None:
    """Take a little room in advance, in which a full disk can still be reported.

    Raises
    ------
    DiskFullError
        If there is not even that.
    """
    try:
        (run_dir / ".spare").write_bytes(os.urandom(_RESERVE_BYTES))
    except OSError as error:
        if not is_disk_full(error):
            raise
        raise DiskFullError(run_dir, _RESERVE_BYTES) from None


def release_reserve(run_dir: Path) -> None:
    (run_dir / ".spare").unlink(missing_ok=True)

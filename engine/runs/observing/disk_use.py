"""Disk space of runs, and free space of the home folder's disk."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from engine.documents import Document
from engine.paths import home_dir

_BLOCK_BYTES = 512
"""Unit of ``st_blocks`` in bytes, the same on every file system."""


class DiskUse(Document):
    """Disk space of one run, in bytes."""

    training_bytes: int = 0
    """Training state in the checkpoints, which a resumed run needs and pruning frees."""
    models_bytes: int = 0
    """Weights of the final model, of the checkpoints and of compressed forms."""
    log_bytes: int = 0
    other_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.training_bytes + self.models_bytes + self.log_bytes + self.other_bytes


class DiskSpace(Document):
    """Capacity of the disk that holds the home folder."""

    total_bytes: int
    free_bytes: int


def disk_space() -> DiskSpace:
    usage = shutil.disk_usage(home_dir())
    return DiskSpace(total_bytes=usage.total, free_bytes=usage.free)


def used_bytes(path: Path) -> int:
    """Return the disk space of a file, or of a folder with its content; 0 if it does not exist.

    A file with several hard links counts once for each; the files of a run have one.
    """
    try:
        found = path.lstat()
        within = list(path.iterdir()) if stat.S_ISDIR(found.st_mode) else []
    except FileNotFoundError:  # a file may be removed while the folder is read
        return 0
    return found.st_blocks * _BLOCK_BYTES + sum(used_bytes(entry) for entry in within)


def disk_use(run_dir: Path) -> DiskUse:
    """Return the disk space of the run in the folder ``run_dir``."""
    training_bytes = sum(used_bytes(path) for path in run_dir.glob("checkpoints/*/training"))
    models = ("model", "checkpoints", "compressed")
    models_bytes = sum(used_bytes(run_dir / name) for name in models) - training_bytes
    log_bytes = sum(used_bytes(path) for path in run_dir.glob("*log"))
    return DiskUse(
        training_bytes=training_bytes,
        models_bytes=models_bytes,
        log_bytes=log_bytes,
        other_bytes=used_bytes(run_dir) - training_bytes - models_bytes - log_bytes,
    )

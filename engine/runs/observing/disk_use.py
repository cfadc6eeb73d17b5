"""What runs take on disk."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from engine.documents import Document
from engine.paths import home_dir

_BLOCK_BYTES = 512
"""Of ``st_blocks``, on every file system."""


class DiskUse(Document):
    """Bytes on disk of one run."""

    training_bytes: int = 0
    """State of training in its checkpoints: what it needs to go on, and what pruning frees."""
    models_bytes: int = 0
    """The final model, those on the way, and smaller forms of them."""
    log_bytes: int = 0
    other_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.training_bytes + self.models_bytes + self.log_bytes + self.other_bytes


class DiskSpace(Document):
    """Of the disk on which the home folder lies."""

    total_bytes: int
    free_bytes: int


def disk_space() -> DiskSpace:
    usage = shutil.disk_usage(home_dir())
    return DiskSpace(total_bytes=usage.total, free_bytes=usage.free)


def used_bytes(path: Path) -> int:
    """Blocks that a file, or a folder with all in it, takes; 0 where there is nothing.

    A file with several names counts once for each: a run's files have one.
    """
    try:
        found = path.lstat()
        within = list(path.iterdir()) if stat.S_ISDIR(found.st_mode) else []
    except FileNotFoundError:  # it may go between two looks
        return 0
    return found.st_blocks * _BLOCK_BYTES + sum(used_bytes(one) for one in within)


def disk_use(run_dir: Path) -> DiskUse:
    training_bytes = sum(used_bytes(one) for one in run_dir.glob("checkpoints/*/training"))
    models = ("model", "checkpoints", "compressed")
    models_bytes = sum(used_bytes(run_dir / name) for name in models) - training_bytes
    log_bytes = sum(used_bytes(one) for one in run_dir.glob("*log"))
    return DiskUse(
        training_bytes=training_bytes,
        models_bytes=models_bytes,
        log_bytes=log_bytes,
        other_bytes=used_bytes(run_dir) - training_bytes - models_bytes - log_bytes,
    )

"""Where things are kept: facts that ship with the project, and what this machine adds."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).parent.parent
DATA_DIR = PROJECT_DIR / "data"


def home_dir() -> Path:
    """Folder of everything that this machine adds: runs, prepared corpora, the database.

    ``FLOPLEDGER_HOME`` names it; by default it is ``.flopledger`` beside the code.
    """
    return Path(os.environ.get("FLOPLEDGER_HOME") or PROJECT_DIR / ".flopledger")


def runs_dir() -> Path:
    return home_dir() / "runs"


def corpora_dir() -> Path:
    return home_dir() / "corpora"

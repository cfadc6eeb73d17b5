"""Paths of the facts that ship with the project and of the files that this machine adds."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).parent.parent
DATA_DIR = PROJECT_DIR / "data"


def home_dir() -> Path:
    """Return the folder of all files that this machine adds: runs, prepared corpora, the database.

    The variable ``FLOPLEDGER_HOME`` sets it. The default is ``.flopledger`` beside the code.
    """
    return Path(os.environ.get("FLOPLEDGER_HOME") or PROJECT_DIR / ".flopledger")


def runs_dir() -> Path:
    """Return the folder that holds the folders of all runs."""
    return home_dir() / "runs"


def corpora_dir() -> Path:
    """Return the folder that holds the prepared corpora."""
    return home_dir() / "corpora"

"""Work that outlives the page which starts it, in a process and a log file of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.paths import PROJECT_DIR


def start_engine(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start ``python -m engine WORDS…`` in a session of its own and return at once."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *words],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )

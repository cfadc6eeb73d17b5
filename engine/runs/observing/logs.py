"""The log of a run's processes, read from its end at a cost that does not grow with its size."""

from __future__ import annotations

import codecs
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

_BLOCK_BYTES = 64_000
_MOST_BYTES_PER_LINE = 1_000
"""Bound on the average length of a line: fewer lines than requested are shown if they are
longer."""
_POLL_S = 0.3


class LogReader:
    """Reads a growing log by byte offset.

    The first call of :meth:`new` returns the last ``n_lines`` lines, each later call the text that
    was added since.
    """

    def __init__(self, path: Path, n_lines: int) -> None:
        self._path, self._n_lines = path, n_lines
        self._offset: int | None = None
        # The decoder keeps the bytes of a half-written character for the next call.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def new(self) -> str:
        try:
            with self._path.open("rb") as file:
                if self._offset is None:
                    found = _last_lines(file, self._n_lines)
                else:
                    file.seek(self._offset)
                    found = file.read()
                self._offset = file.tell()
        except FileNotFoundError:  # no process has printed anything yet
            return ""
        return self._decoder.decode(found)


def _last_lines(file: BinaryIO, n: int) -> bytes:
    """Return the last ``n`` lines of ``file`` and leave it at its end.

    Blocks are read backwards from the end until they hold ``n`` line ends.
    """
    start = file.seek(0, os.SEEK_END)
    least = max(0, start - n * _MOST_BYTES_PER_LINE)
    found = b""
    while start > least and found.count(b"\n", 0, -1) < n:
        size = min(max(_BLOCK_BYTES, len(found)), start - least)
        start = file.seek(start - size)
        found = file.read(size) + found
        file.seek(start)
    file.seek(0, os.SEEK_END)
    at = len(found) - 1  # a line end at this index belongs to the last line
    for _ in range(n):
        at = found.rfind(b"\n", 0, at)
        if at < 0:
            break
    return found[at + 1 :]


def follow_log(log: Path, n_lines: int, is_over: Callable[[], bool]) -> Iterator[str]:
    """Yield the last ``n_lines`` of a log, then each addition, until ``is_over`` returns True."""
    reader = LogReader(log, n_lines)
    while True:
        was_over = is_over()  # checked before the log is read, so that the last lines are included
        yield reader.new()
        if was_over:
            return
        time.sleep(_POLL_S)

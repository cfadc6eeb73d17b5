"""Files that survive a crash and can be read while they are written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.documents import InputError


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` as a whole: a reader, or a crash, meets the old text or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def write_json(path: Path, data: object) -> None:
    write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in ``path``, or None where there is no such file.

    Raises
    ------
    InputError
        If it is no JSON: half of it is missing, or somebody edited it.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), str(error), "not_json") from None
    return found


class JsonLines:
    """Reads a growing ``.jsonl`` file by byte offset: each call to :meth:`new` gives what came
    since the last. A line without its end is left for the next call."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def new(self) -> Iterator[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offset += len(line)
                    yield json.loads(line)
        except FileNotFoundError:
            return


def append_json_line(path: Path, data: dict[str, Any]) -> None:
    """Append one line with a single write, so that a reader never meets two halves."""
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(data, allow_nan=False).encode() + b"\n")

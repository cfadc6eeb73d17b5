"""Write files so that they survive a crash and can be read while they are written."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from engine.documents import InputError


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` as a whole: a reader, or a crash, finds the old text or the new text."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:  # on a full disk, free what was written
        part.unlink(missing_ok=True)
        raise
    sync_to_disk(path.parent)


def sync_to_disk(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, would survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_folder(part: Path, folder: Path) -> None:
    """Rename the filled folder ``part`` to ``folder`` and replace an existing folder of that name.

    The caller has synced the files of ``part`` to the disk.
    """
    sync_to_disk(part)
    if folder.exists():
        remove_folder(folder)
    part.rename(folder)
    sync_to_disk(folder.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder. For other processes it disappears at once, by a rename."""
    gone = folder.rename(folder.with_name(f".{folder.name}.gone"))
    shutil.rmtree(gone)


def write_json(path: Path, data: object) -> None:
    """Write ``data`` as JSON with :func:`write_atomically`."""
    write_atomically(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in ``path``, or None if there is no such file.

    Raises
    ------
    InputError
        If the file is no JSON, for example because it was cut off or edited by hand.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), str(error), "not_json") from None
    return found


class NewLines(NamedTuple):
    """Lines of a ``.jsonl`` file that its reader has not seen yet."""

    restarted: bool
    """Whether lines that were read before are gone; then ``lines`` are all lines of the file."""
    lines: list[dict[str, Any]]


class JsonLines:
    """Reader of a growing ``.jsonl`` file, by byte offset.

    Each call to :meth:`new` returns the lines that were added since the previous call. A line
    without its end is left for the next call. If the line read last is no longer at its place, the
    file was cut back meanwhile, and the reader starts again at its beginning.

    A second reader continues at the same place if it is given ``read_bytes`` and ``last_line``.
    """

    def __init__(self, path: Path, read_bytes: int = 0, last_line: bytes = b"") -> None:
        self._path, self.read_bytes, self.last_line = path, read_bytes, last_line

    def new(self) -> NewLines:
        """Return the new lines; raise InputError for a line that is no JSON."""
        try:
            with self._path.open("rb") as file:
                file.seek(self.read_bytes - len(self.last_line))
                restarted = file.read(len(self.last_line)) != self.last_line
                if restarted:
                    self.read_bytes, self.last_line = 0, b""
                    file.seek(0)
                lines = []
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    lines.append(json.loads(line))
                    self.read_bytes, self.last_line = self.read_bytes + len(line), line
                return NewLines(restarted, lines)
        except FileNotFoundError:
            restarted, self.read_bytes, self.last_line = self.read_bytes > 0, 0, b""
            return NewLines(restarted, [])
        except (ValueError, RecursionError) as error:
            raise InputError(str(self._path), str(error), "not_json") from None


def append_json_line(path: Path, data: dict[str, Any]) -> None:
    """Append one line with a single write, so that a reader never finds half a line.

    Raises
    ------
    OSError
        If the line could not be written as a whole.
    """
    line = json.dumps(data, allow_nan=False).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def cut_json_lines(path: Path, keeps: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Rewrite a ``.jsonl`` file with the lines that ``keeps`` accepts, and return them."""
    kept = [line for line in JsonLines(path).new().lines if keeps(line)]
    write_atomically(path, "".join(f"{json.dumps(line, allow_nan=False)}\n" for line in kept))
    return kept

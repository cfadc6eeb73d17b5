"""Every run of this machine in one look.

Finished runs are many and stay as they are: their summaries are kept in ``runs/index.sqlite``,
each with a stamp of the files that it was read from, and read again only when the stamp has
changed. The index is nothing but a cache: whatever is wrong with it, the folders say the same.

It speaks SQL itself: one table, four statements, and importing an ORM would take longer than
the look.
"""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass

from engine.documents import Document, InputError
from engine.paths import runs_dir
from engine.runs.folder import Run, is_run_id
from engine.runs.observing.summary import Summary, summarise, unreadable
from engine.runs.observing.totals import Tally, tally

_STAMPED = (
    *("", "about.json", "checkpoints", "job.json"),
    *("metrics.jsonl", "recipe.toml", "result.json", "state.json"),
)
"""Of a run's folder. The folder itself changes whenever a file in it is replaced; its files are
looked at for what is edited in place."""
_FORM = str(zlib.crc32(repr((Summary.model_json_schema(), Tally.model_json_schema())).encode()))
"""Begins each stamp: what another version of this program has kept is read again."""
_SETTLED_NS = 100_000_000
"""Files as fresh as this may change again and keep their time stamp: the clock of a file system
ticks every few milliseconds."""
_PATIENCE_S = 5.0
_PRIMARY_CODE = 0xFF
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLite's codes for a file that is no database, or has another table of that name."""

_Cells = tuple[bytes, bytes, bytes, bytes, int]
"""A run's id, its stamp, summary and tally, and a checksum of these."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a run from an earlier look."""

    stamp: str
    """Of a run that was not over, :data:`_FORM` alone: its summary is not used again."""
    summary: Summary
    tally: bytes
    """As JSON: of finished runs nobody asks for it."""


def summaries() -> list[Summary]:
    """Return a summary of every run of this machine, newest first.

    A folder that cannot be read is listed as that.
    """
    run_ids = _run_ids()
    if not run_ids:
        return []
    kept, seen, folder = _kept(), {}, runs_dir()
    for run_id in run_ids:
        stamp, row = _stamp(f"{folder}/{run_id}"), kept.get(run_id)
        if row is None or row.stamp != stamp:
            row = _read(Run(folder / run_id), row, stamp)
        if row is not None:
            seen[run_id] = row
    _keep(
        {run_id: row for run_id, row in seen.items() if kept.get(run_id) != row},
        kept.keys() - seen.keys(),
    )
    return [row.summary for row in seen.values()]


def readable_runs() -> list[Run]:
    """Every run of this machine whose folder says what it must, the newest first."""
    return [Run(runs_dir() / one.run_id) for one in summaries() if one.unreadable is None]


def summary_of(run: Run) -> Summary:
    """Of one run, read from its folder.

    Raises
    ------
    InputError
        If one of its files does not say what it must.
    """
    return summarise(run, tally(run, Tally(), run.state.started_at))


def _run_ids() -> list[str]:
    """The newest first."""
    try:
        names = [entry.name for entry in os.scandir(runs_dir())]
    except FileNotFoundError:  # nothing has run here yet
        return []
    return sorted(filter(is_run_id, names), reverse=True)


def _stamp(run_dir: str) -> str | None:
    """Changes with what the summary is read from; None while that is too fresh to tell."""
    parts, newest_ns = [_FORM], 0
    for name in _STAMPED:
        try:
            # Eight times a run: a Path's own would take as long as all of the rest.
            found = os.stat(f"{run_dir}/{name}")  # noqa: PTH116
        except OSError:
            parts.append("-")
            continue
        newest_ns = max(newest_ns, found.st_mtime_ns)
        parts.append(f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}")
    return " ".join(parts) if newest_ns < time.time_ns() - _SETTLED_NS else None


def _read(run: Run, before: _Row | None, stamp: str | None) -> _Row | None:
    """What the folder says; None if it has gone meanwhile."""
    try:
        known = Tally.model_validate_json(before.tally) if before else Tally()
        sums = tally(run, known, run.state.started_at)
        summary = summarise(run, sums)
    except (InputError, OSError) as error:
        if not run.folder.is_dir():
            return None
        return _Row(_FORM, unreadable(run, error), _json(Tally()))
    return _Row(stamp if stamp and summary.is_over else _FORM, summary, _json(sums))


def _kept() -> dict[str, _Row]:
    found = {}
    for run_id, stamp, summary, sums, checksum in _asked(_read_rows):
        # A byte may have changed on the disk, or another version have written it.
        if checksum == _checksum(run_id, stamp, summary, sums) and stamp.startswith(_FORM.encode()):
            found[run_id.decode()] = _Row(
                stamp.decode(), Summary.model_validate_json(summary), sums
            )
    return found


def _read_rows(database: sqlite3.Connection) -> list[_Cells]:
    return database.execute("SELECT * FROM summaries").fetchall()


def _keep(changed: Mapping[str, _Row], gone: Iterable[str]) -> None:
    cells = []
    for run_id, row in changed.items():
        blobs = (run_id.encode(), row.stamp.encode(), _json(row.summary), row.tally)
        cells.append((*blobs, _checksum(*blobs)))

    def write(database: sqlite3.Connection) -> list[_Cells]:
        database.executemany("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?)", cells)
        ids = [(run_id.encode(),) for run_id in gone]
        database.executemany("DELETE FROM summaries WHERE run_id = ?", ids)
        return []

    _asked(write)


def _asked(work: Callable[[sqlite3.Connection], list[_Cells]]) -> list[_Cells]:
    """What the index answers; nothing where it cannot."""
    path = runs_dir() / "index.sqlite"
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as database:
            # It may be lost in a power cut: what is then left of it is known by its sums.
            database.execute("PRAGMA synchronous=OFF")
            database.execute(
                "CREATE TABLE IF NOT EXISTS summaries"
                " (run_id BLOB PRIMARY KEY, stamp BLOB, summary BLOB, tally BLOB, checksum INTEGER)"
            )
            database.text_factory = bytes
            answer = work(database)
            database.commit()
            return answer
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE in _DAMAGED:
            path.unlink(missing_ok=True)
        # Else the disk is full or read-only, or somebody has had the index for long.
        return []


def _json(document: Document) -> bytes:
    return document.model_dump_json().encode()


def _checksum(*cells: object) -> int:
    return zlib.crc32(repr(cells).encode())

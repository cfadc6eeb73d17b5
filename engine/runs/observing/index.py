"""Summaries of all runs of this machine, with a cache of the finished runs.

Finished runs are many and do not change. Their summaries are kept in ``runs/index.sqlite``, each
with a stamp of the files that it was read from, and a folder is read again only when its stamp
has changed. The index is only a cache: if it is lost or damaged, it is rebuilt from the folders.

The module uses SQL directly: it needs one table and four statements, and importing an ORM would
take longer than reading the index.
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
from engine.runs.observing.totals import MetricTotals, read_totals

_STAMPED = (
    *("", "about.json", "checkpoints", "job.json"),
    *("metrics.jsonl", "recipe.toml", "result.json", "state.json"),
)
"""Entries of a run's folder that its stamp covers. The folder itself changes whenever a file in it
is replaced; the files are included because they can be edited in place."""
_FORM = str(
    zlib.crc32(repr((Summary.model_json_schema(), MetricTotals.model_json_schema())).encode())
)
"""Prefix of each stamp: rows that another version of this program wrote are read again."""
_SETTLED_NS = 100_000_000
"""Age in nanoseconds below which a file's time stamp is not trusted: the clock of a file system
ticks every few milliseconds, so a file may change twice within one tick."""
_DATABASE_PATIENCE_S = 5.0
_PRIMARY_CODE = 0xFF
"""Mask of SQLite's primary error code in an extended error code."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLite's codes for a file that is no database, or that has another table of that name."""

_Cells = tuple[bytes, bytes, bytes, bytes, int]
"""A run's id, its stamp, summary and totals, and a checksum of these four."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A run as an earlier reading found it."""

    stamp: str
    """Stamp of the files; only :data:`_FORM` for a run that was not over, so that its summary is
    not used again."""
    summary: Summary
    totals: bytes
    """Totals of the metrics as JSON, which is parsed only for runs that are not over."""


def summaries() -> list[Summary]:
    """Return a summary of every run of this machine, newest first.

    A folder that cannot be read gets a summary with the reason.
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
    """Return every run of this machine whose folder can be read, newest first."""
    return [
        Run(runs_dir() / summary.run_id) for summary in summaries() if summary.unreadable is None
    ]


def summary_of(run: Run) -> Summary:
    """Return the summary of one run, read from its folder without the index.

    Raises
    ------
    InputError
        If one of its files is missing or not valid.
    """
    return summarise(run, read_totals(run, MetricTotals(), run.state.started_at))


def _run_ids() -> list[str]:
    """Return the ids of all runs, newest first."""
    try:
        names = [entry.name for entry in os.scandir(runs_dir())]
    except FileNotFoundError:  # no run was ever created here
        return []
    return sorted(filter(is_run_id, names), reverse=True)


def _stamp(run_dir: str) -> str | None:
    """Return a stamp that changes with the files of the summary; None while they are too fresh."""
    parts, newest_ns = [_FORM], 0
    for name in _STAMPED:
        try:
            # Eight calls a run: Path.stat would take as long as the rest of the function.
            found = os.stat(f"{run_dir}/{name}")  # noqa: PTH116
        except OSError:
            parts.append("-")
            continue
        newest_ns = max(newest_ns, found.st_mtime_ns)
        parts.append(f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}")
    return " ".join(parts) if newest_ns < time.time_ns() - _SETTLED_NS else None


def _read(run: Run, before: _Row | None, stamp: str | None) -> _Row | None:
    """Read a run's folder; None if it was removed in the meantime."""
    try:
        known = MetricTotals.model_validate_json(before.totals) if before else MetricTotals()
        totals = read_totals(run, known, run.state.started_at)
        summary = summarise(run, totals)
    except (InputError, OSError) as error:
        if not run.folder.is_dir():
            return None
        return _Row(_FORM, unreadable(run, error), _json(MetricTotals()))
    return _Row(stamp if stamp and summary.is_over else _FORM, summary, _json(totals))


def _kept() -> dict[str, _Row]:
    found = {}
    for run_id, stamp, summary, totals, checksum in _query(_read_rows):
        # The row may be damaged on the disk, or another version of the program may have written it.
        is_intact = checksum == _checksum(run_id, stamp, summary, totals)
        if is_intact and stamp.startswith(_FORM.encode()):
            found[run_id.decode()] = _Row(
                stamp.decode(), Summary.model_validate_json(summary), totals
            )
    return found


def _read_rows(database: sqlite3.Connection) -> list[_Cells]:
    return database.execute("SELECT * FROM summaries").fetchall()


def _keep(changed: Mapping[str, _Row], gone: Iterable[str]) -> None:
    cells = []
    for run_id, row in changed.items():
        blobs = (run_id.encode(), row.stamp.encode(), _json(row.summary), row.totals)
        cells.append((*blobs, _checksum(*blobs)))

    def write(database: sqlite3.Connection) -> list[_Cells]:
        database.executemany("INSERT OR REPLACE INTO summaries VALUES (?, ?, ?, ?, ?)", cells)
        ids = [(run_id.encode(),) for run_id in gone]
        database.executemany("DELETE FROM summaries WHERE run_id = ?", ids)
        return []

    _query(write)


def _query(work: Callable[[sqlite3.Connection], list[_Cells]]) -> list[_Cells]:
    """Return the rows that ``work`` finds in the index; none if the index cannot be used."""
    path = runs_dir() / "index.sqlite"
    try:
        with closing(sqlite3.connect(path, timeout=_DATABASE_PATIENCE_S)) as database:
            # A power cut may damage the index: the checksums tell which rows are intact.
            database.execute("PRAGMA synchronous=OFF")
            database.execute(
                "CREATE TABLE IF NOT EXISTS summaries"
                " (run_id BLOB PRIMARY KEY, stamp BLOB, summary BLOB, totals BLOB,"
                " checksum INTEGER)"
            )
            database.text_factory = bytes
            answer = work(database)
            database.commit()
            return answer
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE in _DAMAGED:
            path.unlink(missing_ok=True)
        # Otherwise the disk is full or read-only, or another process keeps the index locked.
        return []


def _json(document: Document) -> bytes:
    return document.model_dump_json().encode()


def _checksum(*cells: object) -> int:
    return zlib.crc32(repr(cells).encode())

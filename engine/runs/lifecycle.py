"""Keeping house: what people call a run and say about it, and what becomes of one they are done
with.

``about.json`` in a run's folder holds its name, note, tags, and whether it is archived. A deleted
run lies in ``runs/.trash`` under its own id until it is restored or purged; nothing of it is
changed there.
"""

from __future__ import annotations

import datetime
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.documents import Document, InputError
from engine.files import remove_folder, write_json
from engine.paths import runs_dir
from engine.recipes.checkpoints import TRAINING
from engine.runs.folder import Run, is_run_id, now
from engine.runs.labels import About, about_of
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.locks import hold_lock, is_locked
from engine.runs.observing.disk_use import used_bytes
from engine.runs.observing.index import summaries
from engine.runs.observing.summary import Summary

TRASH_DAYS = 30
"""What has lain in the trash for longer goes for good when the next run is deleted."""
_PATIENCE_S = 10.0
"""Whoever changes what is said about a run has the lock for milliseconds."""


def rename(run: Run, name: str) -> None:
    """Call it ``name``; its id stays. InputError if the name is empty, long or hides characters."""
    describe(run, name=name)


def annotate(run: Run, note: str) -> None:
    """Put ``note`` where its old one was; an empty one removes it."""
    describe(run, note=note)


def tag(run: Run, tags: Iterable[str]) -> None:
    """Put ``tags`` where its old ones were."""
    describe(run, tags=list(tags))


def archive(run: Run, archived: bool = True) -> None:
    """Take it out of sight, or back."""
    describe(run, archived=archived)


def describe(run: Run, **changes: object) -> None:
    """Change several of these at once, by the names of :class:`About`; InputError for the first
    that is not allowed, and then none is changed."""
    with _alone():
        about = About.parse(about_of(run).model_dump() | changes)
        write_json(run.folder / "about.json", about.model_dump(mode="json"))


@contextmanager
def _alone() -> Iterator[None]:
    """Of two who change things at once, one after the other: no change gets lost."""
    with hold_lock(runs_dir() / ".house.lock", _PATIENCE_S) as alone:
        if not alone:
            raise TimeoutError("somebody holds the lock of the house")
        yield


class Trashed(Document):
    """A deleted run, as long as it can be restored."""

    run_id: str
    deleted_at: datetime.datetime
    disk_bytes: int


def trash_dir() -> Path:
    return runs_dir() / ".trash"


def delete(run: Run) -> None:
    """Move a run to the trash, and purge what has lain there for :data:`TRASH_DAYS`.

    Raises
    ------
    InputError
        If the run is not over, or is being compressed.
    """
    with _of_nobody_else(run):
        if is_locked(run.folder / "compression.lock"):
            raise InputError("run", run.id, "compressed_already")
        trash_dir().mkdir(exist_ok=True)
        os.utime(run.folder)  # its time in the trash counts from here
        run.folder.rename(trash_dir() / run.id)
    purge(TRASH_DAYS)


@contextmanager
def _of_nobody_else(run: Run) -> Iterator[None]:
    """Nobody starts the run meanwhile; InputError if somebody has, or will."""
    with suppress(InputError):  # its state is damaged: whether it runs, its lock alone says
        reconcile_run(run)
    with run.locked() as descriptor:
        try:
            is_over = run.state.phase.is_over
        except InputError:
            is_over = True
        if descriptor is None or not is_over:
            raise InputError("run", run.id, "run_that_is_over")
        yield


def restore(run_id: str) -> Run:
    """Bring a deleted run back as it was; InputError if it is not in the trash."""
    folder = trash_dir() / run_id
    if not is_run_id(run_id) or not folder.is_dir():
        raise InputError("run", run_id, "known_run", folder=str(trash_dir()))
    return Run(folder.rename(runs_dir() / run_id))


def trashed(older_than_days: float = 0.0) -> list[Trashed]:
    """What can be restored and has lain there for so long, the latest deleted first."""
    before = now() - datetime.timedelta(days=older_than_days)
    found = [
        Trashed(
            run_id=folder.name,
            deleted_at=datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.UTC),
            disk_bytes=used_bytes(folder),
        )
        for folder in trash_dir().glob("*")
        if is_run_id(folder.name)
    ]
    old = [one for one in found if one.deleted_at <= before]
    return sorted(old, key=lambda one: one.deleted_at, reverse=True)


def purge(older_than_days: float = 0.0) -> int:
    """Remove for good what has lain in the trash for so long; the bytes that are free again."""
    for one in trashed(older_than_days):
        # Half a run is never restored: it loses its id first.
        (trash_dir() / one.run_id).rename(trash_dir() / f".{one.run_id}")
    gone = list(trash_dir().glob(".*"))
    freed_bytes = sum(map(used_bytes, gone))
    for folder in gone:
        shutil.rmtree(folder)
    return freed_bytes


def prunable(keep: int, older_than_days: float) -> list[Summary]:
    """Runs that still could go on, but ended so long ago; without the ``keep`` newest of those
    that could."""
    before = now() - datetime.timedelta(days=older_than_days)
    could = [one for one in summaries() if one.is_over and one.disk.training_bytes]
    return [one for one in could[keep:] if one.ended_at is not None and one.ended_at <= before]


def prune(run: Run) -> None:
    """Remove what a run that is over would need to go on; its models stay.

    Raises
    ------
    InputError
        If it is not over.
    """
    with _of_nobody_else(run):
        for checkpoint in run.checkpoints():
            if (checkpoint / TRAINING).is_dir():
                remove_folder(checkpoint / TRAINING)
        os.utime(run.folder)  # what it takes on disk is to be counted anew

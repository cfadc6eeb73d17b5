"""Labels of runs, and their life after training: archive, delete, restore, purge and prune.

``about.json`` in a run's folder holds its name, note, tags, and whether it is archived. A deleted
run is kept unchanged in ``runs/.trash``, under its own id, until it is restored or purged.
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
"""Days after which a deleted run is removed permanently, when the next run is deleted."""
_LABELS_PATIENCE_S = 10.0
"""Seconds to wait for the lock of the labels, which each change holds for milliseconds."""


def rename(run: Run, name: str) -> None:
    """Set the run's name; its id stays the same.

    Raises
    ------
    InputError
        If the name is empty, too long, or has invisible characters.
    """
    describe(run, name=name)


def annotate(run: Run, note: str) -> None:
    """Replace the run's note; an empty ``note`` removes it."""
    describe(run, note=note)


def tag(run: Run, tags: Iterable[str]) -> None:
    """Replace the run's tags."""
    describe(run, tags=list(tags))


def archive(run: Run, archived: bool = True) -> None:
    """Hide the run in lists, or show it again if ``archived`` is false."""
    describe(run, archived=archived)


def describe(run: Run, **changes: object) -> None:
    """Change several labels at once, by the field names of :class:`About`.

    Raises
    ------
    InputError
        For the first value that is not allowed; no label is changed then.
    """
    with _labels_lock():
        about = About.parse(about_of(run).model_dump() | changes)
        write_json(run.folder / "about.json", about.model_dump(mode="json"))


@contextmanager
def _labels_lock() -> Iterator[None]:
    """Hold the lock of all labels, so that two processes do not overwrite each other's change."""
    with hold_lock(runs_dir() / ".labels.lock", _LABELS_PATIENCE_S) as is_free:
        if not is_free:
            raise TimeoutError("another process holds the lock of the labels")
        yield


class DeletedRun(Document):
    """A deleted run that can be restored."""

    run_id: str
    deleted_at: datetime.datetime
    disk_bytes: int


def trash_dir() -> Path:
    return runs_dir() / ".trash"


def delete(run: Run) -> None:
    """Move a run to the trash, and purge runs that were deleted :data:`TRASH_DAYS` ago.

    Raises
    ------
    InputError
        If the run is not over, or is being compressed.
    """
    with _locked_after_end(run):
        if is_locked(run.folder / "compression.lock"):
            raise InputError("run", run.id, "compressed_already")
        trash_dir().mkdir(exist_ok=True)
        os.utime(run.folder)  # the time stamp records when the run was deleted
        run.folder.rename(trash_dir() / run.id)
    purge(TRASH_DAYS)


@contextmanager
def _locked_after_end(run: Run) -> Iterator[None]:
    """Hold the lock of a run that is over, so that no process can start it.

    Raises
    ------
    InputError
        If the run is live or queued.
    """
    with suppress(InputError):  # a damaged state: only the lock shows whether the run is live
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
    """Move a deleted run back; InputError if it is not in the trash."""
    folder = trash_dir() / run_id
    if not is_run_id(run_id) or not folder.is_dir():
        raise InputError("run", run_id, "known_run", folder=str(trash_dir()))
    return Run(folder.rename(runs_dir() / run_id))


def deleted_runs(older_than_days: float = 0.0) -> list[DeletedRun]:
    """Return runs that were deleted at least the given number of days ago, latest first."""
    before = now() - datetime.timedelta(days=older_than_days)
    found = [
        DeletedRun(
            run_id=folder.name,
            deleted_at=datetime.datetime.fromtimestamp(folder.stat().st_mtime, datetime.UTC),
            disk_bytes=used_bytes(folder),
        )
        for folder in trash_dir().glob("*")
        if is_run_id(folder.name)
    ]
    old = [deleted for deleted in found if deleted.deleted_at <= before]
    return sorted(old, key=lambda deleted: deleted.deleted_at, reverse=True)


def purge(older_than_days: float = 0.0) -> int:
    """Permanently remove runs that were deleted at least the given number of days ago.

    Returns the number of bytes that were freed.
    """
    for deleted in deleted_runs(older_than_days):
        # The folder loses the run's id first, so that no half-removed run can be restored.
        (trash_dir() / deleted.run_id).rename(trash_dir() / f".{deleted.run_id}")
    removed = list(trash_dir().glob(".*"))
    freed_bytes = sum(map(used_bytes, removed))
    for folder in removed:
        shutil.rmtree(folder)
    return freed_bytes


def prunable(keep: int, older_than_days: float) -> list[Summary]:
    """Return runs that ended at least the given number of days ago and still hold training state.

    The ``keep`` newest of the runs with training state are left out.
    """
    before = now() - datetime.timedelta(days=older_than_days)
    resumable = [run for run in summaries() if run.is_over and run.disk.training_bytes]
    return [run for run in resumable[keep:] if run.ended_at is not None and run.ended_at <= before]


def prune(run: Run) -> None:
    """Remove the training state from the checkpoints of a run; its models stay.

    Raises
    ------
    InputError
        If the run is not over.
    """
    with _locked_after_end(run):
        for checkpoint in run.checkpoints():
            if (checkpoint / TRAINING).is_dir():
                remove_folder(checkpoint / TRAINING)
        os.utime(run.folder)  # the index counts the run's disk space again

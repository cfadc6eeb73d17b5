"""The models that a run has exported: its final model and those of its checkpoints."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import IO

from engine.documents import InputError
from engine.files import read_json
from engine.recipes.checkpoints import TRAINING
from engine.runs.folder import Run

FINAL = "final"


def exports(run: Run) -> list[str]:
    """Return the names of the models that can be loaded, newest first: ``final``, ``step-…``."""
    checkpoints = [path.name for path in reversed(run.checkpoints())]
    return [FINAL, *checkpoints] if run.result is not None else checkpoints


def export_folder(run: Run, which: str = FINAL) -> Path:
    """Return the folder of one of :func:`exports`; InputError if there is no such export."""
    known = exports(run)
    if which == FINAL and FINAL not in known:
        raise InputError("run", run.id, "finished_run")
    if which not in known:
        raise InputError("checkpoint", which, "literal_error", limit=", ".join(known))
    return run.model_dir if which == FINAL else run.folder / "checkpoints" / which


def trained_until(run: Run, which: str) -> tuple[int | None, int | None]:
    """Return the numbers of steps and tokens of an export's training, or None if unknown."""
    if which == FINAL and run.result is not None:
        return run.result.steps, run.result.tokens
    metadata = read_json(export_folder(run, which) / "flopledger.json") or {}
    return metadata.get("step"), metadata.get("tokens")


def copy_export(run: Run, which: str, target: Path) -> Path:
    """Copy an export to ``target``; InputError if there is no export, or ``target`` exists."""
    folder = export_folder(run, which)
    if target.exists():
        raise InputError("folder", str(target), "new_folder")
    return Path(shutil.copytree(folder, target, ignore=shutil.ignore_patterns(TRAINING)))


def size_bytes(folder: Path) -> int:
    """Return the size of an export's files, about that of its archive: weights hardly compress."""
    return sum(path.stat().st_size for path in _files(folder))


def write_archive(folder: Path, name: str, target: IO[bytes]) -> None:
    """Write a zip of ``folder`` to ``target``, with its files below the folder ``name``.

    Files are copied in pieces, so that memory does not grow with the weights.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(folder):
            archive.write(path, f"{name}/{path.name}")


def _files(folder: Path) -> list[Path]:
    """Return the files of the model, without the training state."""
    return sorted(path for path in folder.iterdir() if path.is_file())

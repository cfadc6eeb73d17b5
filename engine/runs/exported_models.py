"""The models that a run has exported: its final one, and its checkpoints on the way."""

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
    """Names of the models that can be loaded, the newest first: ``final``, ``step-…``."""
    on_the_way = [path.name for path in reversed(run.checkpoints())]
    return [FINAL, *on_the_way] if run.result is not None else on_the_way


def export_folder(run: Run, which: str = FINAL) -> Path:
    """The folder of one of :func:`exports`; InputError if it is none of them."""
    known = exports(run)
    if which == FINAL and FINAL not in known:
        raise InputError("run", run.id, "finished_run")
    if which not in known:
        raise InputError("checkpoint", which, "literal_error", limit=", ".join(known))
    return run.model_dir if which == FINAL else run.folder / "checkpoints" / which


def trained_until(run: Run, which: str) -> tuple[int | None, int | None]:
    """(steps, tokens) that an export has seen, where that is known."""
    if which == FINAL and run.result is not None:
        return run.result.steps, run.result.tokens
    told = read_json(export_folder(run, which) / "flopledger.json") or {}
    return told.get("step"), told.get("tokens")


def copy_export(run: Run, which: str, target: Path) -> Path:
    """A copy of an export's folder; InputError if there is none, or ``target`` exists."""
    folder = export_folder(run, which)
    if target.exists():
        raise InputError("folder", str(target), "new_folder")
    return Path(shutil.copytree(folder, target, ignore=shutil.ignore_patterns(TRAINING)))


def size_bytes(folder: Path) -> int:
    """Of all files of an export; about that of its archive, since weights hardly shrink."""
    return sum(path.stat().st_size for path in _files(folder))


def write_archive(folder: Path, name: str, target: IO[bytes]) -> None:
    """A zip of ``folder`` whose files lie below ``name``; copied piece by piece, so that memory
    does not grow with the weights."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in _files(folder):
            archive.write(path, f"{name}/{path.name}")


def _files(folder: Path) -> list[Path]:
    """Of the model, without those that only training needs."""
    return sorted(path for path in folder.iterdir() if path.is_file())

"""Checkpoints of a run as folders: whole, or not there.

``checkpoints/step-00000100/`` holds the model of that step as ``from_pretrained`` reads it and, in
``training/``, what training needs to go on: the shards of each rank, states of random numbers, and
``manifest.json`` with the size and hash of every file of the checkpoint. A checkpoint is filled
under a hidden name, written through to the disk, and renamed. Hashes tell one that was damaged
later; it is not a defence against whoever can write manifests, which is why nothing in a
checkpoint is ever unpickled (:mod:`engine.training.training_state`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.documents import Document, InputError
from engine.files import (
    put_in_place,
    read_json,
    remove_folder,
    to_disk,
    write_atomically,
    write_json,
)
from engine.recipes.recipe import Recipe

TRAINING = "training"
"""Below a checkpoint: what training needs besides the model."""
_MANIFEST = "manifest.json"
_MANIFEST_HASH = "manifest.sha256"


class FileRecord(Document):
    size_bytes: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path) -> FileRecord:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        return cls(size_bytes=path.stat().st_size, sha256=digest.hexdigest())


class Manifest(Document):
    step: int
    """Steps done."""
    recipe_hash: str
    n_ranks: int
    starts: tuple[int, ...]
    """Steps that were done each time that training began: 0, then a checkpoint's at each resume."""
    wall_time_s: float
    """That training has taken up to here; without what was lost and done again."""
    files: dict[str, FileRecord]
    """By path below the checkpoint."""


class UnusableError(Exception):
    """A checkpoint that training can't go on from, and why."""


def checkpoints_dir(run_dir: Path) -> Path:
    return run_dir / "checkpoints"


def checkpoint_dir(run_dir: Path, step: int) -> Path:
    return checkpoints_dir(run_dir) / f"step-{step:08d}"


def step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def committed(run_dir: Path) -> list[Path]:
    """The checkpoints of a run, the oldest first."""
    return sorted(checkpoints_dir(run_dir).glob("step-*"))


def partial_dir(folder: Path) -> Path:
    """Where the checkpoint ``folder`` is filled."""
    return folder.with_name(f".{folder.name}.part")


def record_files(folder: Path, names: Iterable[str]) -> dict[str, FileRecord]:
    """Of files in ``folder``, each written through to the disk first."""
    records = {}
    for name in names:
        to_disk(folder / name)
        records[name] = FileRecord.of_file(folder / name)
    return records


def commit(folder: Path, manifest: Manifest) -> None:
    """Make a checkpoint of its part folder, in place of one of that step if there is any."""
    part = partial_dir(folder)
    training = part / TRAINING
    write_json(training / _MANIFEST, manifest.model_dump(mode="json"))
    write_atomically(training / _MANIFEST_HASH, _hash_line(training / _MANIFEST))
    to_disk(training)
    put_in_place(part, folder)


def read_manifest(folder: Path, recipe: Recipe) -> Manifest:
    """The manifest of a checkpoint of a run of ``recipe``.

    Raises
    ------
    UnusableError
        If it was damaged, or is of another recipe.
    """
    training = folder / TRAINING
    try:
        if (training / _MANIFEST_HASH).read_bytes() != _hash_line(training / _MANIFEST).encode():
            raise UnusableError(f"{_MANIFEST} is not as it was written")
        manifest = Manifest.parse(read_json(training / _MANIFEST) or {}, where=_MANIFEST)
    except FileNotFoundError as error:
        raise UnusableError(f"{Path(error.filename).name} is missing") from None
    except (ValueError, InputError) as error:
        raise UnusableError(f"{_MANIFEST}: {error}") from None
    names = {path.name for path in training.glob("[!.]*")} - {_MANIFEST, _MANIFEST_HASH}
    if unknown := {f"{TRAINING}/{name}" for name in names} - manifest.files.keys():
        raise UnusableError(f"{min(unknown)} is not in its manifest")
    if manifest.recipe_hash != recipe.content_hash:
        raise UnusableError("it is of another recipe")
    if manifest.n_ranks != recipe.n_ranks:
        raise UnusableError(f"it is of {manifest.n_ranks} ranks, not {recipe.n_ranks}")
    return manifest


def check_files(folder: Path, files: Mapping[str, FileRecord]) -> None:
    """Raise UnusableError for the first of ``files`` that is not as it was written."""
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise UnusableError(f"{name} is missing")
        if (size_bytes := path.stat().st_size) != expected.size_bytes:
            raise UnusableError(f"{name} has {size_bytes} bytes, not {expected.size_bytes}")
        if FileRecord.of_file(path) != expected:
            raise UnusableError(f"the hash of {name} is not the one in {_MANIFEST}")


def remove_old(run_dir: Path, recipe: Recipe, step: int, n_states: int) -> None:
    """Of the checkpoints up to ``step``, keep the state of training in the newest ``n_states``; of
    the others, keep the model of every ``checkpoint_every_steps``. What is newer could not be
    used, and is left to be replaced."""
    known = [folder for folder in committed(run_dir) if step_of(folder) <= step]
    for folder in known[: max(0, len(known) - n_states)]:
        if not recipe.keeps_model_of(step_of(folder)):
            remove_folder(folder)
        elif (folder / TRAINING).exists():
            remove_folder(folder / TRAINING)


def remove_partial(run_dir: Path) -> None:
    """Remove what a killed process left half written or half removed."""
    folder = checkpoints_dir(run_dir)
    for left in [*folder.glob(".*"), *folder.glob("step-*/.*")]:
        shutil.rmtree(left)


def _hash_line(path: Path) -> str:
    """As ``sha256sum`` prints it."""
    return f"{FileRecord.of_file(path).sha256}  {path.name}\n"

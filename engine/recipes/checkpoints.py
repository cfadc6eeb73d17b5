"""Checkpoints of a run as folders that are either complete or absent.

``checkpoints/step-00000100/`` holds the model of that step as ``from_pretrained`` reads it. Its
subfolder ``training/`` holds the training state: the shards of each rank, the states of random
number generators, and ``manifest.json`` with the size and hash of every file of the checkpoint.

A checkpoint is written under a hidden name, forced to the disk and renamed. The hashes reveal
later damage. They do not protect against a forged manifest, so nothing in a checkpoint is ever
unpickled (:mod:`engine.training.training_state`).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.documents import Document, InputError
from engine.files import (
    read_json,
    remove_folder,
    replace_folder,
    sync_to_disk,
    write_atomically,
    write_json,
)
from engine.recipes.recipe import Recipe

TRAINING = "training"
"""Name of the subfolder of a checkpoint that holds the training state."""
_MANIFEST = "manifest.json"
_MANIFEST_HASH = "manifest.sha256"


class FileRecord(Document):
    """Size and hash of one file of a checkpoint."""

    size_bytes: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path) -> FileRecord:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        return cls(size_bytes=path.stat().st_size, sha256=digest.hexdigest())


class Manifest(Document):
    """Contents of ``manifest.json``."""

    step: int
    """Number of steps done."""
    recipe_hash: str
    n_ranks: int
    starts: tuple[int, ...]
    """Number of steps done at each start of training: 0, then a checkpoint's step per resume."""
    wall_time_s: float
    """Seconds of training up to this step, without steps that were lost and repeated."""
    files: dict[str, FileRecord]
    """Records of all files, by their path in the checkpoint."""


class UnusableError(Exception):
    """Training cannot resume from a checkpoint; the message is the reason."""


def checkpoints_dir(run_dir: Path) -> Path:
    """Return the folder of a run's checkpoints."""
    return run_dir / "checkpoints"


def checkpoint_dir(run_dir: Path, step: int) -> Path:
    """Return the folder of the checkpoint after ``step`` steps."""
    return checkpoints_dir(run_dir) / f"step-{step:08d}"


def step_of(folder: Path) -> int:
    """Return the number of steps of a checkpoint, from the name of its folder."""
    return int(folder.name.removeprefix("step-"))


def committed(run_dir: Path) -> list[Path]:
    """Return the complete checkpoints of a run, oldest first."""
    return sorted(checkpoints_dir(run_dir).glob("step-*"))


def partial_dir(folder: Path) -> Path:
    """Return the hidden folder in which the checkpoint ``folder`` is written."""
    return folder.with_name(f".{folder.name}.part")


def record_files(folder: Path, names: Iterable[str]) -> dict[str, FileRecord]:
    """Force the files ``names`` of ``folder`` to the disk and return their records."""
    records = {}
    for name in names:
        sync_to_disk(folder / name)
        records[name] = FileRecord.of_file(folder / name)
    return records


def commit(folder: Path, manifest: Manifest) -> None:
    """Rename the partial folder to the checkpoint ``folder``, replacing one of the same step."""
    part = partial_dir(folder)
    training = part / TRAINING
    write_json(training / _MANIFEST, manifest.model_dump(mode="json"))
    write_atomically(training / _MANIFEST_HASH, _hash_line(training / _MANIFEST))
    sync_to_disk(training)
    replace_folder(part, folder)


def read_manifest(folder: Path, recipe: Recipe) -> Manifest:
    """Read the manifest of a checkpoint of ``recipe``.

    Raises
    ------
    UnusableError
        If the manifest is damaged, or belongs to another recipe or number of ranks.
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
    """Check the size and hash of each file.

    Raises
    ------
    UnusableError
        If a file is missing or differs from its record.
    """
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise UnusableError(f"{name} is missing")
        if (size_bytes := path.stat().st_size) != expected.size_bytes:
            raise UnusableError(f"{name} has {size_bytes} bytes, not {expected.size_bytes}")
        if FileRecord.of_file(path) != expected:
            raise UnusableError(f"the hash of {name} is not the one in {_MANIFEST}")


def remove_old(run_dir: Path, recipe: Recipe, step: int, n_states: int) -> None:
    """Remove old training states and models among the checkpoints up to ``step``.

    The newest ``n_states`` checkpoints stay whole. Of the others, the model stays at every
    ``checkpoint_every_steps``. Newer checkpoints were unusable; they stay until they are replaced.
    """
    known = [folder for folder in committed(run_dir) if step_of(folder) <= step]
    for folder in known[: max(0, len(known) - n_states)]:
        if not recipe.keeps_model_of(step_of(folder)):
            remove_folder(folder)
        elif (folder / TRAINING).exists():
            remove_folder(folder / TRAINING)


def remove_partial(run_dir: Path) -> None:
    """Remove folders that a killed process left partly written or partly removed."""
    folder = checkpoints_dir(run_dir)
    for left in [*folder.glob(".*"), *folder.glob("step-*/.*")]:
        shutil.rmtree(left)


def _hash_line(path: Path) -> str:
    """Return the hash of a file in the format of ``sha256sum``."""
    return f"{FileRecord.of_file(path).sha256}  {path.name}\n"

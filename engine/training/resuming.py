"""Choice of the checkpoint from which a run resumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import distributed

from engine.recipes import checkpoints
from engine.recipes.checkpoints import Manifest, UnusableError
from engine.recipes.recipe import Recipe
from engine.training import ranks


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Usable checkpoint of a run."""

    folder: Path
    manifest: Manifest


def newest_usable_checkpoint(run_dir: Path, recipe: Recipe) -> Checkpoint | None:
    """Return the newest undamaged checkpoint, or None.

    Every rank must call this and hashes its share of the files. Rank 0 logs each unusable
    checkpoint with the reason.
    """
    rank, n_ranks = distributed.get_rank(), distributed.get_world_size()
    for name in ranks.broadcast_object(
        [path.name for path in checkpoints.committed(run_dir)][::-1]
    ):
        folder = checkpoints.checkpoints_dir(run_dir) / name
        if not (folder / checkpoints.TRAINING).is_dir():
            continue  # only its model was kept
        manifest, reason = None, ""
        try:
            manifest = checkpoints.read_manifest(folder, recipe)
            own = sorted(manifest.files)[rank::n_ranks]
            checkpoints.check_files(folder, {file: manifest.files[file] for file in own})
        except UnusableError as error:
            reason = str(error)
        reasons = [found for found in ranks.all_gather_object(reason) if found]
        if not reasons and manifest is not None:
            _log(f"resuming from {name}")
            return Checkpoint(folder, manifest)
        _log(f"{name} can't be resumed from and is left alone: {reasons[0]}")
    return None


def _log(line: str) -> None:
    if distributed.get_rank() == 0:
        print(line, flush=True)

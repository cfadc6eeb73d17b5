"""Writing of checkpoints and of the final model, in which every rank takes part."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deepspeed
import torch
from torch import distributed
from transformers import PreTrainedModel

from engine.files import replace_folder, sync_to_disk
from engine.recipes import checkpoints
from engine.recipes.checkpoints import FileRecord, Manifest
from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.training import disk_space, ranks, training_state
from engine.training.corpus.build import PreparedCorpus
from engine.training.export import write_export
from engine.training.journal import Journal
from engine.training.model_card import TrainingProgress
from engine.training.training_state import TrainingState

_STATE_BYTES_PER_PARAMETER = 20
"""Estimate of a checkpoint's size, in bytes per parameter, before the first checkpoint is measured.

It counts the weights, their copy in fp32, AdamW's two moments and the export.
"""


class LossNotFiniteError(RuntimeError):
    """The loss became NaN or infinite at ``step``.

    ``last_checkpoint`` is the folder of the newest checkpoint before that step, if there is one.
    """

    def __init__(self, step: int, last_checkpoint: Path | None) -> None:
        super().__init__(f"the loss is not a number at step {step}")
        self.step, self.last_checkpoint = step, last_checkpoint

    def failure(self) -> Failure:
        """Return the failure that the run reports."""
        if self.last_checkpoint is None:
            return Failure(key="loss_not_finite", params={"step": self.step})
        kept_step = checkpoints.step_of(self.last_checkpoint)
        where = {"step": self.step, "kept": kept_step, "folder": str(self.last_checkpoint)}
        return Failure(key="loss_not_finite_kept", params=where)


class Saver:
    """Writes the checkpoints and the final model of one run.

    Every rank has a saver and calls each method at the same time as the other ranks.
    """

    def __init__(
        self,
        run_dir: Path,
        recipe: Recipe,
        corpus: PreparedCorpus,
        model: PreTrainedModel,
        device: torch.device,
        last_checkpoint: Path | None,
    ) -> None:
        self._run_dir, self._recipe, self._corpus = run_dir, recipe, corpus
        self._model, self._device = model, device
        self._rank = distributed.get_rank()
        self.last_checkpoint = last_checkpoint
        """Folder of the newest checkpoint, or None."""
        self.needed_bytes = float(_STATE_BYTES_PER_PARAMETER * n_parameters(model))
        """Size of a checkpoint, in bytes; an estimate until the first checkpoint is written."""
        self._saved_at = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the time between two checkpoints has passed, by the clock of this rank."""
        return time.monotonic() - self._saved_at >= 60 * self._recipe.checkpoint_every_minutes

    def save(
        self, progress: TrainingProgress, training: TrainingState, journal: Journal | None
    ) -> None:
        """Commit a checkpoint; only rank 0 passes a ``journal``.

        Raises
        ------
        DiskFullError
            If the disk has no space for it; earlier checkpoints stay.
        LossNotFiniteError
            If a weight is not finite.
        """
        folder = checkpoints.checkpoint_dir(self._run_dir, progress.step)
        part = checkpoints.partial_dir(folder)
        states = training.collect()
        state_bytes = ranks.all_reduce_sum(training_state.size_bytes(states), self._device)
        self.needed_bytes = state_bytes + self._model_bytes
        self._check_free_space(self.needed_bytes)
        with self._gathered_parameters():
            own = self._run_on_all_ranks(
                lambda: self._write(states, progress, part), part, self.needed_bytes
            )
        files = {
            name: record
            for records in ranks.all_gather_object(own)
            for name, record in records.items()
        }

        def commit() -> None:
            if journal:
                journal.to_disk()
                manifest = Manifest(
                    step=progress.step,
                    recipe_hash=self._recipe.content_hash,
                    n_ranks=self._recipe.n_ranks,
                    starts=journal.starts,
                    wall_time_s=journal.wall_time_s,
                    files=files,
                )
                checkpoints.commit(folder, manifest)
                self._prune(progress.step, self._recipe.keep_checkpoints)

        self._run_on_all_ranks(commit, part, self.needed_bytes)
        self.last_checkpoint = folder
        self._saved_at = time.monotonic()

    def export(self, progress: TrainingProgress) -> None:
        """Write the final model to ``model/``."""
        folder = self._run_dir / "model"
        part = checkpoints.partial_dir(folder)

        def write() -> None:
            if self._rank == 0:
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                self._export(progress, part)
                for path in part.iterdir():
                    sync_to_disk(path)
                replace_folder(part, folder)

        self._check_free_space(self._model_bytes)
        with self._gathered_parameters():
            self._run_on_all_ranks(write, part, self._model_bytes)

    def remove_training_states(self) -> None:
        """Remove the training states of a complete run, which is never resumed."""
        if self._rank == 0:
            self._prune(self._recipe.steps, 0)

    def _prune(self, step: int, n_states: int) -> None:
        checkpoints.remove_old(self._run_dir, self._recipe, step, n_states)

    def _write(
        self, states: dict[str, Any], progress: TrainingProgress, part: Path
    ) -> dict[str, FileRecord]:
        """Write this rank's files of a checkpoint, with the model on rank 0; return records."""
        training = part / checkpoints.TRAINING
        training.mkdir(parents=True, exist_ok=True)
        for name, content in states.items():
            with (training / name).open("wb") as file:
                torch.save(content, file)
        own = [f"{checkpoints.TRAINING}/{name}" for name in states]
        if self._rank == 0:
            self._export(progress, part)
            own += [path.name for path in part.iterdir() if path.is_file()]
        return checkpoints.record_files(part, own)

    def _export(self, progress: TrainingProgress, folder: Path) -> None:
        if not all(bool(p.isfinite().all()) for p in self._model.parameters()):
            raise LossNotFiniteError(progress.step, self.last_checkpoint)
        device = ranks.device_name(self._device)
        write_export(self._model, self._recipe, self._corpus, progress, device, folder)

    def _check_free_space(self, needed_bytes: float) -> None:
        if not ranks.broadcast_object(disk_space.has_free_space(self._run_dir, needed_bytes)):
            raise disk_space.DiskFullError(self._run_dir, needed_bytes)

    def _run_on_all_ranks(self, work: Callable[[], Any], part: Path, needed_bytes: float) -> Any:
        """Run each rank's ``work`` on the folder ``part``, which is removed if any rank fails."""
        try:
            return ranks.run_with_heartbeat(work, self._device)
        except ranks.RankWorkError as failed:
            if self._rank == 0:
                shutil.rmtree(part, ignore_errors=True)
            distributed.barrier()  # every rank waits until the space is free again
            if disk_space.is_disk_full(failed.__cause__):
                raise disk_space.DiskFullError(self._run_dir, needed_bytes) from failed
            raise failed.__cause__ or failed from None

    def _gathered_parameters(self) -> Any:
        """Return a context in which the weights, sharded at ZeRO stage 3, are gathered."""
        parameters = list(self._model.parameters())
        return deepspeed.zero.GatheredParameters(parameters, modifier_rank=None)

    @property
    def _model_bytes(self) -> float:
        return sum(_full_size(p) * p.element_size() for p in self._model.parameters())


def n_parameters(model: PreTrainedModel) -> int:
    """Return the number of parameters, including those that ZeRO stage 3 has sharded."""
    return sum(_full_size(p) for p in model.parameters())


def _full_size(parameter: torch.nn.Parameter) -> int:
    """Return the number of elements of a parameter before ZeRO stage 3 shards it."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))

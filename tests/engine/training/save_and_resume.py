"""Work for :class:`tests.engine.ranks.Ranks`: train, save, and continue in two ways.

The trainer that saved continues, and so does a new trainer that restores the checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import deepspeed
import torch
from torch import distributed, nn

from engine.recipes.recipe import Recipe
from engine.training import ranks
from engine.training.batches import TrainingBatches
from engine.training.corpus.build import PreparedCorpus
from engine.training.corpus.prepare import prepared_corpus
from engine.training.journal import Journal
from engine.training.model import build_model
from engine.training.model_card import TrainingProgress
from engine.training.pruning import PrunedWeights
from engine.training.resuming import newest_usable_checkpoint
from engine.training.saving import Saver
from engine.training.trainer import Trainer
from engine.training.training_state import TrainingState
from engine.training.weights import load_initial_weights

BEFORE, AFTER = range(3), range(3, 6)
"""Numbers of the steps before and after the checkpoint."""


class Training:
    """One rank's training of a recipe; with ``dropout`` it depends on random numbers."""

    def __init__(
        self,
        recipe: Recipe,
        model: Any,
        corpus: PreparedCorpus,
        device: torch.device,
        dropout: float,
    ) -> None:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = dropout
        self.model = model
        self.pruned = PrunedWeights(model, recipe.pruning.share) if recipe.pruning else None
        self.trainer = Trainer(recipe, model, device)
        self.state = TrainingState(self.trainer.engine, self.pruned)
        self.batches = TrainingBatches(corpus.train_tokens(), recipe)

    def steps(self, steps: range, text_offset: int = 0) -> list[Any]:
        """Return the losses and gradient norm of each step, and then a hash of the weights.

        Each step trains on the text of the step that is ``text_offset`` later.
        """
        results: list[Any] = []
        for step in steps:
            sums = self.trainer.step(step + text_offset, self.batches, distributed.get_rank())
            if self.pruned:
                self.pruned.apply()
            norm = self.trainer.engine.get_global_grad_norm()
            results.append((*ranks.all_reduce_sums(sums), None if norm is None else float(norm)))
        digest = hashlib.sha256()
        with deepspeed.zero.GatheredParameters(list(self.model.parameters())):
            for weight in self.model.parameters():
                digest.update(weight.detach().float().numpy().tobytes())
        return [*results, digest.hexdigest()]


def resumed(
    recipe: Recipe, corpus: PreparedCorpus, device: torch.device, dropout: float, run_dir: Path
) -> Training:
    """Return a new training that has restored the newest checkpoint of ``run_dir``."""
    checkpoint = newest_usable_checkpoint(run_dir, recipe)
    assert checkpoint is not None
    model = load_initial_weights(recipe.shape, checkpoint.folder)
    training = Training(recipe, model, corpus, device, dropout)
    training.state.restore(checkpoint.folder)
    return training


def save_and_resume(rank: int, cases: Mapping[str, tuple[Recipe, float]], folder: Path) -> None:
    """Write the results of both ways to ``NAME.json`` for each case.

    ``loads.json`` lists the ``weights_only`` argument of each call of ``torch.load``.
    """
    device = ranks.join_ranks()
    corpus = prepared_corpus(folder)
    plain_load, loads = torch.load, []

    def recorded_load(*args: Any, **options: Any) -> Any:
        loads.append(options.get("weights_only"))
        return plain_load(*args, **options)

    torch.load = recorded_load
    for name, (recipe, dropout) in cases.items():
        run_dir = folder / name
        run_dir.mkdir(exist_ok=True)
        (run_dir / "metrics.jsonl").touch()
        torch.manual_seed(recipe.seed)
        first = Training(recipe, build_model(recipe.shape), corpus, device, dropout)
        torch.manual_seed(rank)
        first.steps(BEFORE)
        saver = Saver(run_dir, recipe, corpus, first.model, device, None)
        journal = Journal(recipe, run_dir, None) if rank == 0 else None
        saver.save(TrainingProgress(len(BEFORE), None), first.state, journal)

        case = (recipe, corpus, device, dropout, run_dir)
        found = {"continued": first.steps(AFTER), "resumed": resumed(*case).steps(AFTER)}
        if dropout:
            found["with_other_text"] = resumed(*case).steps(AFTER, text_offset=1)
            other = resumed(*case)
            torch.manual_seed(rank)
            found["with_other_random_numbers"] = other.steps(AFTER)
        if rank == 0:
            (folder / f"{name}.json").write_text(json.dumps(found))
    if rank == 0:
        (folder / "loads.json").write_text(json.dumps(loads))
    distributed.destroy_process_group()

"""Trains, saves, and goes on in two ways, with the trainer that saved and with one that was made
anew from the checkpoint: work for :class:`tests.engine.ranks.Ranks`."""

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
"""Steps before the checkpoint, and after it."""


class Training:
    """One rank's training of a recipe; ``dropout`` makes it depend on random numbers."""

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

    def steps(self, steps: range, later: int = 0) -> list[Any]:
        """Losses and norm of the gradient of each step, on the text of a ``later`` one, and a hash
        of the model after them."""
        seen: list[Any] = []
        for step in steps:
            sums = self.trainer.step(step + later, self.batches, distributed.get_rank())
            if self.pruned:
                self.pruned.apply()
            norm = self.trainer.engine.get_global_grad_norm()
            seen.append((*ranks.all_reduce_sums(sums), None if norm is None else float(norm)))
        digest = hashlib.sha256()
        with deepspeed.zero.GatheredParameters(list(self.model.parameters())):
            for weight in self.model.parameters():
                digest.update(weight.detach().float().numpy().tobytes())
        return [*seen, digest.hexdigest()]


def resumed(
    recipe: Recipe, corpus: PreparedCorpus, device: torch.device, dropout: float, run_dir: Path
) -> Training:
    checkpoint = newest_usable_checkpoint(run_dir, recipe)
    assert checkpoint is not None
    model = load_initial_weights(recipe.shape, checkpoint.folder)
    training = Training(recipe, model, corpus, device, dropout)
    training.state.restore(checkpoint.folder)
    return training


def save_and_resume(rank: int, cases: Mapping[str, tuple[Recipe, float]], folder: Path) -> None:
    """For each case, what both ways gave, in ``NAME.json``; ``loads.json`` says of each file that
    was loaded whether it could have held nothing but weights."""
    device = ranks.join_ranks()
    corpus = prepared_corpus(folder)
    plain_load, loads = torch.load, []

    def noted_load(*args: Any, **options: Any) -> Any:
        loads.append(options.get("weights_only"))
        return plain_load(*args, **options)

    torch.load = noted_load
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

        again = (recipe, corpus, device, dropout, run_dir)
        found = {"went_on": first.steps(AFTER), "resumed": resumed(*again).steps(AFTER)}
        if dropout:
            found["with_other_text"] = resumed(*again).steps(AFTER, later=1)
            other = resumed(*again)
            torch.manual_seed(rank)
            found["with_other_random_numbers"] = other.steps(AFTER)
        if rank == 0:
            (folder / f"{name}.json").write_text(json.dumps(found))
    if rank == 0:
        (folder / "loads.json").write_text(json.dumps(loads))
    distributed.destroy_process_group()

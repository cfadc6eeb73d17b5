"""Trains a few steps of several recipes on two ranks, in one start of Python.

``python -m tests.engine.training.short_trainings RECIPES.json OUT.json`` prints nothing; it writes
the losses of each recipe, by its name, to ``OUT.json``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import multiprocessing

STEPS = 4
RANKS = 2


def train(rank: int, recipes_file: str, out_file: str, port: int) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(RANKS),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    from engine.recipes.recipe import Recipe
    from engine.training import ranks
    from engine.training.batches import TrainingBatches
    from engine.training.model import build_model
    from engine.training.trainer import Trainer

    device = ranks.join_ranks()
    random = np.random.default_rng(0)
    losses = {}
    for name, table in json.loads(Path(recipes_file).read_text()).items():
        recipe = Recipe.parse(table)
        # Tokens of a Zipf distribution can be learned, since some are more frequent.
        tokens = np.minimum(random.zipf(1.3, 20_000), recipe.text_vocab - 1).astype(np.uint32)
        random = np.random.default_rng(0)
        torch.manual_seed(recipe.seed)
        trainer = Trainer(recipe, build_model(recipe.shape), device)
        batches = TrainingBatches(tokens, recipe)
        losses[name] = [
            ranks.all_reduce_sums(trainer.step(step, batches, rank))[0]
            / (recipe.n_ranks * recipe.layout.grad_accumulation_steps)
            for step in range(STEPS)
        ]
    if rank == 0:
        Path(out_file).write_text(json.dumps(losses))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        free_port = listener.getsockname()[1]
    multiprocessing.spawn(train, args=(*sys.argv[1:3], free_port), nprocs=RANKS)

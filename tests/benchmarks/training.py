"""Benchmark of the training loop against a plain PyTorch loop of the same model and batch.

``make training-benchmark`` prints, for each ZeRO stage, the tokens per second of DeepSpeed's loop
divided by those of the plain loop. Both loops run in the same processes on the same ranks and take
steps in turn, so that changes of the machine's speed affect both. The plain loop has PyTorch's data
parallelism and the same optimizer, gradient clipping and learning rates.
"""

from __future__ import annotations

import os
import statistics
import time

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from engine.documents import read_toml
from engine.experiments.profiler import ProfileRuns
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.training import ranks
from engine.training.batches import TrainingBatches
from engine.training.bench.fork_server import run_on_ranks, start_server
from engine.training.model import build_model
from engine.training.trainer import Trainer

ROUNDS = 24
SHAPES = (1, 3)
"""Indices of short runs in ``data/profiles/cpu.toml``, with 1.0M and 2.9M parameters."""
TWO_RANKS = 2


class PlainLoop:
    """A training loop without DeepSpeed."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.weights = build_model(recipe.shape).to(device)
        self.model: nn.Module = self.weights
        if distributed.get_world_size() > 1:
            self.model = DistributedDataParallel(self.weights)
        self.optimizer = torch.optim.AdamW(
            self.weights.parameters(),
            lr=recipe.peak_learning_rate,
            betas=(0.9, 0.95),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, recipe.learning_rate_share
        )

    def step(self, step: int, batches: TrainingBatches, rank: int) -> torch.Tensor:
        inputs = torch.from_numpy(batches.micro_batch(step, 0, rank)).to(self.device)
        loss = self.model(input_ids=inputs, labels=inputs).loss
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights.parameters(), self.recipe.gradient_clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        return loss.detach()


def in_turns(device: torch.device, rank: int, recipe: Recipe) -> tuple[list[float], list[float]]:
    """Return the seconds of each step of DeepSpeed's loop and of the plain loop, on rank 0."""
    torch.manual_seed(recipe.seed)
    loops = (Trainer(recipe, build_model(recipe.shape), device), PlainLoop(recipe, device))
    tokens = np.random.default_rng(0).integers(512, size=64 * recipe.shape.seq_len_tokens)
    batches = TrainingBatches(tokens, recipe)
    times: tuple[list[float], list[float]] = ([], [])
    for step in range(ROUNDS):
        for loop, seconds in zip(loops, times, strict=True):
            distributed.barrier()
            started = time.perf_counter()
            ranks.all_reduce_sums(loop.step(step, batches, rank).reshape(-1))
            seconds.append(time.perf_counter() - started)
    return times


def main() -> None:
    # DeepSpeed prints to standard output, which holds the table alone.
    table = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    start_server(["engine.training.trainer"])
    runs = read_toml(DATA_DIR / "profiles" / "cpu.toml", ProfileRuns)
    head = "parameters  ranks  ZeRO  tokens/s ÷ plain loop: median (quartiles)"
    print(head, file=table, flush=True)
    for index in SHAPES:
        for n_ranks, stage in (
            (1, 0),
            (TWO_RANKS, 0),
            (TWO_RANKS, 1),
            (TWO_RANKS, 2),
            (TWO_RANKS, 3),
        ):
            recipe = (
                runs.short[index].recipe_on("fp32", n_ranks).with_value("layout.zero_stage", stage)
            )
            ours, plain = run_on_ranks(n_ranks, in_turns, recipe)
            ratios = [b / a for a, b in zip(ours[3:], plain[3:], strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            parameters = recipe.shape.count_parameters().total
            print(
                f"{parameters / 1e6:9.1f}M  {n_ranks:5}  {stage:4}  "
                f"{middle:.3f} ({low:.3f} – {high:.3f})",
                file=table,
                flush=True,
            )


if __name__ == "__main__":
    main()

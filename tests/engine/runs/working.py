"""Functions for :class:`tests.engine.ranks.Ranks` that train one rank of a run.

Each rank also records a checksum of each step's text in ``order-RANK.jsonl``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np


def train(rank: int, run_dir: Path) -> None:
    from engine.files import append_json_line
    from engine.training import worker
    from engine.training.batches import TrainingBatches

    plain = TrainingBatches.micro_batch

    def recorded(self: TrainingBatches, step: int, accumulation: int, rank: int) -> np.ndarray:
        windows = plain(self, step, accumulation, rank)
        text = zlib.crc32(windows.tobytes())
        append_json_line(run_dir / f"order-{rank}.jsonl", {"step": step + 1, "text": text})
        return windows

    TrainingBatches.micro_batch = recorded
    worker.measure_matmul_flops_per_s = lambda device, precision: (
        1e9
    )  # the measurement takes seconds
    worker.main(run_dir)


def train_believing_in_room(rank: int, run_dir: Path) -> None:
    """Train while other processes fill the disk just after its free space was measured."""
    from engine.training import disk_space

    disk_space.has_free_space = lambda folder, needed_bytes: True
    train(rank, run_dir)


def train_until_the_loss_breaks(rank: int, run_dir: Path, step: int) -> None:
    """Train until the loss of ``step`` is NaN."""
    from engine.training.objectives import Losses, NextToken

    plain, calls = NextToken.losses, itertools.count(1)

    def broken(self: NextToken, model: Any, inputs: Any) -> Losses:
        now = plain(self, model, inputs)
        return Losses(now.total * math.nan, now.text) if next(calls) == step else now

    NextToken.losses = broken
    train(rank, run_dir)


def train_until_the_model_breaks(rank: int, run_dir: Path, n_steps: int) -> None:
    """Train until an update makes a weight NaN, which no loss shows yet."""
    from engine.training.trainer import Trainer

    plain, calls = Trainer.step, itertools.count(1)

    def broken(self: Trainer, *args: Any) -> Any:
        sums = plain(self, *args)
        if next(calls) == n_steps:
            next(self.engine.module.parameters()).data[0] = math.nan
        return sums

    Trainer.step = broken
    train(rank, run_dir)


def train_until_others_fill_the_disk(rank: int, run_dir: Path, n_steps: int) -> None:
    """Train until the disk has no space for the metrics after ``n_steps`` steps."""
    from engine.training.trainer import Trainer

    plain, calls = Trainer.step, itertools.count(1)

    def watched(self: Trainer, *args: Any) -> Any:
        if next(calls) == n_steps:
            fill(run_dir.parent / "of others")
        return plain(self, *args)

    Trainer.step = watched
    train(rank, run_dir)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1_000)):
            pass

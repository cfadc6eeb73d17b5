"""A rank of a run as the launcher starts it, which also notes in ``order-RANK.jsonl`` what text
each step was trained on: work for
:class:`tests.engine.ranks.Ranks`."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np


def train(rank: int, run_dir: Path) -> None:
    from engine.files import append_json_line
    from engine.training import worker
    from engine.training.batches import TrainingBatches

    plain = TrainingBatches.micro_batch

    def noted(self: TrainingBatches, step: int, accumulation: int, rank: int) -> np.ndarray:
        windows = plain(self, step, accumulation, rank)
        text = zlib.crc32(windows.tobytes())
        append_json_line(run_dir / f"order-{rank}.jsonl", {"step": step + 1, "text": text})
        return windows

    TrainingBatches.micro_batch = noted
    worker.measure_matmul_flops_per_s = lambda device, precision: 1e9  # it takes seconds
    worker.main(run_dir)


def train_believing_in_room(rank: int, run_dir: Path) -> None:
    """The same, where others fill the disk just after its room was measured."""
    from engine.training import space

    space.has_room = lambda folder, needed_bytes: True
    train(rank, run_dir)

"""Short training runs that measure this machine, one after the other.

``python -m engine.training.bench.short_runs`` reads one request per line on standard input and
writes one line per answer. A request is ``{"recipe": …, "seconds": …}`` or, for the rates of single
operations, ``{"n_ranks": …, "precisions": […]}``.

A fork server imports PyTorch and DeepSpeed once. The ranks of each run are its new children, so
that their memory can be measured. The training loop itself is timed, on random tokens, whose steps
take as long as those of text.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import torch

from engine.recipes.recipe import Recipe
from engine.step_times import SETUP_STEPS
from engine.training import ranks
from engine.training.batches import TrainingBatches
from engine.training.bench import measuring
from engine.training.bench.fork_server import run_on_ranks, start_server
from engine.training.bench.kernels import measure_rates
from engine.training.bench.matmul import measure_matmul_flops_per_s
from engine.training.bench.reference_workload import ReferenceWorkload
from engine.training.model import build_model
from engine.training.trainer import Trainer

MIN_STEPS = 6
"""Smallest number of timed steps of a short run."""
_RUN = "engine.training.worker"


def short_run(recipe: Recipe, seconds: float) -> dict[str, Any]:
    """Train ``recipe`` for about ``seconds`` on all of its ranks; return rank 0's measurements.

    The stored ``pace_s`` is the mean time of the reference workload over all steps and ranks, in
    seconds.
    """
    library_bytes = measuring.library_memory_bytes()  # of a process that imported them all
    measured: dict[str, Any] = run_on_ranks(recipe.n_ranks, _train, recipe, seconds, library_bytes)
    return measured


def rates(n_ranks: int, precisions: Sequence[str]) -> dict[str, Any]:
    """Return the rates that rank 0 measured while all ranks did the same work."""
    measured: dict[str, Any] = run_on_ranks(n_ranks, _measure_rates, precisions)
    return measured


def _measure_rates(device: torch.device, _rank: int, precisions: Sequence[str]) -> dict[str, Any]:
    return measure_rates(device, precisions)


def _train(
    device: torch.device, rank: int, recipe: Recipe, seconds: float, library_bytes: int
) -> dict[str, Any]:
    """Train until ``seconds`` have passed since the set-up steps; return this rank's figures."""
    # A run also measures this before it trains, and its memory includes these workspaces.
    measure_matmul_flops_per_s(device, recipe.layout.precision, seconds=0.3)
    measuring.reset_peak_memory(device)
    idle_bytes = measuring.memory_in_use_bytes(device) + _unmapped(device, library_bytes)
    torch.manual_seed(recipe.seed)
    trainer = Trainer(recipe, build_model(recipe.shape), device)
    tokens = np.random.default_rng(recipe.seed).integers(
        recipe.text_vocab, size=64 * recipe.shape.seq_len_tokens
    )
    batches = TrainingBatches(tokens, recipe)
    reference = ReferenceWorkload(device)
    load: measuring.OtherProcessLoad | None = None
    step_times_s: list[float] = []
    reference_times_s: list[float] = []
    step = 0
    while True:
        if step == SETUP_STEPS:
            load, ends = measuring.OtherProcessLoad(), time.monotonic() + seconds
        reference_s = reference.seconds()
        started = time.perf_counter()
        ranks.all_reduce_sums(trainer.step(step, batches, rank))
        step_s = time.perf_counter() - started
        if step >= SETUP_STEPS:
            step_times_s.append(step_s)
            reference_times_s.append(reference_s)
        step += 1
        is_over = len(step_times_s) >= MIN_STEPS and time.monotonic() >= ends
        if ranks.all_reduce_sum(float(is_over and rank == 0), device):
            break
    assert load is not None
    peak_bytes = measuring.peak_memory_bytes(device) + _unmapped(device, library_bytes)
    memory_bytes = ranks.all_reduce_max(peak_bytes, device)
    own_cpu_s = ranks.all_reduce_sum(load.own_cpu_s(), device)
    reference_s = ranks.all_reduce_sum(statistics.fmean(reference_times_s), device) / recipe.n_ranks
    return {
        "step_times_s": step_times_s,
        "pace_s": reference_s,
        "memory_bytes": memory_bytes,
        "idle_memory_bytes": idle_bytes,
        "other_load_share": load.share(own_cpu_s),
    }


def _unmapped(device: torch.device, library_bytes: int) -> int:
    """Return the bytes of libraries that a run's process maps and this forked process does not."""
    if device.type != "cpu":
        return 0
    return max(0, library_bytes - measuring.library_memory_bytes())


def main() -> None:
    """Answer requests until standard input ends."""
    # Libraries also print to standard output; that text goes to standard error instead.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    import_module(_RUN)  # its memory is part of a run's process
    start_server([_RUN, "engine.training.bench.short_runs"])
    for line in sys.stdin:
        request = json.loads(line)
        if "recipe" in request:
            answer = short_run(Recipe.parse(request["recipe"]), request["seconds"])
        else:
            answer = rates(**request)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

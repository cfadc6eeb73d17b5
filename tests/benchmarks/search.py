"""Benchmark of the layout search: ``make benchmark``.

It prints the rate of layouts and the share of a whole search that the bare array arithmetic takes,
measured in the same run on the same candidates. It asserts nothing.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engine.facts import accelerator
from engine.models.catalog import published_model
from engine.predictor.memory import device_memory
from engine.predictor.search import (
    USABLE_MEMORY_SHARE,
    SearchSpace,
    candidates,
    chunks,
    context_of,
    search,
)
from engine.predictor.throughput import step_time
from engine.units import BYTES_PER_GB

CASES = (
    ("GPT-3 175B", "A100-80GB", 64, 64),
    ("GPT-3 175B", "A100-80GB", 1_024, 1_536),
    ("Llama-3.1-405B", "H100-80GB", 16_384, 2_048 * 8),
    ("DeepSeek-V3", "H800-80GB", 2_048, 15_360),
)
REPEATS = 7


def seconds(work: Callable[[], object]) -> float:
    """Return the median of several CPU times of this process, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    print("model, devices: candidates, candidates per second, arithmetic / whole search")
    for name, device_name, n_devices, batch in CASES:
        print(measured(name, device_name, n_devices, batch))
    command = "search --model GPT-3%20175B --accelerator A100-80GB --devices 1024 --batch 1536"
    arguments = [part.replace("%20", " ") for part in command.split()]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "engine", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    print(f"as a command, start-up included: {time.perf_counter() - start:.2f} s")


def measured(name: str, device_name: str, n_devices: int, batch: int) -> str:
    device = accelerator(device_name)
    space = SearchSpace(
        shape=published_model(name).shape,
        device=device,
        n_devices=n_devices,
        global_batch_sequences=batch,
    )
    every = candidates(space)
    context = context_of(space, every)
    parts = list(chunks(context))
    memory = np.concatenate([device_memory(part).total for part in parts])
    usable_bytes = USABLE_MEMORY_SHARE * device.memory_gb * BYTES_PER_GB
    fitting = list(chunks(replace(context, layout=every.take(memory <= usable_bytes))))

    def arithmetic() -> None:
        for part in parts:  # a new context each time, since a context keeps what it computed
            _ = device_memory(replace(part)).total
        for part in fitting:
            _ = step_time(replace(part)).total

    whole = seconds(lambda: search(space))
    bare = seconds(arithmetic)
    n_rows = every.tp.shape[0]
    return (
        f"{name}, {n_devices} × {device_name}: {n_rows:,}, {n_rows / whole:,.0f}/s, "
        f"{bare / whole:.0%}"
    )


if __name__ == "__main__":
    main()

"""Benchmark of supervising and reading runs.

``make runs-benchmark`` prints the share of one core that the supervisor of a training run takes,
the time to read 1,000 finished runs beside a bare ``scandir`` and ``stat`` of the same folders, and
how much of a log of 1 GB is read for its last lines. It uses a temporary home folder.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from engine.machine import this_machine
from engine.paths import runs_dir
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.index import summaries
from engine.runs.observing.logs import LogReader
from tests.engine.runs.faked import faked_run, smoke

N_RUNS, STEPS_OF_EACH = 1_000, 200
ROUNDS = 20
WATCHED_S = 60.0
GB = 10**9


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["FLOPLEDGER_HOME"] = home
        supervising()
        shutil.rmtree(runs_dir())
        looking()
        shutil.rmtree(runs_dir())
        tail()


def supervising() -> None:
    recipe = smoke(steps=10_000_000, n_ranks=1)
    run = Run.create(recipe, run_plan(recipe, None, this_machine()))
    control.start(run)
    try:
        cpu_s, wall_s, start_s = _watched(run)
    finally:
        control.cancel(run)
        phase = control.wait(run)
    print(
        f"supervisor: {cpu_s:.2f} s of CPU in {wall_s:.0f} s of training, {cpu_s / wall_s:.2%} of "
        f"one core; {start_s:.1f} s before the first step; then {phase}",
        flush=True,
    )


def _watched(run: Run) -> tuple[float, float, float]:
    """Return CPU and wall seconds of the supervisor while it watches, and CPU seconds before."""
    while reconcile_run(run) is not Phase.TRAINING or not run.metrics().new().lines:
        time.sleep(0.1)
    pid = run.state.supervisor_pid
    assert pid is not None
    supervisor = psutil.Process(pid)
    before, started = supervisor.cpu_times(), time.perf_counter()
    time.sleep(WATCHED_S)
    after, wall_s = supervisor.cpu_times(), time.perf_counter() - started
    cpu_s = after.user + after.system - before.user - before.system
    start_s = before.user + before.system
    return cpu_s, wall_s, start_s


def looking() -> None:
    first = faked_run([3.0] * STEPS_OF_EACH)
    for number in range(1, N_RUNS):
        shutil.copytree(first.folder, first.folder.with_name(f"{first.id[:-4]}{number:04x}"))
    time.sleep(0.5)  # the index does not trust files that were written a moment ago
    first_s = seconds(summaries)
    looks, bounds = [], []
    for _ in range(ROUNDS):  # in turns, so that the machine's speed affects both
        looks.append(seconds(summaries))
        bounds.append(seconds(scan))
    look_s, bound_s = statistics.median(looks), statistics.median(bounds)
    print(
        f"reading {len(summaries())} finished runs: {1e3 * look_s:.0f} ms (at most "
        f"{1e3 * max(looks):.0f}), {look_s / bound_s:.1f} times a bare scandir and one stat of "
        f"each ({1e3 * bound_s:.1f} ms); the first, which builds the index, {first_s:.1f} s",
        flush=True,
    )


def scan() -> None:
    for entry in os.scandir(runs_dir()):
        entry.stat()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tail() -> None:
    log = runs_dir().parent / "log"
    block = b"".join(b"step %07d  loss 3.1415\n" % number for number in range(40_000))
    with log.open("wb") as file:
        while file.tell() < GB:
            file.write(block)
    before = read_bytes()
    took_s = seconds(lambda: LogReader(log, 100).new())
    print(
        f"the last 100 lines of a log of {log.stat().st_size / GB:.1f} GB: {1e3 * took_s:.1f} ms, "
        f"{(read_bytes() - before) / 1e3:.0f} kB read"
    )


def read_bytes() -> int:
    """Return the bytes that this process has read so far, from the disk or its cache."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


if __name__ == "__main__":
    main()

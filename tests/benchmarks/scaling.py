"""Speed of fitting a law, beside SciPy's BFGS on the same objective from the same starts.

``make scaling-benchmark`` fits a published set that is shipped.
``python -m tests.benchmarks.scaling POINTS.csv`` fits another table. ``docs/scaling.md`` holds
the figures for the 240 points of Epoch's replication of Chinchilla, which have no licence and are
therefore not shipped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from engine.scaling import solver
from engine.scaling.fit import _starts, centred, fit
from engine.scaling.laws import Array
from engine.scaling.published import published_set, runs_of
from engine.scaling.runs import read_runs

DEFAULT_SET = "gadre_c4.c4_original.c4_val"


def seconds_of(work: Callable[[], object]) -> float:
    """Return the shortest of three times, in seconds."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main(path: Path | None) -> None:
    runs = read_runs(path, path.name) if path else runs_of(published_set(DEFAULT_SET))
    print(f"{path or DEFAULT_SET}: {runs.n_runs} runs")
    data, _ = centred(runs)
    starts = _starts(data, tied=False)
    weights = np.ones((1, runs.n_runs))

    def objective(theta: Array) -> float:
        return float(solver.objective(data, weights, theta[None])[0])

    peer: list[float] = []
    peer_s = seconds_of(
        lambda: peer.extend(minimize(objective, start, method="BFGS").fun for start in starts)
    )
    ours_s = seconds_of(lambda: fit(runs))
    many_s = seconds_of(lambda: fit(runs, bootstraps=1_000))
    found = fit(runs, bootstraps=4_000)
    for name, error in found.standard_errors.items():
        print(f"{name:>5} {getattr(found.law, name):.6g} ± {error:.3g}")
    print(f"objective: ours {found.objective:.10f}, BFGS {min(peer):.10f}")
    print(f"a fit from {len(starts)} starts: BFGS ÷ ours = {peer_s / ours_s:.1f}")
    print(f"1,000 bootstrap samples: BFGS's one fit ÷ all of ours = {peer_s / many_s:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

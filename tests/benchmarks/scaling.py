"""How fast a law is fitted, beside SciPy's BFGS on the same objective from the same starts, and
what comes out beside the published fit: ``make scaling-benchmark``.

Needs Epoch's points, which are not shipped: ``../shared/facts/scaling/epoch_chinchilla.csv``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from engine.paths import PROJECT_DIR
from engine.scaling import solver
from engine.scaling.fit import _starts, centred, fit
from engine.scaling.laws import Array
from engine.scaling.runs import read_runs

POINTS = PROJECT_DIR.parent / "shared/facts/scaling/epoch_chinchilla.csv"
PUBLISHED = {"A": 482.01, "B": 2085.43, "E": 1.8172, "alpha": 0.3478, "beta": 0.3658}


def seconds_of(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> int:
    if not POINTS.is_file():
        print(f"{POINTS} is not here")
        return 1
    runs = read_runs(POINTS, POINTS.name, only={"split": "fit240"})
    data, _ = centred(runs)
    starts = _starts(data, tied=False)
    ones = np.ones((1, runs.n_runs))

    def objective(theta: Array) -> float:
        return float(solver.objective(data, ones, theta[None])[0])

    peer: list[float] = []
    peer_s = seconds_of(
        lambda: peer.extend(minimize(objective, one, method="BFGS").fun for one in starts)
    )
    ours_s = seconds_of(lambda: fit(runs))
    many_s = seconds_of(lambda: fit(runs, bootstraps=1_000))
    found = fit(runs, bootstraps=4_000)
    for name, published in PUBLISHED.items():
        print(
            f"{name:>5} {getattr(found.law, name):.6g} ± {found.standard_errors[name]:.3g}"
            f"  (published {published:.6g})"
        )
    print(f"objective: ours {found.objective:.10f}, BFGS {min(peer):.10f}")
    print(f"a fit from {len(starts)} starts: BFGS ÷ ours = {peer_s / ours_s:.1f}")
    print(f"1,000 bootstrap samples: BFGS's one fit ÷ all of ours = {peer_s / many_s:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

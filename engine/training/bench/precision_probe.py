"""Quick measurement of this machine's matmul rate in each precision.

Its command is ``python -m engine.training.bench.precision_probe``.
"""

from __future__ import annotations

import json
import time

import torch

from engine.layout import Precision
from engine.training.bench.matmul import DTYPES

_SIZES = {"cpu": 512, "cuda": 4096}
"""Matrix widths; small on a CPU, where bf16 can be a hundred times slower than fp32."""
_CANDIDATES: dict[str, tuple[Precision, ...]] = {
    # DeepSpeed trains in fp16 on GPUs only.
    "cpu": ("fp32", "bf16"),
    "cuda": ("fp32", "bf16", "fp16"),
}


def measure() -> dict[str, float]:
    """Return the matmul rate in FLOP/s by precision, the best of three products."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = _SIZES[device.type]
    rates: dict[str, float] = {}
    for precision in _CANDIDATES[device.type]:
        a = torch.randn(size, size, device=device).to(DTYPES[precision])
        times_s = []
        for _ in range(4):  # the first product sets up threads and workspaces
            started = time.perf_counter()
            (a @ a).sum().item()
            times_s.append(time.perf_counter() - started)
        rates[precision] = 2 * size**3 / min(times_s[1:])
    return rates


if __name__ == "__main__":
    print(json.dumps(measure()))

"""Matmul rate of this machine: the peak with which achieved FLOP/s are compared."""

from __future__ import annotations

import json
import time

import torch

from engine.layout import Precision
from engine.machine import cpu_name
from engine.units import BYTES_PER_GB

DTYPES: dict[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
_SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192)}


def measure_matmul_flops_per_s(
    device: torch.device, precision: Precision, seconds: float = 2.0
) -> float:
    """Return the best rate of square matmuls on one device, in FLOP/s.

    Each size is repeated for its share of ``seconds``. The fastest single product counts, since a
    peak is a bound and not an average.
    """
    sizes = _SIZES[device.type]
    best = 0.0
    for size in sizes:
        a = torch.randn(size, size, device=device).to(DTYPES[precision])
        b = torch.randn(size, size, device=device).to(DTYPES[precision])
        a @ b  # the first product sets up threads and workspaces
        _wait_for(device)
        end = time.perf_counter() + seconds / len(sizes)
        while time.perf_counter() < end:
            started = time.perf_counter()
            a @ b
            _wait_for(device)
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


def measure_copy_bytes_per_s(device: torch.device, seconds: float = 1.0) -> float:
    """Return one device's memory bandwidth in bytes per second, counting reads and writes."""
    source = torch.ones(64 * 2**20, device=device)
    target = torch.empty_like(source)
    best = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        target.copy_(source)
        _wait_for(device)
        best = max(best, 2 * source.nbytes / (time.perf_counter() - started))
    return best


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print this machine's matmul and copy rates as JSON."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rates = {p: measure_matmul_flops_per_s(device, p) / 1e9 for p in ("fp32", "bf16")}
    report = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else cpu_name(),
        "threads": torch.get_num_threads(),
        "fp32_gflops_per_s": round(rates["fp32"], 1),
        "bf16_gflops_per_s": round(rates["bf16"], 1),
        "copy_gb_per_s": round(measure_copy_bytes_per_s(device) / BYTES_PER_GB, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

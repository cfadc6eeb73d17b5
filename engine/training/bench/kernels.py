"""Rates of single operations: matmuls, attention, memory, Adam and collectives.

All ranks measure the same operation at the same time, since they also compute at the same time in
training.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import distributed
from torch.nn import functional

from engine.training.bench.matmul import DTYPES

LINEAR_SIZES = ((512, 64, 192), (512, 128, 384), (1024, 256, 768), (1024, 512, 1408))
"""(tokens, input width, output width) of linear layers; each is eight times as large on a GPU."""
ATTENTION_SIZES = ((8, 4, 128, 32), (4, 8, 256, 32), (4, 8, 256, 64), (2, 4, 512, 64))
"""(sequences, heads, tokens, head width); a GPU gets eight times the sequences."""
COPY_BYTES = (2**20, 2**26)
"""Sizes of two copies, in bytes: the first fits the caches, the second does not."""
MESSAGE_BYTES = (2**16, 2**20, 2**24)
"""Sizes of collectives' messages, in bytes."""
_MIN_TIMING_S = 0.25
_GPU_SCALE = 8


def measure_rates(device: torch.device, precisions: Sequence[str]) -> dict[str, Any]:
    """Measure all operations; see :class:`engine.calibration.machine_profile.Rates`.

    Every rank must call this and gets its own figures. The first of ``precisions`` is the precision
    of training.
    """
    scale = _GPU_SCALE if device.type == "cuda" else 1
    return {
        "linear": [
            {
                "precision": precision,
                "tokens": tokens * scale,
                "n_in": n_in * scale,
                "n_out": n_out * scale,
                "flops_per_s": _linear(
                    device, precision, tokens * scale, n_in * scale, n_out * scale
                ),
            }
            for precision in precisions
            # Other precisions may be a hundred times slower, so only the smallest size is measured.
            for tokens, n_in, n_out in (
                LINEAR_SIZES if precision == precisions[0] else LINEAR_SIZES[:1]
            )
        ],
        "attention": [
            {
                "sequences": sequences * scale,
                "heads": heads,
                "tokens": tokens,
                "head_dim": head_dim,
                "flops_per_s": _attention(device, sequences * scale, heads, tokens, head_dim),
            }
            for sequences, heads, tokens, head_dim in ATTENTION_SIZES
        ],
        "copies": [{"bytes": n, "bytes_per_s": _copy(device, n)} for n in COPY_BYTES],
        "optimizer_parameters_per_s": _adam(device),
        "collectives": _collectives(device),
    }


def _linear(device: torch.device, precision: str, tokens: int, n_in: int, n_out: int) -> float:
    """Return FLOP/s of one linear layer, forward and backward: 6 · tokens · n_in · n_out FLOPs."""
    dtype = DTYPES[precision]  # type: ignore[index]
    # Shapes: x (tokens, n_in), weight (n_out, n_in), gradient (tokens, n_out)
    x = torch.randn(tokens, n_in, device=device).to(dtype)
    weight = torch.randn(n_out, n_in, device=device).to(dtype)
    gradient = torch.randn(tokens, n_out, device=device).to(dtype)

    def work() -> None:
        torch.mm(x, weight.T)
        torch.mm(gradient, weight)
        torch.mm(gradient.T, x)

    return 6 * tokens * n_in * n_out / _median_seconds(work, device)


def _attention(device: torch.device, sequences: int, heads: int, tokens: int, width: int) -> float:
    """Return causal FLOP/s of fused attention: two matmuls forward, five backward (Dao 2023)."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    # Shape of q, k, v and gradient: (sequences, heads, tokens, width)
    q, k, v = (
        torch.randn(sequences, heads, tokens, width, device=device, dtype=dtype).requires_grad_()
        for _ in range(3)
    )
    gradient = torch.randn(sequences, heads, tokens, width, device=device, dtype=dtype)

    def work() -> None:
        functional.scaled_dot_product_attention(q, k, v, is_causal=True).backward(gradient)

    causal_matmul_flops = sequences * heads * tokens**2 * width
    return 7 * causal_matmul_flops / _median_seconds(work, device)


def _copy(device: torch.device, n_bytes: int) -> float:
    """Return the copy rate in bytes per second, counting reads and writes."""
    source = torch.ones(n_bytes // 4, device=device)
    target = torch.empty_like(source)
    return 2 * n_bytes / _median_seconds(lambda: target.copy_(source), device)


def _adam(device: torch.device, n_parameters: int = 2**22) -> float:
    """Return the parameters that AdamW updates per second."""
    parameter = torch.nn.Parameter(torch.ones(n_parameters, device=device))
    parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.AdamW([parameter], fused=True)
    return n_parameters / _median_seconds(optimizer.step, device)


def _collectives(device: torch.device) -> list[dict[str, Any]]:
    """Return the seconds of each collective by message size; a single rank has none."""
    n_ranks = distributed.get_world_size()
    if n_ranks == 1:
        return []
    found = []
    for n_bytes in MESSAGE_BYTES:
        whole = torch.ones(n_bytes // 4 // n_ranks * n_ranks, device=device)
        part = torch.ones(len(whole) // n_ranks, device=device)
        kinds: dict[str, Callable[[], object]] = {
            "all_reduce": partial(distributed.all_reduce, whole),
            "all_gather": partial(distributed.all_gather_into_tensor, whole, part),
            "reduce_scatter": partial(distributed.reduce_scatter_tensor, part, whole),
        }
        for kind, work in kinds.items():
            distributed.barrier()
            # Every rank repeats it equally often, since a collective waits for all ranks.
            found.append(
                {
                    "kind": kind,
                    "bytes": n_bytes,
                    "seconds": _median_seconds(work, device, repeats=5),
                }
            )
    return found


def _median_seconds(
    work: Callable[[], object], device: torch.device, repeats: int | None = None
) -> float:
    """Return the median time of repeated calls, in seconds, after one call that sets up kernels.

    Without ``repeats`` the calls are repeated for _MIN_TIMING_S, and at least three times.
    """
    times_s: list[float] = []
    work()
    end = time.perf_counter() + _MIN_TIMING_S
    while len(times_s) < (repeats or 3) or (repeats is None and time.perf_counter() < end):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times_s.append(time.perf_counter() - started)
    return statistics.median(times_s)

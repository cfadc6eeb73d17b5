"""The process group of one run: how ranks join it, and the collectives that they use."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent import futures
from datetime import timedelta
from typing import TypeVar

import deepspeed
import torch
from torch import distributed
from torch.distributed import distributed_c10d

from engine.machine import cpu_name
from engine.training import ops

LINK_TIMEOUT_VARIABLE = "FLOPLEDGER_LINK_TIMEOUT_S"
"""Environment variable with the timeout of a collective, in seconds.

It is set for runs on several machines: a collective that takes longer fails, since a link is cut.
"""
_HEARTBEAT_S = 0.1
"""Time between two heartbeats of :func:`run_with_heartbeat`, in seconds."""

_Value = TypeVar("_Value")


class PortBusyError(Exception):
    """Another program already listens on the rendezvous port of the ranks."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken")
        self.port = port


class RankWorkError(Exception):
    """Work of at least one rank failed; the cause is set on the ranks whose own work failed."""


def join_ranks() -> torch.device:
    """Join the process group and return this rank's device. On a CPU each rank uses one core.

    Raises
    ------
    PortBusyError
        On rank 0, if another program listens on its port.
    """
    on_cpu = os.environ.get("DS_ACCELERATOR") == "cpu"
    if on_cpu:
        device = torch.device("cpu")
        torch.set_num_threads(1)  # a device of the accelerator table is one core
        ops.register_built_op()
    else:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    try:
        deepspeed.init_distributed("gloo" if on_cpu else "nccl")
    except distributed.DistNetworkError as error:
        if "EADDRINUSE" not in str(error):
            raise
        raise PortBusyError(int(os.environ["MASTER_PORT"])) from None
    if on_cpu:
        distributed.barrier()
        ops.unlink_shared_buffer()
    if limit_s := os.environ.get(LINK_TIMEOUT_VARIABLE):
        _set_link_timeouts(timedelta(seconds=float(limit_s)))
    return device


def _set_link_timeouts(limit: timedelta) -> None:
    """Set the timeout of the default group and of all groups that are created later.

    It is set after all ranks have joined, which may take longer than ``limit``. DeepSpeed creates
    groups without a timeout and has no setting for it, so the default changes.
    """
    distributed_c10d._set_pg_timeout(limit)
    distributed_c10d.default_pg_timeout = limit
    distributed_c10d.default_pg_nccl_timeout = limit  # type: ignore[attr-defined]


def all_reduce_sums(values: torch.Tensor) -> list[float]:
    """Return the sum of each value over all ranks; waits for all ranks and for the device.

    ``values`` has shape (n,).
    """
    total = values.to(torch.float64)
    if distributed.get_world_size() > 1:
        distributed.all_reduce(total)
    return [float(value) for value in total.tolist()]


def all_reduce_sum(value: float, device: torch.device) -> float:
    """Return the sum of ``value`` over all ranks."""
    return all_reduce_sums(torch.tensor([value], device=device))[0]


def all_reduce_max(value: float, device: torch.device) -> float:
    """Return the largest ``value`` of all ranks."""
    largest = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return largest.item()


def broadcast_object(value: _Value) -> _Value:
    """Return the value that rank 0 passed."""
    values = [value]
    distributed.broadcast_object_list(values)
    return values[0]


def all_gather_object(value: _Value) -> list[_Value]:
    """Return the values that all ranks passed, in the order of the ranks."""
    values = [value] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


def run_with_heartbeat(work: Callable[[], _Value], device: torch.device) -> _Value:
    """Run ``work`` on this rank and return its result when all ranks have finished.

    Every rank must call this. ``work`` runs in a thread and must not use collectives. Meanwhile the
    ranks exchange heartbeats: slow work does not exceed the timeout of a collective, but a cut link
    does.

    Raises
    ------
    RankWorkError
        On every rank, if the work of any rank failed.
    """
    with futures.ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        while all_reduce_sum(not working.done(), device):
            futures.wait([working], timeout=_HEARTBEAT_S)
    failed = working.exception()
    if all_reduce_sum(failed is not None, device):
        raise RankWorkError(str(failed or "another rank failed")) from failed
    return working.result()


def device_name(device: torch.device) -> str:
    """Return the name of the GPU or CPU model."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_name()

"""The processes of one run, and what they tell each other."""

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
"""Set where ranks are on several machines: after so many seconds without a word from another
one, its link is taken for cut."""
_HEARTBEAT_S = 0.1

_Value = TypeVar("_Value")


class PortBusyError(Exception):
    """Another program listens on the port at which the ranks were to meet."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken")
        self.port = port


class RankWorkError(Exception):
    """What some rank did alone failed: this rank's own work, if there is a cause."""


def join_ranks() -> torch.device:
    """Join the other ranks; this one's device. On a CPU each takes one core.

    Raises
    ------
    PortBusyError
        On rank 0, if its port is taken.
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
    """After all have come, which may take longer: of their common group, and of those that
    DeepSpeed makes and has no setting for."""
    distributed_c10d._set_pg_timeout(limit)
    distributed_c10d.default_pg_timeout = limit
    distributed_c10d.default_pg_nccl_timeout = limit  # type: ignore[attr-defined]


def all_reduce_sums(values: torch.Tensor) -> list[float]:
    """Each value added up over all ranks; also waits for them, and for the device."""
    total = values.to(torch.float64)
    if distributed.get_world_size() > 1:
        distributed.all_reduce(total)
    return [float(value) for value in total.tolist()]


def all_reduce_sum(value: float, device: torch.device) -> float:
    return all_reduce_sums(torch.tensor([value], device=device))[0]


def all_reduce_max(value: float, device: torch.device) -> float:
    largest = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return largest.item()


def broadcast_object(value: _Value) -> _Value:
    """What rank 0 gave here."""
    values = [value]
    distributed.broadcast_object_list(values)
    return values[0]


def all_gather_object(value: _Value) -> list[_Value]:
    """What each rank gave here."""
    values = [value] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


def run_with_heartbeat(work: Callable[[], _Value], device: torch.device) -> _Value:
    """What ``work`` returns on this rank. Every rank calls this, with work that talks to no other
    rank, and goes on when all are done. Meanwhile they exchange signs of life: slow work is not
    taken for a cut link, and a cut link is noticed.

    Raises
    ------
    RankWorkError
        On every rank, if the work of any has failed.
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
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_name()

"""Ranks as children of a fork server that has imported PyTorch and DeepSpeed once.

Measurements that take seconds use it. Runs use DeepSpeed's own launcher.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from torch import distributed

from engine.training import ranks


def start_server(preload: Sequence[str]) -> None:
    """Name the modules that the fork server imports; call this once, before the first ranks."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(preload))


def run_on_ranks(n_ranks: int, work: Callable[..., Any], *args: object) -> Any:
    """Run ``work(device, rank, *args)`` on all ranks and return the result of rank 0.

    Raises
    ------
    RuntimeError
        If a rank ends early; its traceback is on standard error.
    """
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    port = _free_port()
    children = [
        context.Process(target=_rank, args=(rank, n_ranks, port, sender, work, args))
        for rank in range(n_ranks)
    ]
    for child in children:
        child.start()
    sender.close()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError(f"a rank of {work.__name__} ended early")
    return receiver.recv()


def _rank(
    rank: int,
    n_ranks: int,
    port: int,
    results: Connection,
    work: Callable[..., Any],
    args: tuple[object, ...],
) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(n_ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    measured = work(ranks.join_ranks(), rank, *args)
    if rank == 0:
        results.send(measured)
    distributed.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

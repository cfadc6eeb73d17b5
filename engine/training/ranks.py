"""The processes of one run, and what they tell each other."""

from __future__ import annotations

import os

import deepspeed
import torch
from torch import distributed

from engine.machine import cpu_name
from engine.training import ops


def join_ranks() -> torch.device:
    """Join the other ranks; this one's device. On a CPU each takes one core."""
    if os.environ.get("DS_ACCELERATOR") != "cpu":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        deepspeed.init_distributed("nccl")
        return device
    torch.set_num_threads(1)  # a device of the accelerator table is one core
    ops.hand_to_deepspeed()
    deepspeed.init_distributed("gloo")
    return torch.device("cpu")


def sum_over_ranks(values: torch.Tensor) -> list[float]:
    """Each value added up over all ranks; also waits for them, and for the device."""
    total = values.to(torch.float64)
    if distributed.get_world_size() > 1:
        distributed.all_reduce(total)
    return [float(value) for value in total.tolist()]


def sum_of(value: float, device: torch.device) -> float:
    return sum_over_ranks(torch.tensor([value], device=device))[0]


def largest_of(value: float, device: torch.device) -> float:
    largest = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(largest, distributed.ReduceOp.MAX)
    return largest.item()


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_name()

"""Which precision this machine trains well in.

Asked of a process of its own, :mod:`engine.training.bench.precision_probe`, as whoever asks must
not import torch; kept in ``home_dir()/precision.json``: a machine is measured once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from typing import Any

from engine.files import read_json, write_json
from engine.layout import Precision
from engine.machine import Machine, cpu_name
from engine.paths import PROJECT_DIR, home_dir

MIN_SPEEDUP = 1.2
"""Matmuls in 16 bits must be so many times as fast as in fp32: the rest of a step gains less."""


def best_measured_precision(machine: Machine) -> Precision:
    """What ``machine``, the one that this runs on, should train in.

    bf16 comes before fp16, which needs its loss scaled; either must be clearly faster than fp32
    here, and have a rate in the accelerator table, or no forecast could be made of the run.
    """
    rates = measured_rates(machine)
    for precision in ("bf16", "fp16"):
        known = machine.device.peak_flops_per_s(precision) is not None
        if known and rates.get(precision, 0.0) >= MIN_SPEEDUP * rates["fp32"]:
            return precision
    return "fp32"


def measured_rates(machine: Machine) -> dict[str, float]:
    """Matmul rate in FLOP/s by precision, measured now if this machine was not before."""
    path = home_dir() / "precision.json"
    name = machine.device.accelerator if machine.has_gpu else cpu_name()
    key = f"{name}, torch {metadata.version('torch')}"
    known = read_json(path) or {}
    if key not in known:
        home_dir().mkdir(parents=True, exist_ok=True)
        write_json(path, known | {key: _probe_rates()})
        known = read_json(path) or {}
    rates: dict[str, float] = known[key]
    return rates


def _probe_rates() -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "engine.training.bench.precision_probe"],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rates: dict[str, Any] = json.loads(answer.stdout)
    return rates

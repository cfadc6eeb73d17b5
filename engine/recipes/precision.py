"""Choice of the precision in which this machine trains fastest.

A separate process, :mod:`engine.training.bench.precision_probe`, measures the rates, since this
package must not import torch. They are kept in ``home_dir()/precision.json``, so that a machine is
measured once.
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
"""Smallest speed-up of 16-bit matmuls over fp32 that counts; a whole step gains less."""


def best_measured_precision(machine: Machine) -> Precision:
    """Return the precision in which ``machine``, on which this process runs, should train.

    bf16 is preferred to fp16, which needs loss scaling. Either must be MIN_SPEEDUP times as fast as
    fp32 and have a rate in the accelerator table; without that rate a run has no forecast.
    """
    rates = measured_rates(machine)
    for precision in ("bf16", "fp16"):
        has_rate = machine.device.peak_flops_per_s(precision) is not None
        if has_rate and rates.get(precision, 0.0) >= MIN_SPEEDUP * rates["fp32"]:
            return precision
    return "fp32"


def measured_rates(machine: Machine) -> dict[str, float]:
    """Return the matmul rate in FLOP/s by precision; measure this machine the first time."""
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

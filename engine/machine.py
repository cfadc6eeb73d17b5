"""The devices of this machine: their row of the accelerator table, and their number."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psutil

from engine.calibration.machine_profile import MachineProfile, own_profile
from engine.documents import InputError
from engine.facts import Accelerator, accelerator, accelerators, typical_price
from engine.plan import OWN_ASSUMPTION, Cluster
from engine.units import BYTES_PER_GB

CPU_CORE = "CPU-core"
CPU_CORE_PRICE_USD = Decimal("0.05")
"""Price of one CPU core in USD per hour: an assumption."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A number of equal devices, with their memory."""

    device: Accelerator
    n_devices: int
    memory_bytes: float
    """Memory of all devices together, in bytes."""

    @property
    def has_gpu(self) -> bool:
        return self.device.kind == "gpu"

    def cluster(self, n_devices: int) -> Cluster:
        """Return ``n_devices`` of this machine as a cluster with a price."""
        typical = typical_price(self.device.accelerator)
        price = typical.usd_per_device_hour if typical else CPU_CORE_PRICE_USD
        source = typical.citation if typical else OWN_ASSUMPTION
        return Cluster(
            accelerator=self.device.accelerator,
            n_devices=n_devices,
            price_usd_per_device_hour=price,
            price_source=source,
            availability_share=1.0,
        )


def this_machine() -> Machine:
    """Return this machine's GPUs, or its CPU cores if it has none.

    ``DS_ACCELERATOR=cpu`` makes it ignore the GPUs.

    Raises
    ------
    InputError
        If the accelerator table has no row for the machine's GPU.
    """
    gpus = _gpu_names()
    if gpus:
        device = best_match(gpus[0])
        return Machine(device, len(gpus), len(gpus) * device.memory_gb * BYTES_PER_GB)
    cores = len(os.sched_getaffinity(0))
    return Machine(accelerator(CPU_CORE), cores, psutil.virtual_memory().total)


def machine_like(name: str | None, n_devices: int) -> Machine:
    """Return ``n_devices`` devices on other hosts as a single machine.

    They are of the accelerator ``name``, or of this machine's kind if it is None. CPU cores have as
    much memory each as the cores of this machine.

    Raises
    ------
    InputError
        If the table has no such accelerator, or none for this machine's GPU.
    """
    device = this_machine().device if name is None else accelerator(name)
    if device.kind == "cpu":
        cores = psutil.cpu_count() or 1
        return Machine(device, n_devices, psutil.virtual_memory().total / cores * n_devices)
    return Machine(device, n_devices, device.memory_gb * BYTES_PER_GB * n_devices)


def device_name(machine: Machine) -> str:
    """Return the name that the machine reports for its devices."""
    names = _gpu_names() if machine.has_gpu else []
    return names[0] if names else cpu_name()


def profile_of_machine(machine: Machine) -> MachineProfile | None:
    """Return the profile that was measured on this machine, or None."""
    return own_profile(device_name(machine), machine.device.accelerator)


def _gpu_names() -> list[str]:
    if shutil.which("nvidia-smi") is None or os.environ.get("DS_ACCELERATOR") == "cpu":
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return [line.strip() for line in answer.stdout.splitlines()] if answer.returncode == 0 else []


def best_match(driver_name: str) -> Accelerator:
    """Return the accelerator whose name shares most words with the driver's name for it.

    A driver's name is, for example, ``NVIDIA H100 80GB HBM3``. Of equal matches the first in the
    table is taken, which is the common SXM part.

    Raises
    ------
    InputError
        If no name shares a word.
    """
    words = _distinctive_words(driver_name)
    gpus = [row for row in accelerators().values() if row.kind == "gpu"]
    best = max(gpus, key=lambda row: len(words & _distinctive_words(row.accelerator)))
    if not words & _distinctive_words(best.accelerator):
        names = ", ".join(row.accelerator for row in gpus)
        raise InputError("accelerator", driver_name, "known_name", nearest=names)
    return best


def _distinctive_words(name: str) -> set[str]:
    """Return the words with a digit, and the words that distinguish the packages of a chip."""
    return set(re.findall(r"[A-Z]*\d+[A-Z]*|PCIE|NVL", name.upper()))


def cpu_name() -> str:
    """Return the model name of this machine's processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "CPU"

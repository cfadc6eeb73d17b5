"""What this machine has: which row of the accelerator table it is, and how many of them."""

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


@dataclass(frozen=True, slots=True)
class Machine:
    device: Accelerator
    n_devices: int
    memory_bytes: float
    """Of all devices together."""

    @property
    def has_gpu(self) -> bool:
        return self.device.kind == "gpu"

    def cluster(self, n_devices: int) -> Cluster:
        """``n_devices`` of this machine as something that is paid for."""
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
    """This machine's GPUs, or its CPU cores where it has none.

    Raises
    ------
    InputError
        If it has a GPU that the accelerator table does not know; ``DS_ACCELERATOR=cpu`` leaves
        GPUs alone.
    """
    gpus = _gpu_names()
    if gpus:
        device = best_match(gpus[0])
        return Machine(device, len(gpus), len(gpus) * device.memory_gb * BYTES_PER_GB)
    cores = len(os.sched_getaffinity(0))
    return Machine(accelerator(CPU_CORE), cores, psutil.virtual_memory().total)


def machine_like(name: str | None, n_devices: int) -> Machine:
    """Machines elsewhere as one: so many devices of that row of the accelerator table, or of what
    this machine has; cores with as much memory each as here.

    Raises
    ------
    InputError
        As :func:`this_machine`, where no name says what they have.
    """
    device = this_machine().device if name is None else accelerator(name)
    if device.kind == "cpu":
        cores = psutil.cpu_count() or 1
        return Machine(device, n_devices, psutil.virtual_memory().total / cores * n_devices)
    return Machine(device, n_devices, device.memory_gb * BYTES_PER_GB * n_devices)


def device_name(machine: Machine) -> str:
    """What the machine calls its devices."""
    names = _gpu_names() if machine.has_gpu else []
    return names[0] if names else cpu_name()


def profile_of_machine(machine: Machine) -> MachineProfile | None:
    """What was measured of this machine, if it was."""
    return own_profile(device_name(machine), machine.device.accelerator)


def _gpu_names() -> list[str]:
    if shutil.which("nvidia-smi") is None or os.environ.get("DS_ACCELERATOR") == "cpu":
        return []
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return [line.strip() for line in answer.stdout.splitlines()] if answer.returncode == 0 else []


def best_match(driver_name: str) -> Accelerator:
    """The accelerator whose name shares most words with the driver's, ``NVIDIA H100 80GB HBM3``
    say; of equals the first listed, which is the common SXM part.

    Raises
    ------
    InputError
        If none shares any.
    """
    words = _telling_words(driver_name)
    gpus = [row for row in accelerators().values() if row.kind == "gpu"]
    best = max(gpus, key=lambda row: len(words & _telling_words(row.accelerator)))
    if not words & _telling_words(best.accelerator):
        names = ", ".join(row.accelerator for row in gpus)
        raise InputError("accelerator", driver_name, "known_name", nearest=names)
    return best


def _telling_words(name: str) -> set[str]:
    """Words with a number in them, and those that tell a chip's packages apart."""
    return set(re.findall(r"[A-Z]*\d+[A-Z]*|PCIE|NVL", name.upper()))


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "CPU"

"""A machine as it was measured: rates of single operations, short runs, and what the predictor
makes of them.

The document is what a forecast needs; :mod:`engine.experiments.profile_fit` makes it of
measurements.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.documents import Document
from engine.facts import Accelerator
from engine.field_types import NonNegativeFloat, PositiveFloat
from engine.files import read_json, write_json
from engine.paths import home_dir
from engine.units import BYTES_PER_GB, FLOPS_PER_TFLOP

NOISY_PACE_SPREAD = 1.5
"""A machine is called noisy whose pace differs by more than this factor between short runs,"""
NOISY_STEP_SPREAD = 0.15
"""whose runs differ by more than this from what one machine would do,"""
NOISY_LOAD_SHARE = 0.1
"""or of which other processes took more than this."""


class LinearRate(Document):
    """One linear layer, forward and backward."""

    precision: str
    tokens: int
    n_in: int
    n_out: int
    flops_per_s: PositiveFloat


class AttentionRate(Document):
    """Fused causal attention, forward and backward."""

    sequences: int
    heads: int
    tokens: int
    head_dim: int
    flops_per_s: PositiveFloat


class CopyRate(Document):
    bytes: int
    bytes_per_s: PositiveFloat
    """Reading and writing both counted."""


class Collective(Document):
    kind: Literal["all_reduce", "all_gather", "reduce_scatter"]
    bytes: int
    """Of the whole that all ranks hold together or add up."""
    seconds: PositiveFloat


class Rates(Document):
    """Of one device, while all of them work."""

    linear: tuple[LinearRate, ...]
    attention: tuple[AttentionRate, ...]
    copies: tuple[CopyRate, ...]
    optimizer_parameters_per_s: PositiveFloat
    collectives: tuple[Collective, ...]

    def best_of(self, again: Rates) -> Rates:
        """The faster of two measurings, operation by operation: a slow moment is not the
        machine's."""
        return Rates(
            linear=tuple(
                max(pair, key=lambda one: one.flops_per_s)
                for pair in zip(self.linear, again.linear, strict=True)
            ),
            attention=tuple(
                max(pair, key=lambda one: one.flops_per_s)
                for pair in zip(self.attention, again.attention, strict=True)
            ),
            copies=tuple(
                max(pair, key=lambda one: one.bytes_per_s)
                for pair in zip(self.copies, again.copies, strict=True)
            ),
            optimizer_parameters_per_s=max(
                self.optimizer_parameters_per_s, again.optimizer_parameters_per_s
            ),
            collectives=tuple(
                min(pair, key=lambda one: one.seconds)
                for pair in zip(self.collectives, again.collectives, strict=True)
            ),
        )

    def linear_flops_per_s(self, precision: str) -> float:
        """Of the largest size, which large models come nearest to."""
        found = [one for one in self.linear if one.precision == precision]
        return max(found, key=lambda one: one.tokens * one.n_in * one.n_out).flops_per_s

    @property
    def memory_bytes_per_s(self) -> float:
        """Beyond the caches."""
        return max(self.copies, key=lambda one: one.bytes).bytes_per_s

    def link_bytes_per_s(self, n_ranks: int) -> float | None:
        """What a ring would have to reach for an all-reduce of the largest message:
        2·(n − 1)/n of it cross each link (Patarasuk 2009). None for a single device."""
        found = [one for one in self.collectives if one.kind == "all_reduce"]
        if not found:
            return None
        largest = max(found, key=lambda one: one.bytes)
        return 2 * (n_ranks - 1) / n_ranks * largest.bytes / largest.seconds


class ShortRun(Document):
    """A short real run, and what the finished profile says of it."""

    name: str
    parameters: int
    zero_stage: int
    n_ranks: int
    tokens_per_step: int
    steps: int
    measured_step_s: PositiveFloat
    step_s_p10: PositiveFloat
    step_s_p90: PositiveFloat
    predicted_step_s: PositiveFloat
    measured_memory_bytes: PositiveFloat
    predicted_memory_bytes: PositiveFloat
    pace: PositiveFloat
    """Seconds of a fixed piece of work beside the steps, over its median in all runs."""
    other_load_share: float

    @property
    def step_error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted_step_s / self.measured_step_s - 1

    @property
    def memory_error(self) -> float:
        return self.predicted_memory_bytes / self.measured_memory_bytes - 1


class MachineProfile(Document):
    """What a forecast for this machine stands on."""

    schema_version: Literal[1] = 1
    device: str
    """The machine as it names itself."""
    accelerator: str
    """Its row in ``data/accelerators.csv``."""
    n_devices: int
    measured_on: datetime.date
    rates: Rates
    pace_s: PositiveFloat
    """Median seconds of the fixed piece of work: the pace that the profile speaks of."""
    values: Mapping[str, PositiveFloat]
    """Parameters of the predictor in place of the table's, by their keys there."""
    step_spread: NonNegativeFloat
    """Half-width of the 80% interval of step times, in log(measured ÷ predicted)."""
    memory_spread: NonNegativeFloat
    runs: tuple[ShortRun, ...]
    versions: dict[str, str]

    def of(self, device: Accelerator) -> Accelerator:
        """The device with its measured rates in place of the table's."""
        measured: dict[str, object] = {
            "memory_gb_per_s": self.rates.memory_bytes_per_s / BYTES_PER_GB,
        }
        if device.kind == "cpu":  # a GPU's peaks are its maker's; what it reaches is in ``values``
            measured["peak_fp32_tflops"] = self.rates.linear_flops_per_s("fp32") / FLOPS_PER_TFLOP
        link = self.rates.link_bytes_per_s(self.n_devices)
        if link is not None:
            measured |= {
                "intra_node_gb_per_s": link / BYTES_PER_GB,
                "inter_node_gb_per_s": link / BYTES_PER_GB,
            }
        return device.model_copy(update=measured)

    def applies_to(self, accelerator: str) -> bool:
        return self.accelerator == accelerator

    @property
    def pace_spread(self) -> float:
        """The slowest run's pace over the fastest one's."""
        paces = [run.pace for run in self.runs]
        return max(paces) / min(paces)

    @property
    def other_load_share(self) -> float:
        """What other processes took of the cores in the run that they disturbed most."""
        return max(run.other_load_share for run in self.runs)

    @property
    def is_noisy(self) -> bool:
        return (
            self.pace_spread > NOISY_PACE_SPREAD
            or self.step_spread > NOISY_STEP_SPREAD
            or self.other_load_share > NOISY_LOAD_SHARE
        )


def keep(profile: MachineProfile) -> None:
    """Store it as this machine's."""
    _path().parent.mkdir(parents=True, exist_ok=True)
    write_json(_path(), profile.model_dump(mode="json"))


def own_profile(device: str, accelerator: str) -> MachineProfile | None:
    """This machine's profile, if it was measured; another machine's in the same folder is none."""
    data = read_json(_path())
    if data is None:
        return None
    found = MachineProfile.parse(data, where=str(_path()))
    return found if (found.device, found.accelerator) == (device, accelerator) else None


def forget() -> None:
    """Forecasts stand on the tables again; :func:`restore` takes it back."""
    if _path().is_file():
        _path().replace(_forgotten_path())


def restore() -> None:
    """The profile that was forgotten last, unless the machine has been measured since."""
    if can_restore():
        _forgotten_path().replace(_path())


def can_restore() -> bool:
    return _forgotten_path().is_file() and not _path().is_file()


def _path() -> Path:
    return home_dir() / "machine-profile.json"


def _forgotten_path() -> Path:
    return home_dir() / "machine-profile.forgotten.json"

"""The profile of a machine: measured rates, short runs, and fitted parameters of the predictor.

Forecasts read this document. :mod:`engine.experiments.profile_fit` computes it from measurements.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from engine.calibration.calibration import NOISY_LOAD_SHARE
from engine.documents import Document
from engine.facts import Accelerator
from engine.field_types import NonNegativeFloat, PositiveFloat
from engine.files import read_json, write_json
from engine.paths import home_dir
from engine.units import BYTES_PER_GB, FLOPS_PER_TFLOP

NOISY_PACE_SPREAD = 1.5
"""Factor between the paces of short runs above which a machine counts as noisy."""
NOISY_STEP_SPREAD = 0.15
"""Half-width of step times, in log(measured ÷ predicted), above which a machine counts as noisy."""


class LinearRate(Document):
    """Measured rate of one linear layer, forward and backward."""

    precision: str
    tokens: int
    n_in: int
    n_out: int
    flops_per_s: PositiveFloat


class AttentionRate(Document):
    """Measured rate of fused causal attention, forward and backward."""

    sequences: int
    heads: int
    tokens: int
    head_dim: int
    flops_per_s: PositiveFloat


class CopyRate(Document):
    """Measured rate of a copy in memory."""

    bytes: int
    bytes_per_s: PositiveFloat
    """Bytes read and written per second."""


class Collective(Document):
    """Measured time of one collective operation."""

    kind: Literal["all_reduce", "all_gather", "reduce_scatter"]
    bytes: int
    """Size of the whole array that all ranks reduce or hold together."""
    seconds: PositiveFloat


class Rates(Document):
    """Rates of one device, measured while all devices work."""

    linear: tuple[LinearRate, ...]
    attention: tuple[AttentionRate, ...]
    copies: tuple[CopyRate, ...]
    optimizer_parameters_per_s: PositiveFloat
    collectives: tuple[Collective, ...]

    def best_of(self, again: Rates) -> Rates:
        """Return the faster of two measurements of each operation.

        A slow measurement has been disturbed by other processes.
        """
        return Rates(
            linear=tuple(
                max(pair, key=lambda rate: rate.flops_per_s)
                for pair in zip(self.linear, again.linear, strict=True)
            ),
            attention=tuple(
                max(pair, key=lambda rate: rate.flops_per_s)
                for pair in zip(self.attention, again.attention, strict=True)
            ),
            copies=tuple(
                max(pair, key=lambda rate: rate.bytes_per_s)
                for pair in zip(self.copies, again.copies, strict=True)
            ),
            optimizer_parameters_per_s=max(
                self.optimizer_parameters_per_s, again.optimizer_parameters_per_s
            ),
            collectives=tuple(
                min(pair, key=lambda rate: rate.seconds)
                for pair in zip(self.collectives, again.collectives, strict=True)
            ),
        )

    def linear_flops_per_s(self, precision: str) -> float:
        """Return the rate of the largest linear layer, which is nearest to large models."""
        found = [rate for rate in self.linear if rate.precision == precision]
        return max(found, key=lambda rate: rate.tokens * rate.n_in * rate.n_out).flops_per_s

    @property
    def memory_bytes_per_s(self) -> float:
        """Rate of the largest copy, which exceeds the caches, in bytes/s."""
        return max(self.copies, key=lambda rate: rate.bytes).bytes_per_s

    def link_bytes_per_s(self, n_ranks: int) -> float | None:
        """Return the rate of a link in a ring, in bytes/s, by the largest all-reduce.

        2·(n − 1)/n of the message crosses each link (Patarasuk 2009). None for a single device.
        """
        found = [measured for measured in self.collectives if measured.kind == "all_reduce"]
        if not found:
            return None
        largest = max(found, key=lambda measured: measured.bytes)
        return 2 * (n_ranks - 1) / n_ranks * largest.bytes / largest.seconds


class ShortRun(Document):
    """A short real run beside the prediction of the finished profile."""

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
    """Seconds of a reference workload between the steps, over its median in all runs."""
    other_load_share: float

    @property
    def step_error(self) -> float:
        """Predicted over measured step time, minus 1."""
        return self.predicted_step_s / self.measured_step_s - 1

    @property
    def memory_error(self) -> float:
        """Predicted over measured memory, minus 1."""
        return self.predicted_memory_bytes / self.measured_memory_bytes - 1


class MachineProfile(Document):
    """The measurements and fitted parameters that forecasts for a machine use."""

    schema_version: Literal[1] = 1
    device: str
    """Name that the machine reports for itself."""
    accelerator: str
    """Name of its row in ``data/accelerators.csv``."""
    n_devices: int
    measured_on: datetime.date
    rates: Rates
    pace_s: PositiveFloat
    """Median seconds of the reference workload, to which the profile's times belong."""
    values: Mapping[str, PositiveFloat]
    """Fitted parameters that replace those of ``data/efficiency.csv``, by their keys there."""
    step_spread: NonNegativeFloat
    """Half-width of the 80% interval of step times, in log(measured ÷ predicted)."""
    memory_spread: NonNegativeFloat
    """Half-width of the 80% interval of memory, in log(measured ÷ predicted)."""
    runs: tuple[ShortRun, ...]
    versions: dict[str, str]

    def of(self, device: Accelerator) -> Accelerator:
        """Return the device with its measured rates in place of the table's."""
        measured: dict[str, object] = {
            "memory_gb_per_s": self.rates.memory_bytes_per_s / BYTES_PER_GB,
        }
        # A GPU keeps its maker's peaks; ``values`` holds the shares that it reaches.
        if device.kind == "cpu":
            measured["peak_fp32_tflops"] = self.rates.linear_flops_per_s("fp32") / FLOPS_PER_TFLOP
        link = self.rates.link_bytes_per_s(self.n_devices)
        if link is not None:
            measured |= {
                "intra_node_gb_per_s": link / BYTES_PER_GB,
                "inter_node_gb_per_s": link / BYTES_PER_GB,
            }
        return device.model_copy(update=measured)

    def applies_to(self, accelerator: str) -> bool:
        """Return whether forecasts for ``accelerator`` use the profile."""
        return self.accelerator == accelerator

    @property
    def pace_spread(self) -> float:
        """Pace of the slowest run over that of the fastest."""
        paces = [run.pace for run in self.runs]
        return max(paces) / min(paces)

    @property
    def other_load_share(self) -> float:
        """Largest share of the cores that other processes used during a run."""
        return max(run.other_load_share for run in self.runs)

    @property
    def is_noisy(self) -> bool:
        """Whether the measurements varied too much to be reliable."""
        return (
            self.pace_spread > NOISY_PACE_SPREAD
            or self.step_spread > NOISY_STEP_SPREAD
            or self.other_load_share >= NOISY_LOAD_SHARE
        )


def keep(profile: MachineProfile) -> None:
    """Store a profile as this machine's."""
    _path().parent.mkdir(parents=True, exist_ok=True)
    write_json(_path(), profile.model_dump(mode="json"))


def own_profile(device: str, accelerator: str) -> MachineProfile | None:
    """Return this machine's profile; None without one, or if it is of another machine."""
    data = read_json(_path())
    if data is None:
        return None
    found = MachineProfile.parse(data, where=str(_path()))
    return found if (found.device, found.accelerator) == (device, accelerator) else None


def forget() -> None:
    """Set the profile aside, so that forecasts use the tables; :func:`restore` reverses this."""
    if _path().is_file():
        _path().replace(_forgotten_path())


def restore() -> None:
    """Restore the profile that was forgotten last, unless a newer profile exists."""
    if can_restore():
        _forgotten_path().replace(_path())


def can_restore() -> bool:
    """Return whether there is a forgotten profile and no newer one."""
    return _forgotten_path().is_file() and not _path().is_file()


def _path() -> Path:
    return home_dir() / "machine-profile.json"


def _forgotten_path() -> Path:
    return home_dir() / "machine-profile.forgotten.json"

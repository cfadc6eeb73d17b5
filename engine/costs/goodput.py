"""Failures, checkpoints and restarts, and the share of a run's time that makes progress.

Devices fail independently at a constant rate, and one failure stops the whole run: a cluster of
n devices is interrupted n times as often as one device. After a failure the run restarts and
repeats the work since its last checkpoint.

References
----------
.. [1] J. W. Young, "A first order approximation to the optimum checkpoint interval",
   Communications of the ACM 17(9), 1974.
.. [2] J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart
   dumps", Future Generation Computer Systems 22(3), 2006.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import Field

from engine.documents import Document
from engine.facts import Confidence, Fact, read_facts
from engine.field_types import PositiveFloat
from engine.paths import DATA_DIR
from engine.units import BYTES_PER_GB, DAYS_PER_YEAR, HOURS_PER_YEAR, SECONDS_PER_HOUR


class FailureRate(Fact):
    """Interruptions of one fleet's runs, without planned maintenance."""

    run: str
    interruptions: PositiveFloat
    device_days: PositiveFloat
    confidence: Confidence

    @property
    def failures_per_device_year(self) -> float:
        """Number of interruptions per device and year."""
        return self.interruptions / self.device_days * DAYS_PER_YEAR


@cache
def failure_rates() -> tuple[FailureRate, ...]:
    """Return the published rates; the first row is the default."""
    return read_facts(DATA_DIR / "failure_rates.csv", FailureRate)


class Reliability(Document):
    """Assumptions about failures, checkpoints and restarts.

    The defaults come from published runs on thousands of devices. Small jobs stop more often than
    their share of hardware failures suggests, because of software and users.
    """

    failures_per_device_year: Annotated[float, Field(ge=0, le=10_000)] = Field(
        default_factory=lambda: failure_rates()[0].failures_per_device_year
    )
    """Failures per device and year that stop the run. Default: 419 unexpected interruptions in 54
    days on 16,384 H100 (Llama 3, arXiv:2407.21783, section 3.3.4), one in 50,677 device-hours."""
    checkpoint_bytes_per_parameter: Annotated[float, Field(gt=0, le=64)] = 14.0
    """Size of a checkpoint in bytes per parameter. Default: 16-bit weights, fp32 weights and Adam's
    two fp32 moments, 2 + 4 + 8 bytes (Rajbhandari 2020, arXiv:1910.02054, section 3.1; gradients
    are not saved)."""
    storage_gb_per_s_per_device: Annotated[float, Field(gt=0, le=1_000)] = 0.122
    """Bandwidth to checkpoint storage in GB/s per device. Default: 2 TB/s sustained for 16,384
    devices (Llama 3, section 3.3.1)."""
    checkpoint_write_s: Annotated[float, Field(ge=0, le=86_400)] | None = None
    """Seconds for which training waits for one checkpoint. If None, its bytes over the bandwidth.
    For checkpoints that are written in the background, only the stall counts."""
    restart_s: Annotated[float, Field(ge=0, le=864_000)] = 600.0
    """Seconds from a failure until training continues, without reading the checkpoint. Default:
    finding the failure and running diagnostics took less than 10 minutes on average (MegaScale,
    arXiv:2402.15627, section 6.3)."""
    checkpoint_interval_s: Annotated[float, Field(gt=0, le=1e8)] | None = None
    """Seconds of training between two checkpoints; if None, the optimum."""

    @property
    def mtbf_device_hours(self) -> float:
        """Mean hours between failures of one device; infinite if nothing fails."""
        rate = self.failures_per_device_year
        return HOURS_PER_YEAR / rate if rate else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTime:
    """The expected wall-clock time of a run and its parts, in seconds."""

    n_devices: int
    mtbf_s: float
    """Mean time between failures of the whole cluster, in seconds."""
    checkpoint_bytes: float
    checkpoint_write_s: float
    """Time to write one checkpoint, in seconds."""
    restart_s: float
    """Time of one restart in seconds, with reading the checkpoint."""
    checkpoint_interval_s: float
    """Training time between two checkpoints in seconds; infinite if none is needed."""
    productive_s: float
    """Time of the steps that count, in seconds: steps times step time."""
    checkpointing_s: float
    restarting_s: float
    lost_work_s: float
    """Time to repeat work that failures undid, in seconds."""

    @property
    def wall_clock_s(self) -> float:
        """Sum of all parts in seconds; infinite if failures are too frequent for the run to end."""
        return self.productive_s + self.checkpointing_s + self.restarting_s + self.lost_work_s

    @property
    def goodput_share(self) -> float:
        """Share of the wall-clock time that makes progress."""
        return self.productive_s / self.wall_clock_s

    @property
    def wall_clock_hours(self) -> float:
        """Wall-clock time in hours."""
        return self.wall_clock_s / SECONDS_PER_HOUR

    @property
    def device_hours(self) -> float:
        """Hours of all devices together: GPU-hours if the devices are GPUs."""
        return self.wall_clock_hours * self.n_devices


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimeRange:
    """The run time at the assumed failure rate, and with the best and the worst published rate.

    The published rates are scaled relative to the default.
    """

    value: RunTime
    low: RunTime
    high: RunTime


def young_interval_s(checkpoint_write_s: float, mtbf_s: float) -> float:
    """Return √(2·δ·M), the best checkpoint interval in seconds to first order (Young 1974 [1]_)."""
    return math.sqrt(2 * checkpoint_write_s * mtbf_s)


def daly_interval_s(checkpoint_write_s: float, mtbf_s: float) -> float:
    """Return the best training time between two checkpoints in seconds, to higher order.

    √(2·δ·M)·[1 + ⅓·√(δ/2M) + ⅑·(δ/2M)] − δ where δ < 2M, and M above that (Daly 2006 [2]_, the
    perturbation solution). The restart time does not affect it.

    Parameters
    ----------
    checkpoint_write_s
        δ, the time of one checkpoint.
    mtbf_s
        M, the mean time between failures of the cluster; infinite gives infinite.
    """
    if math.isinf(mtbf_s) or checkpoint_write_s >= 2 * mtbf_s:
        return mtbf_s
    half = checkpoint_write_s / (2 * mtbf_s)
    first_order = young_interval_s(checkpoint_write_s, mtbf_s)
    return first_order * (1 + math.sqrt(half) / 3 + half / 9) - checkpoint_write_s


def run_time(
    reliability: Reliability, *, n_devices: int, parameters: float, steps: int, step_time_s: float
) -> RunTime:
    """Return the expected time of ``steps`` steps with failures, checkpoints and restarts.

    The formula is Daly's exact expectation for failures with exponential intervals, which may also
    occur while a checkpoint is written or during a restart [2]_::

        T = M · exp(R/M) · (exp((τ + δ)/M) − 1) · Tₛ/τ

    with training time Tₛ, interval τ, checkpoint δ, restart R, mean time between failures M. The
    parts are its terms: checkpoints δ·Tₛ/τ; failures while running, (exp((τ+δ)/M) − 1)·Tₛ/τ, each
    with an expected restart M·(exp(R/M) − 1); and the rest is lost work. If nothing fails and no
    interval is given, no checkpoint is written.
    """
    productive_s = steps * step_time_s
    mtbf_s = reliability.mtbf_device_hours * SECONDS_PER_HOUR / n_devices
    size_bytes = parameters * reliability.checkpoint_bytes_per_parameter
    bandwidth = reliability.storage_gb_per_s_per_device * BYTES_PER_GB * n_devices
    transfer_s = size_bytes / bandwidth
    write_s = reliability.checkpoint_write_s
    if write_s is None:
        write_s = transfer_s
    restart_s = reliability.restart_s + transfer_s
    interval_s = reliability.checkpoint_interval_s or daly_interval_s(write_s, mtbf_s)
    if math.isfinite(interval_s):
        interval_s = min(interval_s, productive_s)  # a run writes at least its last checkpoint
    checkpointing_s, restarting_s, lost_s = _overheads_s(
        productive_s, interval_s, write_s, restart_s, mtbf_s
    )
    return RunTime(
        n_devices=n_devices,
        mtbf_s=mtbf_s,
        checkpoint_bytes=size_bytes,
        checkpoint_write_s=write_s,
        restart_s=restart_s,
        checkpoint_interval_s=interval_s,
        productive_s=productive_s,
        checkpointing_s=checkpointing_s,
        restarting_s=restarting_s,
        lost_work_s=lost_s,
    )


def run_time_range(
    reliability: Reliability, *, n_devices: int, parameters: float, steps: int, step_time_s: float
) -> RunTimeRange:
    """Return the run time at the assumed failure rate and with the published extremes."""
    rates = [rate.failures_per_device_year for rate in failure_rates()]

    def at(factor: float) -> RunTime:
        rate = min(reliability.failures_per_device_year * factor, 10_000)
        scaled = reliability.model_copy(update={"failures_per_device_year": rate})
        return run_time(
            scaled,
            n_devices=n_devices,
            parameters=parameters,
            steps=steps,
            step_time_s=step_time_s,
        )

    return RunTimeRange(
        value=at(1.0), low=at(min(rates) / rates[0]), high=at(max(rates) / rates[0])
    )


def _overheads_s(
    productive_s: float, interval_s: float, write_s: float, restart_s: float, mtbf_s: float
) -> tuple[float, float, float]:
    """Return the seconds of checkpoints, restarts and lost work; see :func:`run_time`."""
    if math.isinf(interval_s):
        return 0.0, 0.0, 0.0
    if interval_s == 0:  # free checkpoints at any time: only restarts cost
        return 0.0, productive_s * _expm1(restart_s / mtbf_s), 0.0
    segments = productive_s / interval_s
    checkpointing_s = segments * write_s
    if math.isinf(mtbf_s):
        return checkpointing_s, 0.0, 0.0
    segment_s = interval_s + write_s
    failures_per_segment = _expm1(segment_s / mtbf_s)
    restart = _expm1(restart_s / mtbf_s)
    if math.isinf(failures_per_segment) or math.isinf(restart):
        return checkpointing_s, math.inf, math.inf
    restarting_s = segments * failures_per_segment * mtbf_s * restart
    lost_s = segments * max(0.0, mtbf_s * failures_per_segment - segment_s)
    return checkpointing_s, restarting_s, lost_s


def _expm1(x: float) -> float:
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf

"""Comparison of predicted and measured figures, and the calibration that follows from it."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from engine.calibration.calibration import NOISY_LOAD_SHARE, Calibration, RatioSpread
from engine.forecast import Figure, Forecast, forecast
from engine.plan import Plan
from engine.results import RunResult
from engine.step_times import StepTimes
from engine.units import SECONDS_PER_HOUR

REPETITION_SPREAD = 0.02
"""Relative spread assumed for memory and loss, which repeated runs stay within: a single run does
not show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One quantity of one run. The name of the ``quantity`` states its unit."""

    quantity: str
    predicted: Figure
    measured: float

    @property
    def ratio(self) -> float:
        """Measured ÷ predicted."""
        return self.measured / self.predicted.value

    @property
    def inside_interval(self) -> bool:
        """Whether the measured value is between the bounds of the prediction."""
        return self.predicted.low <= self.measured <= self.predicted.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A finished run with the plan that it was forecast from."""

    run_id: str
    measured_on: datetime.date
    plan: Plan
    result: RunResult


def compare(predicted: Forecast, plan: Plan, result: RunResult) -> list[Comparison]:
    """Compare the forecast of a run with its measurements, quantity by quantity.

    The measured MFU is relative to the matmul rate that the run measured itself, and the predicted
    MFU to the peak in the table. Cost and hours count training steps without evaluations.
    """
    device_hours = result.steps_time_s * result.n_ranks / SECONDS_PER_HOUR
    cost_usd = device_hours * float(plan.cluster.price_usd_per_device_hour)
    pairs = (
        ("step_time_s", predicted.step_time_s, result.step_time_s),
        ("tokens_per_s", predicted.tokens_per_s, result.tokens_per_s),
        ("mfu", predicted.mfu, result.mfu),
        (
            "memory_bytes_per_device",
            predicted.memory_bytes_per_device,
            result.memory_bytes_per_device,
        ),
        ("loss_nats_per_token", predicted.loss_nats_per_token, result.held_out_loss),
        ("device_hours", predicted.device_hours, device_hours),
        ("cost_usd", predicted.cost_usd, cost_usd),
    )
    return [
        Comparison(quantity=quantity, predicted=figure, measured=measured)
        for quantity, figure, measured in pairs
        if figure.value  # a run on a free machine costs nothing and has no ratio of costs
    ]


def compare_steps(
    predicted: Forecast, tokens_per_step: int, step_times: StepTimes
) -> list[Comparison]:
    """Compare the forecast of a run that ended early with the steps that it measured.

    Such a run has no measured memory, no final loss and no peak rate of the machine, and its cost
    is not that of the whole run.
    """
    return [
        Comparison(
            quantity="step_time_s", predicted=predicted.step_time_s, measured=step_times.mean
        ),
        Comparison(
            quantity="tokens_per_s",
            predicted=predicted.tokens_per_s,
            measured=tokens_per_step / step_times.mean,
        ),
    ]


def calibrate(measurements: Sequence[Measurement]) -> Calibration:
    """Return the calibration from runs of one recipe on one kind of device.

    Ratios are relative to the forecast from the tables, without a calibration or a machine profile.
    Calibrating a calibrated plan therefore gives the same result. The value is the median of the
    runs' means. Low and high are the smallest 10th and the largest 90th percentile of step times of
    any run.

    Runs during which other processes used a tenth of the cores or more are left out if at least one
    run was calm. If none was, all runs count, and the calibration is marked as noisy.
    """
    if not measurements:
        raise ValueError("no measurements")
    calm = [run for run in measurements if not is_noisy(run.result)]
    measurements = calm or measurements
    step, low, high, memory, loss = [], [], [], [], []
    for run in measurements:
        base = forecast(run.plan.model_copy(update={"calibration": None, "profile": None}))
        predicted_s, result = base.step_time_s.value, run.result
        step.append(result.step_time_s / predicted_s)
        low.append(result.step_time_s_p10 / predicted_s)
        high.append(result.step_time_s_p90 / predicted_s)
        memory.append(result.memory_bytes_per_device / base.memory_bytes_per_device.value)
        loss.append(result.held_out_loss / base.loss_nats_per_token.value)
    latest = max(measurements, key=lambda run: run.measured_on)
    return Calibration(
        run_ids=tuple(run.run_id for run in measurements),
        measured_on=latest.measured_on,
        accelerator=latest.plan.cluster.accelerator,
        device=latest.result.device,
        parameters=latest.result.n_parameters,
        tokens=latest.result.tokens,
        step_time=RatioSpread(
            value=statistics.median(step), low=min(*low, *step), high=max(*high, *step)
        ),
        memory=_spread(memory),
        loss=_spread(loss),
        noisy_load_share=(
            None if calm else max(run.result.other_load_share for run in measurements)
        ),
    )


def is_noisy(result: RunResult) -> bool:
    """Return whether other processes used a tenth of the cores or more during the run."""
    return result.other_load_share >= NOISY_LOAD_SHARE


def _spread(values: Sequence[float]) -> RatioSpread:
    """Return the median of the runs, with bounds that a repetition is expected to stay within."""
    value = statistics.median(values)
    return RatioSpread(
        value=value,
        low=min(*values, value * (1 - REPETITION_SPREAD)),
        high=max(*values, value * (1 + REPETITION_SPREAD)),
    )

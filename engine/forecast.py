"""The forecast of a plan: every figure with a low, a high, and its source.

:func:`forecast` works in three stages: it chooses the measurements that apply to the plan
(:func:`choose_corrections`), predicts the training run (:func:`predict_training`) and predicts
serving (:func:`predict_serving`).
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Self

from pydantic import model_validator

from engine.calibration.calibration import RatioSpread
from engine.calibration.machine_profile import MachineProfile
from engine.costs.goodput import run_time_range
from engine.documents import Document, InputError
from engine.facts import Accelerator, Fact, LossCoefficients, accelerator, law_coefficients
from engine.flops import training_flops_per_token
from engine.plan import Plan
from engine.predictor.efficiency import device_spread, efficiency_parameters, is_known, spreads
from engine.predictor.estimate import Estimate, estimate, hfu, mfu
from engine.predictor.stacks import Stack, stacks
from engine.scaling.expected import expected_loss
from engine.serving_forecast import planned_serving
from engine.units import BYTES_PER_GB, SECONDS_PER_HOUR

LEAST_GOODPUT_SHARE = 0.01
"""Least lower bound of a goodput share: people stop a run that makes less progress."""


class Figure(Document):
    """A forecast figure. 80% of outcomes are expected between ``low`` and ``high``."""

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise InputError("value", self.value, "between", low=self.low, high=self.high)
        return self

    def __mul__(self, factor: float) -> Figure:
        return Figure(value=self.value * factor, low=self.low * factor, high=self.high * factor)

    def inverse_of(self, numerator: float) -> Figure:
        """Return ``numerator`` divided by this figure; the low follows from this figure's high."""
        return Figure(
            value=numerator / self.value, low=numerator / self.high, high=numerator / self.low
        )


class Forecast(Document):
    """All figures that the engine forecasts for a plan."""

    plan_hash: str
    calibration_run_ids: tuple[str, ...]
    """Runs whose measurements correct the speed; empty if none does."""
    profile_measured_on: datetime.date | None = None
    """Date of the machine profile that speed and memory are predicted from, if one applies."""

    parameters_total: int
    parameters_embedding: int
    parameters_non_embedding: int
    training_flops_per_token: float
    training_flops: float
    steps: int
    tokens_per_step: int

    memory_bytes_per_device: Figure
    memory_parts_bytes: dict[str, float]
    """Parts of the predicted memory of one device in bytes, before calibration."""
    device_memory_bytes: float
    fits: bool

    step_time_s: Figure
    step_parts_s: dict[str, float]
    """Parts of the predicted step time in seconds, before calibration."""
    tokens_per_s: Figure
    mfu: Figure
    """Model FLOPs utilisation, as a share of the dense peak."""
    hfu: Figure
    """Hardware FLOPs utilisation: like MFU, with the FLOPs that activation checkpointing
    recomputes."""
    goodput_share: Figure
    """Share of the wall-clock time that makes progress."""
    wall_clock_hours: Figure
    device_hours: Figure
    """Hours of all devices together: GPU-hours if the devices are GPUs."""
    cost_usd: Figure

    loss_nats_per_token: Figure
    loss_extrapolated: bool
    loss_calibrated: bool

    serving_tokens_per_s_per_device: Figure
    """Output tokens per second and device while no prompt is processed."""
    serving_usd_per_million_tokens: Figure
    """Cost of a million output tokens in USD."""
    serving_usd_per_million_input_tokens: Figure
    serving_usd_per_million_cached_tokens: Figure
    serving_time_to_first_token_s: Figure

    sources: dict[str, str]
    """Source and date of each kind of fact that the forecast uses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """Measurements that apply to a plan. None means that there is no such measurement.

    Ratios measured on runs multiply what the tables predict. A machine profile replaces the
    tables for speed and memory; it applies only where no measured run corrects the speed.
    """

    run_ids: tuple[str, ...]
    """Runs whose step time corrects the speed."""
    step_time: RatioSpread | None
    memory: RatioSpread | None
    loss: RatioSpread | None
    profile: MachineProfile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedTraining:
    """The training run of a plan, with its measurements applied."""

    device: Accelerator
    """The device of the plan, with the rates of the machine profile if one applies."""
    estimate: Estimate
    step_s: Figure
    memory_bytes: Figure
    """Memory of one device in bytes."""
    goodput_share: Figure
    wall_clock_hours: Figure
    loss_nats_per_token: Figure
    loss_extrapolated: bool
    """Whether the model or its tokens lie outside the runs that the loss law was fitted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedServing:
    """Speed and cost of serving the plan's model, with the interval of unmeasured software."""

    tokens_per_s_per_device: Figure
    usd_per_million_output_tokens: Figure
    usd_per_million_input_tokens: Figure
    usd_per_million_cached_tokens: Figure
    time_to_first_token_s: Figure


def forecast(plan: Plan) -> Forecast:
    """Forecast a plan. A pure function of the plan and the tables in ``data/``.

    Raises
    ------
    InputError
        If a fact that the plan needs is missing, such as the peak of the device at the plan's
        precision.
    """
    device = accelerator(plan.cluster.accelerator, "plan.cluster.accelerator")
    stack = stacks()[plan.software]
    law = law_coefficients(plan.law, "plan.law")
    count = plan.shape.count_parameters()
    n_devices = plan.cluster.n_devices

    corrections = choose_corrections(plan, device, count.total)
    training = predict_training(plan, device, stack, law, corrections)
    serving = predict_serving(plan)

    tokens_per_s = training.step_s.inverse_of(plan.tokens_per_step)
    device_hours = training.wall_clock_hours * n_devices
    device_memory_bytes = training.device.memory_gb * BYTES_PER_GB
    profile = corrections.profile
    return Forecast(
        plan_hash=plan.content_hash,
        calibration_run_ids=corrections.run_ids,
        profile_measured_on=profile.measured_on if profile else None,
        parameters_total=count.total,
        parameters_embedding=count.embedding,
        parameters_non_embedding=count.non_embedding,
        training_flops_per_token=training_flops_per_token(plan.shape),
        training_flops=training_flops_per_token(plan.shape) * plan.tokens,
        steps=plan.steps,
        tokens_per_step=plan.tokens_per_step,
        memory_bytes_per_device=training.memory_bytes,
        memory_parts_bytes=training.estimate.memory_parts_bytes,
        device_memory_bytes=device_memory_bytes,
        fits=training.memory_bytes.value <= device_memory_bytes,
        step_time_s=training.step_s,
        step_parts_s=training.estimate.step_parts_s,
        tokens_per_s=tokens_per_s,
        mfu=tokens_per_s * mfu(plan.shape, plan.layout, training.device, 1.0 / n_devices),
        hfu=tokens_per_s * hfu(plan.shape, plan.layout, training.device, 1.0 / n_devices),
        goodput_share=training.goodput_share,
        wall_clock_hours=training.wall_clock_hours,
        device_hours=device_hours,
        cost_usd=device_hours * float(plan.cluster.price_usd_per_device_hour),
        loss_nats_per_token=training.loss_nats_per_token,
        loss_extrapolated=training.loss_extrapolated and corrections.loss is None,
        loss_calibrated=corrections.loss is not None,
        serving_tokens_per_s_per_device=serving.tokens_per_s_per_device,
        serving_usd_per_million_tokens=serving.usd_per_million_output_tokens,
        serving_usd_per_million_input_tokens=serving.usd_per_million_input_tokens,
        serving_usd_per_million_cached_tokens=serving.usd_per_million_cached_tokens,
        serving_time_to_first_token_s=serving.time_to_first_token_s,
        sources={
            "accelerator": _cited(training.device),
            "efficiency": (
                f"python -m engine profile, on {profile.device} ({profile.measured_on})"
                if profile
                else _cited(efficiency_parameters()[0])
            ),
            "software": _cited(stack),
            "law": _cited(law),
            "price": plan.cluster.price_source,
        },
    )


def choose_corrections(plan: Plan, device: Accelerator, parameters: int) -> Corrections:
    """Choose the measurements of the plan that apply to its device, its size and its tokens.

    A calibration applies to speed on the same accelerator, to memory if the model is also of about
    the same size, and to loss if size and tokens are about the same
    (:mod:`engine.calibration.calibration`).
    """
    found, name = plan.calibration, device.accelerator
    speed = found if found and found.corrects_speed_on(name) else None
    memory = found if found and found.corrects_memory_of(parameters, name) else None
    loss = found if found and found.corrects_loss_at(parameters, plan.tokens) else None
    profile = plan.profile if speed is None else None
    if profile and not profile.applies_to(name):
        profile = None
    return Corrections(
        run_ids=speed.run_ids if speed else (),
        step_time=speed.step_time if speed else None,
        memory=memory.memory if memory and profile is None else None,
        loss=loss.loss if loss else None,
        profile=profile,
    )


def predict_training(
    plan: Plan,
    device: Accelerator,
    stack: Stack,
    law: LossCoefficients,
    corrections: Corrections,
) -> PredictedTraining:
    """Predict step time, memory, wall-clock time and loss of the plan's training run.

    Raises
    ------
    InputError
        If the layout is impossible, the device has no peak for its precision, or failures stop
        all progress.
    """
    profile, n_devices = corrections.profile, plan.cluster.n_devices
    if profile is None:
        predicted = estimate(plan.shape, plan.layout, device, n_devices, stack)
        step_spread = max(
            spreads().of(known=is_known(stack), moe=plan.shape.moe is not None),
            device_spread(device.accelerator),
        )
        memory_spread = spreads().memory
    else:
        device = profile.of(device)
        predicted = estimate(plan.shape, plan.layout, device, n_devices, stack, profile.values)
        step_spread, memory_spread = profile.step_spread, profile.memory_spread
    step_factor, memory_factor = math.exp(step_spread), math.exp(memory_spread)
    step_s = _corrected(predicted.step_s, 1 / step_factor, step_factor, corrections.step_time)
    goodput = _goodput(plan, step_s.value)
    parameters = plan.shape.count_parameters().total
    loss = expected_loss(law, parameters, plan.tokens, plan.shape.vocab)
    return PredictedTraining(
        device=device,
        estimate=predicted,
        step_s=step_s,
        memory_bytes=_corrected(
            predicted.memory_bytes, 1 / memory_factor, memory_factor, corrections.memory
        ),
        goodput_share=goodput,
        wall_clock_hours=Figure(
            value=step_s.value / goodput.value,
            low=step_s.low / goodput.high,
            high=step_s.high / goodput.low,
        )
        * (plan.steps / SECONDS_PER_HOUR),
        loss_nats_per_token=_corrected(
            loss.value, loss.low / loss.value, loss.high / loss.value, corrections.loss
        ),
        loss_extrapolated=loss.extrapolated,
    )


def predict_serving(plan: Plan) -> PredictedServing:
    """Predict speed and cost of serving the plan's model on the device that trains it.

    Raises
    ------
    InputError
        If no number of devices up to a node holds the model and one request.
    """
    served = planned_serving(plan)
    factor = math.exp(spreads().unknown)
    interval = Figure(value=1, low=1 / factor, high=factor)
    return PredictedServing(
        tokens_per_s_per_device=interval * served.point.decode_tokens_per_s_per_device,
        usd_per_million_output_tokens=interval * served.prices.usd_per_million_output_tokens,
        usd_per_million_input_tokens=interval * served.prices.usd_per_million_input_tokens,
        usd_per_million_cached_tokens=interval * served.prices.usd_per_million_cached_tokens,
        time_to_first_token_s=interval * served.point.time_to_first_token_s,
    )


def _goodput(plan: Plan, step_time_s: float) -> Figure:
    """Return the plan's availability, or else the goodput that failures, checkpoints and restarts
    leave."""
    share = plan.cluster.availability_share
    if share is not None:
        return Figure(value=share, low=share, high=share)
    return modelled_goodput(plan, step_time_s)


def modelled_goodput(plan: Plan, step_time_s: float) -> Figure:
    """Return the goodput that failures, checkpoints and restarts leave.

    A goodput that the plan states is not used.

    Raises
    ------
    InputError
        If failures are so frequent that the run never ends.
    """
    expected = run_time_range(
        plan.reliability,
        n_devices=plan.cluster.n_devices,
        parameters=plan.shape.count_parameters().total,
        steps=plan.steps,
        step_time_s=step_time_s,
    )
    if expected.value.goodput_share <= 0:
        raise InputError(
            "reliability.failures_per_device_year",
            plan.reliability.failures_per_device_year,
            "run_never_ends",
        )
    shares = [time.goodput_share for time in (expected.low, expected.value, expected.high)]
    return Figure(
        value=expected.value.goodput_share,
        low=max(min(shares), LEAST_GOODPUT_SHARE),
        high=max(shares),
    )


def _corrected(
    predicted: float, low_ratio: float, high_ratio: float, measured: RatioSpread | None
) -> Figure:
    """Return ``predicted`` with its prior interval, or times the measured ratio and its spread."""
    if measured is None:
        return Figure(value=predicted, low=predicted * low_ratio, high=predicted * high_ratio)
    return Figure(
        value=predicted * measured.value,
        low=predicted * measured.low,
        high=predicted * measured.high,
    )


def _cited(fact: Fact) -> str:
    return f"{fact.source} ({fact.as_of})"

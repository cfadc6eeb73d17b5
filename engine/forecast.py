"""The forecast of a plan: every figure with a low, a high, and where it comes from."""

from __future__ import annotations

import datetime
import math
from typing import Self

from pydantic import model_validator

from engine.calibration.calibration import RatioSpread
from engine.costs.goodput import run_time_range
from engine.documents import Document, InputError
from engine.facts import Fact, accelerator, law_coefficients
from engine.flops import training_flops_per_token
from engine.plan import Plan
from engine.predictor.efficiency import efficiency_parameters, is_known, spreads
from engine.predictor.estimate import estimate, hfu, mfu
from engine.predictor.stacks import stacks
from engine.scaling.expected import expected_loss
from engine.serving_forecast import planned_serving
from engine.units import BYTES_PER_GB, SECONDS_PER_HOUR

LEAST_GOODPUT_SHARE = 0.01
"""Of a forecast's lower bound: a run that makes less progress is stopped by people."""


class Figure(Document):
    """A forecast figure; 80% of outcomes are expected between ``low`` and ``high``."""

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
        """``numerator`` divided by this figure: its low comes from this one's high."""
        return Figure(
            value=numerator / self.value, low=numerator / self.high, high=numerator / self.low
        )


class Forecast(Document):
    """What the engine says of a plan."""

    plan_hash: str
    calibration_run_ids: tuple[str, ...]
    """Runs whose measurements correct the speed and memory; empty where none does."""
    profile_measured_on: datetime.date | None = None
    """Of the machine's profile that the speed and memory stand on, if they do."""

    parameters_total: int
    parameters_embedding: int
    parameters_non_embedding: int
    training_flops_per_token: float
    training_flops: float
    steps: int
    tokens_per_step: int

    memory_bytes_per_device: Figure
    memory_parts_bytes: dict[str, float]
    """Before calibration."""
    device_memory_bytes: float
    fits: bool

    step_time_s: Figure
    step_parts_s: dict[str, float]
    """Before calibration."""
    tokens_per_s: Figure
    mfu: Figure
    hfu: Figure
    """As MFU, with what activation checkpointing computes again."""
    goodput_share: Figure
    """Share of the wall-clock time that makes progress."""
    wall_clock_hours: Figure
    device_hours: Figure
    """GPU-hours where the devices are GPUs."""
    cost_usd: Figure

    loss_nats_per_token: Figure
    loss_extrapolated: bool
    loss_calibrated: bool

    serving_tokens_per_s_per_device: Figure
    """Answers being written, while no prompt is read."""
    serving_usd_per_million_tokens: Figure
    """Of answers."""
    serving_usd_per_million_input_tokens: Figure
    serving_usd_per_million_cached_tokens: Figure
    serving_time_to_first_token_s: Figure

    sources: dict[str, str]
    """Facts that went in, by what they are: where from and from when."""


def forecast(plan: Plan) -> Forecast:
    """Forecast a plan. A pure function of the plan and the tables in ``data/``.

    Raises
    ------
    InputError
        If a fact that the plan needs is missing (a precision the device lacks, say).
    """
    device = accelerator(plan.cluster.accelerator, "plan.cluster.accelerator")
    stack = stacks()[plan.software]
    law = law_coefficients(plan.law, "plan.law")
    count = plan.shape.count_parameters()
    n_devices = plan.cluster.n_devices

    speed = at_size = at_scale = plan.calibration
    if speed and not speed.speaks_for_speed_on(device.accelerator):
        speed = None
    if at_size and not at_size.speaks_for_memory_of(count.total, device.accelerator):
        at_size = None
    if at_scale and not at_scale.speaks_for_loss_at(count.total, plan.tokens):
        at_scale = None
    # What was measured of runs corrects the forecast from the tables; a profile replaces it.
    profile = plan.profile if speed is None else None
    if profile and not profile.speaks_for(device.accelerator):
        profile = None
    if profile is None:
        predicted = estimate(plan.shape, plan.layout, device, n_devices, stack)
        spread = spreads().of(known=is_known(stack), moe=plan.shape.moe is not None)
        memory_spread = spreads().memory
    else:
        device, at_size = profile.of(device), None
        predicted = estimate(plan.shape, plan.layout, device, n_devices, stack, profile.values)
        spread, memory_spread = profile.step_spread, profile.memory_spread
    width = math.exp(spread)
    step_s = _corrected(predicted.step_s, 1 / width, width, speed.step_time if speed else None)
    width = math.exp(memory_spread)
    memory_bytes = _corrected(
        predicted.memory_bytes, 1 / width, width, at_size.memory if at_size else None
    )
    tokens_per_s = step_s.inverse_of(plan.tokens_per_step)
    goodput = _goodput(plan, step_s.value)
    wall_hours = Figure(
        value=step_s.value / goodput.value,
        low=step_s.low / goodput.high,
        high=step_s.high / goodput.low,
    ) * (plan.steps / SECONDS_PER_HOUR)
    device_hours = wall_hours * n_devices
    price = float(plan.cluster.price_usd_per_device_hour)

    expected = expected_loss(law, count.total, plan.tokens, plan.shape.vocab)
    loss = _corrected(
        expected.value,
        expected.low / expected.value,
        expected.high / expected.value,
        at_scale.loss if at_scale else None,
    )

    serving = planned_serving(plan)
    width = math.exp(spreads().unknown)
    around = Figure(value=1, low=1 / width, high=width)
    return Forecast(
        plan_hash=plan.content_hash,
        calibration_run_ids=speed.run_ids if speed else (),
        profile_measured_on=profile.measured_on if profile else None,
        parameters_total=count.total,
        parameters_embedding=count.embedding,
        parameters_non_embedding=count.non_embedding,
        training_flops_per_token=training_flops_per_token(plan.shape),
        training_flops=training_flops_per_token(plan.shape) * plan.tokens,
        steps=plan.steps,
        tokens_per_step=plan.tokens_per_step,
        memory_bytes_per_device=memory_bytes,
        memory_parts_bytes=predicted.memory_parts_bytes,
        device_memory_bytes=device.memory_gb * BYTES_PER_GB,
        fits=memory_bytes.value <= device.memory_gb * BYTES_PER_GB,
        step_time_s=step_s,
        step_parts_s=predicted.step_parts_s,
        tokens_per_s=tokens_per_s,
        mfu=tokens_per_s * mfu(plan.shape, plan.layout, device, 1.0 / n_devices),
        hfu=tokens_per_s * hfu(plan.shape, plan.layout, device, 1.0 / n_devices),
        goodput_share=goodput,
        wall_clock_hours=wall_hours,
        device_hours=device_hours,
        cost_usd=device_hours * price,
        loss_nats_per_token=loss,
        loss_extrapolated=expected.extrapolated and at_scale is None,
        loss_calibrated=at_scale is not None,
        serving_tokens_per_s_per_device=around * serving.point.decode_tokens_per_s_per_device,
        serving_usd_per_million_tokens=around * serving.prices.usd_per_million_output_tokens,
        serving_usd_per_million_input_tokens=around * serving.prices.usd_per_million_input_tokens,
        serving_usd_per_million_cached_tokens=(
            around * serving.prices.usd_per_million_cached_tokens
        ),
        serving_time_to_first_token_s=around * serving.point.time_to_first_token_s,
        sources={
            "accelerator": _cited(device),
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


def _goodput(plan: Plan, step_time_s: float) -> Figure:
    """As the plan says, or as failures, checkpoints and restarts let expect."""
    share = plan.cluster.availability_share
    if share is not None:
        return Figure(value=share, low=share, high=share)
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
    shares = [one.goodput_share for one in (expected.low, expected.value, expected.high)]
    return Figure(
        value=expected.value.goodput_share,
        low=max(min(shares), LEAST_GOODPUT_SHARE),
        high=max(shares),
    )


def _corrected(
    predicted: float, low_ratio: float, high_ratio: float, measured: RatioSpread | None
) -> Figure:
    """``predicted`` with its prior interval, or with the measured ratio and its spread."""
    if measured is None:
        return Figure(value=predicted, low=predicted * low_ratio, high=predicted * high_ratio)
    return Figure(
        value=predicted * measured.value,
        low=predicted * measured.low,
        high=predicted * measured.high,
    )


def _cited(fact: Fact) -> str:
    return f"{fact.source} ({fact.as_of})"

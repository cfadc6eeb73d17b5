"""The forecast of a plan: every figure with a low, a high, and where it comes from."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from engine.calibration import RatioSpread
from engine.documents import Document, InputError
from engine.facts import Fact, accelerator, efficiency, law_coefficients
from engine.flops import training_flops_per_token
from engine.memory import GB, device_memory
from engine.plan import Plan
from engine.scaling import expected_loss
from engine.serving import decode_tokens_per_s
from engine.throughput import mfu, step_time

SECONDS_PER_HOUR = 3600.0


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
    wall_clock_hours: Figure
    device_hours: Figure
    """GPU-hours where the devices are GPUs."""
    cost_usd: Figure

    loss_nats_per_token: Figure
    loss_extrapolated: bool
    loss_calibrated: bool

    serving_tokens_per_s_per_device: Figure
    serving_usd_per_million_tokens: Figure

    sources: dict[str, str]
    """Facts that went in, by what they are: where from and from when."""


MEMORY_ERROR_SHARE = 0.25
"""Half-width of the memory interval before calibration: frameworks differ that much in what
they keep and count."""


def forecast(plan: Plan) -> Forecast:
    """Forecast a plan. A pure function of the plan and the tables in ``data/``.

    Raises
    ------
    InputError
        If a fact that the plan needs is missing (a precision the device lacks, say).
    """
    device = accelerator(plan.cluster.accelerator, "plan.cluster.accelerator")
    known = efficiency(device.arch)
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
    step = step_time(plan.shape, plan.layout, device, n_devices)
    step_s = _corrected(
        step.total, known.step_time_low, known.step_time_high, speed.step_time if speed else None
    )
    memory = device_memory(plan.shape, plan.layout, device, n_devices)
    memory_bytes = _corrected(
        memory.total,
        1 - MEMORY_ERROR_SHARE,
        1 + MEMORY_ERROR_SHARE,
        at_size.memory if at_size else None,
    )
    tokens_per_s = step_s.inverse_of(plan.tokens_per_step)
    wall_hours = step_s * (plan.steps / SECONDS_PER_HOUR / plan.cluster.availability_share)
    device_hours = wall_hours * n_devices
    price = float(plan.cluster.price_usd_per_device_hour)

    expected = expected_loss(law, count.total, plan.tokens, plan.shape.vocab)
    loss = _corrected(
        expected.value,
        expected.low / expected.value,
        expected.high / expected.value,
        at_scale.loss if at_scale else None,
    )

    decoding = Figure(value=1, low=1 / known.step_time_high, high=1 / known.step_time_low) * (
        decode_tokens_per_s(plan, device)
    )
    busy_tokens_per_hour = decoding * (SECONDS_PER_HOUR * plan.serving.utilisation_share)
    return Forecast(
        plan_hash=plan.content_hash,
        calibration_run_ids=speed.run_ids if speed else (),
        parameters_total=count.total,
        parameters_embedding=count.embedding,
        parameters_non_embedding=count.non_embedding,
        training_flops_per_token=training_flops_per_token(plan.shape),
        training_flops=training_flops_per_token(plan.shape) * plan.tokens,
        steps=plan.steps,
        tokens_per_step=plan.tokens_per_step,
        memory_bytes_per_device=memory_bytes,
        memory_parts_bytes=memory.parts(),
        device_memory_bytes=device.memory_gb * GB,
        fits=memory_bytes.value <= device.memory_gb * GB,
        step_time_s=step_s,
        step_parts_s=step.parts(),
        tokens_per_s=tokens_per_s,
        mfu=tokens_per_s * mfu(plan.shape, plan.layout, device, 1.0, n_devices),
        wall_clock_hours=wall_hours,
        device_hours=device_hours,
        cost_usd=device_hours * price,
        loss_nats_per_token=loss,
        loss_extrapolated=expected.extrapolated and at_scale is None,
        loss_calibrated=at_scale is not None,
        serving_tokens_per_s_per_device=decoding,
        serving_usd_per_million_tokens=busy_tokens_per_hour.inverse_of(price * 1e6),
        sources={
            "accelerator": _cited(device),
            "efficiency": _cited(known),
            "law": _cited(law),
            "price": plan.cluster.price_source,
        },
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

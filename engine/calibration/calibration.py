"""A calibration: ratios of measured values of runs to the values forecast for them.

A calibration corrects a forecast only near its own measurement: step time on the same
accelerator, memory on the same accelerator at about the same size, and loss at about the same
scale. Other forecasts are not corrected by it.
"""

from __future__ import annotations

import datetime
import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import PositiveInt

Ratio = Annotated[float, Field(gt=0, le=1e6)]

NOISY_LOAD_SHARE = 0.1
"""Share of the cores used by other processes from which a machine counts as noisy."""
SCALE_FACTOR = 4.0
"""Largest factor in parameters, and for the loss in tokens, between a measurement and a plan that
it corrects."""


class RatioSpread(Document):
    """Ratio of measured to predicted values, with its spread over steps and runs."""

    value: Ratio
    low: Ratio
    high: Ratio

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise InputError("value", self.value, "between", low=self.low, high=self.high)
        return self


class Calibration(Document):
    """Ratios of one or more runs of the same recipe on the same kind of device."""

    run_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=1_000)]
    measured_on: datetime.date
    accelerator: str
    device: str
    """Name that the machine reports for itself."""
    parameters: PositiveInt
    tokens: PositiveInt
    step_time: RatioSpread
    memory: RatioSpread
    loss: RatioSpread
    noisy_load_share: Annotated[float, Field(ge=0, le=1)] | None = None
    """Largest share of the cores that other processes used during a run, if the machine was noisy
    in every run; None for a calm machine, and for a calibration that does not record the load."""

    @property
    def is_noisy(self) -> bool:
        """Whether every run was measured while other processes used much of the machine."""
        return self.noisy_load_share is not None

    def corrects_speed_on(self, accelerator: str) -> bool:
        """Return whether step times on ``accelerator`` are corrected."""
        return self.accelerator == accelerator

    def corrects_memory_of(self, parameters: float, accelerator: str) -> bool:
        """Return whether the memory of a model of this size on ``accelerator`` is corrected.

        The size must be about the same, since libraries take a larger share of the memory of a
        small model.
        """
        return self.accelerator == accelerator and is_near(parameters, self.parameters)

    def corrects_loss_at(self, parameters: float, tokens: float) -> bool:
        """Return whether the loss at this scale is corrected."""
        return is_near(parameters, self.parameters) and is_near(tokens, self.tokens)


def is_near(first: float, second: float) -> bool:
    """Return whether two scales differ by at most ``SCALE_FACTOR``."""
    return abs(math.log(first / second)) <= math.log(SCALE_FACTOR)

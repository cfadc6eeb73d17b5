"""A calibration: what runs measured over what had been forecast for them.

It corrects a forecast only where it was measured for the same thing: step time and memory on
the same accelerator (memory also at about the same size), loss at about the same scale.
Elsewhere it is kept as evidence, and says nothing.
"""

from __future__ import annotations

import datetime
import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError
from engine.field_types import PositiveInt

Ratio = Annotated[float, Field(gt=0, le=1e6)]

SCALE_FACTOR = 4.0
"""A measured loss speaks for plans within this factor in parameters and in tokens, measured
memory within this factor in parameters."""


class RatioSpread(Document):
    """Measured ÷ predicted, with its spread between steps and runs."""

    value: Ratio
    low: Ratio
    high: Ratio

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise InputError("value", self.value, "between", low=self.low, high=self.high)
        return self


class Calibration(Document):
    """Ratios of one or several runs of the same recipe on the same kind of device."""

    run_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=1_000)]
    measured_on: datetime.date
    accelerator: str
    device: str
    """The machine as it names itself."""
    parameters: PositiveInt
    tokens: PositiveInt
    step_time: RatioSpread
    memory: RatioSpread
    loss: RatioSpread

    def corrects_speed_on(self, accelerator: str) -> bool:
        return self.accelerator == accelerator

    def corrects_memory_of(self, parameters: float, accelerator: str) -> bool:
        """On the same accelerator, for a model of about the same size: what libraries take
        weighs most in a small model and least in a large one."""
        return self.accelerator == accelerator and is_near(parameters, self.parameters)

    def corrects_loss_at(self, parameters: float, tokens: float) -> bool:
        return is_near(parameters, self.parameters) and is_near(tokens, self.tokens)


def is_near(one: float, other: float) -> bool:
    """Whether what was measured at one scale speaks for the other."""
    return abs(math.log(one / other)) <= math.log(SCALE_FACTOR)

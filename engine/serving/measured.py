"""A model made smaller and served beside the one that it was made from: what was measured.

As a calibration does for training, it moves a plan's serving only where it was measured for the
same thing: on the same kind of device, at about the same size and number of answers at a time.
"""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import Field

from engine.calibration.calibration import RatioSpread, is_near
from engine.documents import Document
from engine.field_types import PositiveInt, ShortName


class MeasuredServing(Document):
    """Speeds over those of the model as it was trained, and what it loses."""

    way: ShortName
    """How it was made smaller: ``int8``, ``distilled`` …"""
    run_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
    measured_on: datetime.date
    accelerator: str
    device: str
    """The machine as it names itself."""
    parameters: PositiveInt
    """Of the model as it was trained."""
    concurrent_sequences: PositiveInt
    """Answers at a time."""
    reading: RatioSpread
    """Of prompts."""
    writing: RatioSpread
    loss_difference: float
    """Held-out loss less that of the model as it was trained, in nats per token."""

    def speaks_for(self, accelerator: str, parameters: float, concurrent_sequences: int) -> bool:
        return (
            self.accelerator == accelerator
            and is_near(parameters, self.parameters)
            and is_near(concurrent_sequences, self.concurrent_sequences)
        )

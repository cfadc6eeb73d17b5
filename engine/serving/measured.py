"""Measured speed and loss of a compressed model, served beside the model as trained.

A measurement corrects a plan's serving only if it was made on the same kind of device and at
about the same size and number of sequences at a time, as a calibration does for training.
"""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import Field

from engine.calibration.calibration import RatioSpread, is_near
from engine.documents import Document
from engine.field_types import PositiveInt, ShortName


class MeasuredServing(Document):
    """Speeds of a compressed model over those of the model as trained, and its loss."""

    way: ShortName
    """Kind of compression, such as ``int8`` or ``distilled``."""
    run_ids: Annotated[tuple[str, ...], Field(min_length=1, max_length=10)]
    measured_on: datetime.date
    accelerator: str
    device: str
    """Name that the machine reports for itself."""
    parameters: PositiveInt
    """Parameters of the model as trained."""
    concurrent_sequences: PositiveInt
    """Sequences generated at a time."""
    reading: RatioSpread
    """Speed of prefill, as a ratio."""
    writing: RatioSpread
    """Speed of decoding, as a ratio."""
    loss_difference: float
    """Held-out loss minus that of the model as trained, in nats per token."""

    def applies_to(self, accelerator: str, parameters: float, concurrent_sequences: int) -> bool:
        """Return whether the measurement was made near this device, size and load."""
        return (
            self.accelerator == accelerator
            and is_near(parameters, self.parameters)
            and is_near(concurrent_sequences, self.concurrent_sequences)
        )

"""The model plan: what to train, on how many tokens, on which devices, at which price."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from engine.calibration import Calibration
from engine.documents import Document
from engine.facts import accelerator, law_coefficients
from engine.layout import Layout
from engine.shapes import ModelShape
from engine.throughput import peak_flops_per_s

Share = Annotated[float, Field(gt=0, le=1)]
UsdPerHour = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=12)]


class Cluster(Document):
    """The devices that the training run pays for."""

    accelerator: str
    """A name from ``data/accelerators.csv``."""
    n_devices: Annotated[int, Field(ge=1, le=1_000_000)]
    price_usd_per_device_hour: UsdPerHour
    price_source: Annotated[str, Field(min_length=1, max_length=300)]
    """Where the price comes from, with its date, or 'own assumption'."""
    availability_share: Share = 0.95
    """Share of the paid hours in which the run makes progress; the rest is failures, restarts
    and checkpoints."""

    @field_validator("accelerator")
    @classmethod
    def _known(cls, name: str) -> str:
        return accelerator(name, field="").accelerator


class ServingPlan(Document):
    """How the trained model answers requests, on the same kind of device."""

    concurrent_sequences: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Answers that one device generates at a time."""
    context_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1_024
    """Tokens that an answer looks back on, on average."""
    utilisation_share: Share = 0.4
    """Share of the paid hours in which the serving devices are busy."""


class Plan(Document):
    """A training run as planned."""

    shape: ModelShape
    tokens: Annotated[int, Field(ge=1, le=10**17)]
    """Training tokens, repetitions included."""
    layout: Layout
    cluster: Cluster
    peak_learning_rate: Annotated[float, Field(gt=0, le=1)] = 3e-4
    law: str = "hoffmann_2022_unrounded"
    """Coefficients of the scaling law, by their name in ``data/scaling_laws.csv``."""
    serving: ServingPlan = ServingPlan()
    calibration: Calibration | None = None

    @field_validator("law")
    @classmethod
    def _known_law(cls, name: str) -> str:
        return law_coefficients(name, field="").law

    @model_validator(mode="after")
    def _device_has_precision(self) -> Self:
        peak_flops_per_s(accelerator(self.cluster.accelerator), self.layout)
        return self

    @property
    def tokens_per_step(self) -> int:
        sequences = self.layout.global_batch_sequences(self.cluster.n_devices)
        return sequences * self.shape.seq_len_tokens

    @property
    def steps(self) -> int:
        """Optimizer steps; the last one may go a little beyond ``tokens``."""
        return max(1, -(-self.tokens // self.tokens_per_step))

"""The model plan: the model to train, its tokens, devices and prices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from engine.calibration.calibration import Calibration
from engine.calibration.machine_profile import MachineProfile
from engine.costs.goodput import Reliability
from engine.documents import Document, InputError, read_toml_table
from engine.facts import Accelerator, accelerator, law_coefficients, look_up, typical_price
from engine.field_types import LearningRate, PositiveShare, ShareBelowOne, UsdPerHour
from engine.layout import Layout, Precision
from engine.predictor.stacks import stacks
from engine.serving.measured import MeasuredServing
from engine.shapes import ModelShape


class Cluster(Document):
    """The devices that the training run pays for."""

    accelerator: str
    """A name from ``data/accelerators.csv``."""
    n_devices: Annotated[int, Field(ge=1, le=1_000_000)]
    price_usd_per_device_hour: UsdPerHour
    price_source: Annotated[str, Field(min_length=1, max_length=300)]
    """Source of the price, with its date, or 'own assumption'."""
    availability_share: PositiveShare | None = None
    """Share of the paid hours in which the run makes progress; the rest goes to failures, restarts
    and checkpoints. If it is None, :mod:`engine.costs.goodput` predicts it."""

    @field_validator("accelerator")
    @classmethod
    def _accelerator_exists(cls, name: str) -> str:
        return accelerator(name, field="").accelerator


class ServingPlan(Document):
    """Serving of the trained model, on the same kind of device."""

    concurrent_sequences: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Number of answers that one device generates at the same time."""
    context_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1_024
    """Mean number of input tokens of a request."""
    output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """Mean number of output tokens of a request."""
    cached_share: ShareBelowOne = 0.0
    """Share of the input tokens whose keys and values are cached from an earlier request."""
    weights: Literal["as_trained", "fp32", "bf16", "fp8", "int8", "int4", "nvfp4"] = "as_trained"
    """Precision of the weights while they are served."""
    utilisation_share: PositiveShare = 0.4
    """Share of the paid hours in which the serving devices are busy."""
    measured: MeasuredServing | None = None
    """Measured speed of a compressed model, if one is served."""

    @model_validator(mode="after")
    def _weights_fit_measurement(self) -> Self:
        if self.measured and self.weights != "as_trained":  # the measured ratios are relative to it
            raise InputError("weights", self.weights, "equal", to="as_trained")
        return self


class Plan(Document):
    """A training run as planned."""

    shape: ModelShape
    tokens: Annotated[int, Field(ge=1, le=10**17)]
    """Training tokens, repetitions included."""
    layout: Layout
    cluster: Cluster
    peak_learning_rate: LearningRate = 3e-4
    software: str = "default"
    """Training software, by its name in ``data/software_stacks.csv``."""
    reliability: Reliability = Reliability()
    """Assumptions about failures and checkpoints, used if no availability is given."""
    law: str = "hoffmann_2022_unrounded"
    """Scaling law, by its name in ``data/scaling_laws.csv``."""
    serving: ServingPlan = ServingPlan()
    calibration: Calibration | None = None
    profile: MachineProfile | None = None
    """Measured profile of the machine that runs the plan. A calibration of the speed replaces
    it."""

    @field_validator("software")
    @classmethod
    def _software_exists(cls, name: str) -> str:
        return look_up(stacks(), name, "").stack

    @field_validator("law")
    @classmethod
    def _law_exists(cls, name: str) -> str:
        return law_coefficients(name, field="").law

    @model_validator(mode="after")
    def _layout_is_possible(self) -> Self:
        accelerator(self.cluster.accelerator).needed_flops_per_s(self.layout.precision)
        try:
            self.layout.check(self.shape, self.cluster.n_devices)
        except InputError as error:
            where = "cluster" if error.field == "n_devices" else "layout"
            raise InputError(
                f"{where}.{error.field}", error.value, error.rule, **error.params
            ) from None
        return self

    @property
    def tokens_per_step(self) -> int:
        """Number of tokens of all devices in one optimizer step."""
        sequences = self.layout.global_batch_sequences(self.cluster.n_devices)
        return sequences * self.shape.seq_len_tokens

    @property
    def steps(self) -> int:
        """Number of optimizer steps. The last step may exceed ``tokens``."""
        return max(1, -(-self.tokens // self.tokens_per_step))


def read_plan(path: Path) -> Plan:
    """Return the ``[plan]`` of a scenario file; the engine does not read its other tables."""
    table = read_toml_table(path)
    if not isinstance(table.get("plan"), dict):
        raise InputError("plan", "—", "missing")
    return Plan.parse(table["plan"], where="plan")


OWN_ASSUMPTION = "own assumption"
"""Source of a price that was not published."""


def on_accelerator(plan: Plan, name: str) -> Plan:
    """Return the plan on another accelerator, with a precision that it supports and its price.

    The price is the median of the published ones. If there is none, the old price remains as an
    assumption.
    """
    device = accelerator(name)
    layout = plan.layout
    if device.peak_flops_per_s(layout.precision) is None:
        layout = layout.model_copy(update={"precision": best_precision(device)})
    price = typical_price(name)
    changes: dict[str, object] = {"accelerator": name, "price_source": OWN_ASSUMPTION}
    if price is not None:
        changes["price_usd_per_device_hour"] = price.usd_per_device_hour
        changes["price_source"] = price.citation
    return plan.model_copy(
        update={"layout": layout, "cluster": plan.cluster.model_copy(update=changes)}
    )


def best_precision(device: Accelerator) -> Precision:
    """Return bf16 or fp16 if the table has a rate for it, else fp32.

    On a CPU without the instructions for it, bf16 reaches a hundredth of the rate of fp32.
    """
    if device.peak_bf16_tflops:
        return "bf16"
    return "fp16" if device.peak_fp16_tflops else "fp32"

"""The model plan: what to train, on how many tokens, on which devices, at which price."""

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
    """Where the price comes from, with its date, or 'own assumption'."""
    availability_share: PositiveShare | None = None
    """Share of the paid hours in which the run makes progress; the rest is failures, restarts
    and checkpoints. Where it is not given, :mod:`engine.costs.goodput` says what to expect."""

    @field_validator("accelerator")
    @classmethod
    def _known(cls, name: str) -> str:
        return accelerator(name, field="").accelerator


class ServingPlan(Document):
    """How the trained model answers requests, on the same kind of device."""

    concurrent_sequences: Annotated[int, Field(ge=1, le=100_000)] = 32
    """Answers that one device generates at a time."""
    context_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1_024
    """Tokens of a request that are read before it is answered, on average."""
    output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """Tokens of an answer, on average."""
    cached_share: ShareBelowOne = 0.0
    """Share of the tokens read whose keys and values are kept from an earlier request."""
    weights: Literal["as_trained", "fp32", "bf16", "fp8", "int8", "int4", "nvfp4"] = "as_trained"
    """Precision that the weights are served in."""
    utilisation_share: PositiveShare = 0.4
    """Share of the paid hours in which the serving devices are busy."""
    measured: MeasuredServing | None = None
    """A compression of the model whose speed was measured."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.measured and self.weights != "as_trained":  # measured against that
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
    """What trains it, by its name in ``data/software_stacks.csv``."""
    reliability: Reliability = Reliability()
    """What is assumed of failures and checkpoints where no availability is given."""
    law: str = "hoffmann_2022_unrounded"
    """Coefficients of the scaling law, by their name in ``data/scaling_laws.csv``."""
    serving: ServingPlan = ServingPlan()
    calibration: Calibration | None = None
    profile: MachineProfile | None = None
    """The machine that it is to run on, as it was measured; a calibration goes before it."""

    @field_validator("software")
    @classmethod
    def _known_software(cls, name: str) -> str:
        return look_up(stacks(), name, "").stack

    @field_validator("law")
    @classmethod
    def _known_law(cls, name: str) -> str:
        return law_coefficients(name, field="").law

    @model_validator(mode="after")
    def _can_be_laid_out(self) -> Self:
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
        sequences = self.layout.global_batch_sequences(self.cluster.n_devices)
        return sequences * self.shape.seq_len_tokens

    @property
    def steps(self) -> int:
        """Optimizer steps; the last one may go a little beyond ``tokens``."""
        return max(1, -(-self.tokens // self.tokens_per_step))


def read_plan(path: Path) -> Plan:
    """The ``[plan]`` of a scenario file; what else it holds is not the engine's."""
    table = read_toml_table(path)
    if not isinstance(table.get("plan"), dict):
        raise InputError("plan", "—", "missing")
    return Plan.parse(table["plan"], where="plan")


OWN_ASSUMPTION = "own assumption"


def on_accelerator(plan: Plan, name: str) -> Plan:
    """The plan on another kind of device: with a precision that it has, and what it costs.

    The price is the median published one; where there is none the old one stays, as an
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
    """16 bits only where the table knows a rate for it: on a CPU without the instructions bf16
    runs at a hundredth of fp32."""
    if device.peak_bf16_tflops:
        return "bf16"
    return "fp16" if device.peak_fp16_tflops else "fp32"

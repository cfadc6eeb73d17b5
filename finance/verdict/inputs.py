"""Inputs of a scenario: every value that is a number, a date or a choice, with its dotted path."""

from __future__ import annotations

import datetime
import types
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from engine.documents import Document
from finance.company.provenance import MEASURED_PATHS
from finance.company.scenario import Scenario

InputValue = int | float | Decimal | Fraction | bool | datetime.date | str
CHANGES = "changes"
"""Name of the table of a training event whose keys are themselves dotted paths of the plan."""
CALIBRATION = "plan.calibration"
MEASURED_RATIOS = ("step_time", "memory", "loss")
"""Ratios of measured to predicted values in a calibration."""
_TABLES = frozenset({"exchange_rates", CHANGES})
"""Tables of any keys whose values are inputs."""
_NOT_INPUTS = frozenset({"schema_version", "kind", "name", "title", "holder", "series", "lead"})
_CHOICES = frozenset({"accelerator", "software", "law", "currency", "weights"})
"""Texts that are chosen from a table and move figures."""
_LEFT_OUT = frozenset(
    {
        "plan.serving.measured",
        "company.capital.opening",
        "company.funding_goal",
        "company.sale",
        *MEASURED_PATHS,
    }
)
_TERMS = frozenset(
    {
        "vesting",
        "counted",
        "rounding",
        "pool",
        "exempted",
        "exercised",
        "adjustments_in_pre_money",
    }
)
"""Terms of securities that describe papers, rather than the future."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a scenario."""

    path: str
    """Dotted path; a changed field of a training event follows its table as
    ``company.training_events.1.changes.shape.n_layers``."""
    value: InputValue
    is_stated: bool
    """Whether the value differs from the default of its field."""

    @property
    def is_number(self) -> bool:
        """Whether the value is a number, which a range can be put around."""
        return not isinstance(self.value, bool | str | datetime.date)


def scenario_inputs(scenario: Scenario) -> list[Input]:
    """Return all inputs of a scenario, in the order of the document, measured ratios first."""
    return [
        *_measured_ratios(scenario),
        *_inputs_of(scenario.plan, "plan"),
        *_inputs_of(scenario.company, "company"),
    ]


def _measured_ratios(scenario: Scenario) -> Iterator[Input]:
    calibration = scenario.plan.calibration
    if calibration is not None:
        for name in MEASURED_RATIOS:
            ratio = getattr(calibration, name)
            yield Input(f"{CALIBRATION}.{name}.value", ratio.value, is_stated=True)


def _inputs_of(document: Document, path: str) -> Iterator[Input]:
    for name, info in type(document).model_fields.items():
        value, place = getattr(document, name), f"{path}.{name}"
        if name in _NOT_INPUTS | _TERMS or place in _LEFT_OUT or value is None:
            continue
        if isinstance(value, Document):
            yield from _inputs_of(value, place)
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, Document):
                    yield from _inputs_of(item, f"{place}.{number}")
        elif name in _TABLES and isinstance(value, dict):
            for key, item in value.items():
                yield Input(f"{place}.{key}", item, True)
        elif _is_input(name, value, info):
            yield Input(place, value, info.is_required() or value != info.default)


def _is_input(name: str, value: Any, info: FieldInfo) -> bool:
    if isinstance(value, str) and not isinstance(value, Enum):
        return name in _CHOICES or _has_options(info.annotation)
    return isinstance(value, int | float | Decimal | Fraction | datetime.date | Enum)


def _has_options(annotation: Any) -> bool:
    """Return whether a text is one of several options."""
    if get_origin(annotation) is Annotated:
        return _has_options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_has_options(part) for part in get_args(annotation))
    return get_origin(annotation) is Literal and len(get_args(annotation)) > 1

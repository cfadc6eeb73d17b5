"""Scenario: a model plan and a company in one document, shared by the app and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError, read_toml
from engine.paths import DATA_DIR
from engine.plan import Plan
from finance.company.company import Company
from finance.compute.rates import changed_plan
from finance.costs.training import PlanValue, TrainingEvent

SAMPLES_DIR = DATA_DIR / "scenarios"
_SHAPE = "shape."


class Scenario(Document):
    """Document of a model plan and a company."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    plan: Plan
    company: Company

    @model_validator(mode="after")
    def _training_events_are_valid(self) -> Self:
        for number, event in enumerate(self.company.training_events):
            try:
                changed_plan(self.plan, event)
            except InputError as error:
                path = f"company.training_events.{number}.changes.{error.field}"
                raise InputError(path, error.value, error.rule, **error.params) from None
        return self

    @property
    def events_with_own_shape(self) -> dict[int, TrainingEvent]:
        """Training events that change fields of the plan's shape, by their position from 0."""
        return {
            number: event
            for number, event in enumerate(self.company.training_events)
            if any(path.startswith(_SHAPE) for path in event.changes)
        }


def without_shape_changes(event: TrainingEvent) -> dict[str, PlanValue]:
    """Return the changes of a training event, without those of the plan's shape."""
    return {path: value for path, value in event.changes.items() if not path.startswith(_SHAPE)}


def sample_scenarios() -> dict[str, Scenario]:
    """Return the scenarios that ship with the project, by file name without its suffix."""
    return {path.stem: read_toml(path, Scenario) for path in sorted(SAMPLES_DIR.glob("*.toml"))}


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a TOML file; ``InputError`` names the first invalid field."""
    return read_toml(path, Scenario)

"""The scenario: the model plan and the company, one document from page to command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError, read_toml
from engine.paths import DATA_DIR
from engine.plan import Plan
from finance.company.company import Company
from finance.compute.rates import changed_plan

SAMPLES_DIR = DATA_DIR / "scenarios"


class Scenario(Document):
    """What a founder edits, an investor reads and an engineer tests."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    plan: Plan
    company: Company

    @model_validator(mode="after")
    def _events_can_be_trained(self) -> Self:
        for number, event in enumerate(self.company.training_events):
            try:
                changed_plan(self.plan, event)
            except InputError as error:
                where = f"company.training_events.{number}.changes.{error.field}"
                raise InputError(where, error.value, error.rule, **error.params) from None
        return self


def sample_scenarios() -> dict[str, Scenario]:
    """The scenarios that ship with the project, by file name without its ending."""
    return {path.stem: read_toml(path, Scenario) for path in sorted(SAMPLES_DIR.glob("*.toml"))}


def read_scenario(path: Path) -> Scenario:
    """Read one from a TOML file; InputError names the first field that is not allowed."""
    return read_toml(path, Scenario)

"""Scenario: a model plan and a company in one document, shared by the app and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.documents import Document, InputError, read_toml
from engine.paths import DATA_DIR
from engine.plan import Plan
from finance.company.company import Company
from finance.company.provenance import (
    MAX_SOURCE_CHARS,
    Origin,
    ProvenancePath,
    carried_provenance,
    existing_paths,
)
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
    provenance: Annotated[
        dict[ProvenancePath, Origin],
        Field(max_length=5_000, default_factory=dict, exclude_if=lambda entries: not entries),
    ]
    """Origin of the values at dotted paths, where it is not evident
    (:mod:`finance.company.provenance`). It changes no figure and is not part of the content
    hash."""

    @model_validator(mode="after")
    def _provenance_is_of_values(self) -> Self:
        # A value that was removed by hand leaves an entry without meaning.
        kept = existing_paths(self.provenance, self)
        if len(kept) < len(self.provenance):
            self.provenance.clear()
            self.provenance.update(kept)
        return self

    @model_validator(mode="after")
    def _training_events_are_valid(self) -> Self:
        for number, event in enumerate(self.company.training_events):
            try:
                changed_plan(self.plan, event)
            except InputError as error:
                path = f"company.training_events.{number}.changes.{error.field}"
                raise InputError(path, error.value, error.rule, **error.params) from None
        return self

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the document without its provenance: scenarios with equal figures have equal
        hashes."""
        if not self.provenance:
            return super().content_hash
        return self.model_copy(update={"provenance": {}}).content_hash

    def with_values(self, changes: Mapping[str, object]) -> Self:
        """Return a validated copy with several fields changed together.

        Values that change lose their provenance; :func:`attributed` sets it.
        """
        if not self.provenance:
            return super().with_values(changes)
        changed = self.model_copy(update={"provenance": {}}).with_values(changes)
        kept = carried_provenance(self.provenance, _values(self), _values(changed))
        return changed.model_copy(update={"provenance": kept | changed.provenance})

    @property
    def events_with_own_shape(self) -> dict[int, TrainingEvent]:
        """Training events that change fields of the plan's shape, by their position from 0."""
        return {
            number: event
            for number, event in enumerate(self.company.training_events)
            if any(path.startswith(_SHAPE) for path in event.changes)
        }


def attributed(before: Scenario, after: Scenario, origin: Origin) -> Scenario:
    """Return ``after`` with ``origin`` as the origin of each value that ``before`` has not."""
    entries = carried_provenance(before.provenance, _values(before), _values(after), origin)
    return after.model_copy(update={"provenance": entries})


def with_imported_values(scenario: Scenario, file: str) -> Scenario:
    """Return a scenario that was read from ``file`` with all values marked as imported.

    A scenario that states its provenance keeps it.
    """
    if scenario.provenance:
        return scenario
    origin = Origin(by="imported", source=file[:MAX_SOURCE_CHARS])
    return scenario.model_copy(update={"provenance": {"plan": origin, "company": origin}})


def _values(scenario: Scenario) -> dict[str, Any]:
    """Return the plan and the company as plain data."""
    return scenario.model_dump(include={"plan", "company"})


def without_shape_changes(event: TrainingEvent) -> dict[str, PlanValue]:
    """Return the changes of a training event, without those of the plan's shape."""
    return {path: value for path, value in event.changes.items() if not path.startswith(_SHAPE)}


def sample_scenarios() -> dict[str, Scenario]:
    """Return the scenarios that ship with the project, by file name without its suffix."""
    return {path.stem: read_toml(path, Scenario) for path in sorted(SAMPLES_DIR.glob("*.toml"))}


def read_scenario(path: Path) -> Scenario:
    """Read a scenario from a TOML file; ``InputError`` names the first invalid field."""
    return read_toml(path, Scenario)

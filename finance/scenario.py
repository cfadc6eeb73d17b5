"""The scenario: the model plan and the company, one document from page to command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from engine.documents import Document, read_toml
from engine.paths import DATA_DIR
from engine.plan import Plan
from finance.company import Company

SAMPLES_DIR = DATA_DIR / "scenarios"


class Scenario(Document):
    """What a founder edits, an investor reads and an engineer tests."""

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    plan: Plan
    company: Company


def sample_scenarios() -> dict[str, Scenario]:
    """The scenarios that ship with the project, by file name without its ending."""
    return {path.stem: read_toml(path, Scenario) for path in sorted(SAMPLES_DIR.glob("*.toml"))}


def read_scenario(path: Path) -> Scenario:
    """Read one from a TOML file; InputError names the first field that is not allowed."""
    return read_toml(path, Scenario)

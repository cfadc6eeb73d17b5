"""``python -m finance compare``: the inputs in which scenarios differ, and their outcomes."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.reports.forecast_tables import print_table
from finance.company.scenario import read_scenario
from finance.metrics.projection import project_scenario
from finance.scenarios.alignment import name_of
from finance.verdict.compare import (
    ABSENT,
    Difference,
    Measure,
    Outcome,
    differences,
    outcomes,
)

_NONE = "–"


def add_to(app: typer.Typer) -> None:
    """Add the command ``compare``."""
    app.command("compare", help=text("cli.finance_compare"))(compare)


def compare(
    scenarios: list[Path],
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Print the inputs that differ, the first scenario as the reference, and all outcomes."""
    read = [read_scenario(path) for path in scenarios]
    differing = differences(read)
    found = outcomes([project_scenario(scenario) for scenario in read])
    if as_json:
        print(_as_json(differing, found))
        return
    names = [path.stem for path in scenarios]
    print_table(
        [text("compare.input"), *names],
        [
            [difference.path, *(_shown(value) for value in difference.values)]
            for difference in differing
        ],
    )
    print_table(
        [text("compare.outcome"), *names],
        [
            [text(f"outcome.{outcome.name}"), *(_measured(value) for value in outcome.values)]
            for outcome in found
        ],
    )


def _as_json(differing: list[Difference], found: list[Outcome]) -> str:
    return json.dumps(
        {
            "differences": [
                {
                    "path": difference.path,
                    "scenario": difference.owner,
                    "values": [None if value is ABSENT else value for value in difference.values],
                }
                for difference in differing
            ],
            "outcomes": {
                outcome.name: [_plain(value) for value in outcome.values] for outcome in found
            },
        },
        indent=1,
        ensure_ascii=False,
    )


def _plain(value: Measure) -> Any:
    """Return a figure as JSON has it; a runway beyond the horizon is "beyond"."""
    if isinstance(value, Decimal):
        return "beyond" if math.isinf(value) else str(value)
    return value


def _shown(value: Any) -> str:
    if value is ABSENT:
        return _NONE
    if isinstance(value, dict):
        return name_of(value) or str(value.get("kind") or text("compare.present"))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _measured(value: Measure) -> str:
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return text("compare.yes" if value else "compare.no")
    if math.isinf(value):
        return "∞"
    return quantities.number(value, text.language, digits=5)

"""``python -m engine forecast``: print the forecast of a scenario's plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.forecast import forecast
from engine.plan import read_plan
from engine.reports.forecast_tables import forecast_rows, print_table

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]


def add_to(app: typer.Typer) -> None:
    """Add the command ``forecast``."""
    app.command("forecast", help=text("cli.forecast"))(forecast_command)


def forecast_command(scenario: Path, as_json: Json = False) -> None:
    """Print the forecast as a table or as JSON."""
    predicted = forecast(read_plan(scenario))
    if as_json:
        print(predicted.model_dump_json(indent=1))
    else:
        print_table(*forecast_rows(text, predicted))

"""``python -m finance run``: project a scenario's company, month by month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.documents import InputError
from engine.reports.forecast_tables import print_table
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.observing.measurements import calibration_of
from finance.company.scenario import read_scenario
from finance.metrics.cash_report import cash_csv, effect_rows, projection_rows
from finance.metrics.indicators import Indicators
from finance.metrics.projection import (
    Projection,
    calibration_effect,
    project_scenario,
    with_calibration,
)
from finance.metrics.statement_files import write_statements


def add_to(app: typer.Typer) -> None:
    """Add the command ``run``."""
    app.command("run", help=text("cli.finance_run"))(run)


def run(
    scenario: Path,
    calibrated_by: Annotated[str, typer.Option(help=text("cli.calibrated_by"))] = "",
    csv: Annotated[Path | None, typer.Option(help=text("cli.csv"))] = None,
    statements: Annotated[Path | None, typer.Option(help=text("cli.statements"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Print the months of a scenario's company, and write the files that are requested."""
    chosen = read_scenario(scenario)
    if calibrated_by:
        calibration = calibration_of(_find(calibrated_by))
        if not as_json:
            print_table(*effect_rows(text, calibration_effect(chosen, calibration)))
        chosen = with_calibration(chosen, calibration)
    projection = project_scenario(chosen)
    if csv is not None:
        if not csv.parent.is_dir():
            raise InputError("--csv", str(csv), "folder_missing")
        csv.write_text(cash_csv(projection.months), "utf-8")
    if statements is not None:
        write_statements(projection.books, statements)
    if as_json:
        print(_as_json(projection))
    else:
        print_table(*projection_rows(text, projection))


def _find(name: str) -> Run:
    """Return the run with an id, or for ``last`` the newest run that succeeded."""
    if name != "last":
        return Run.find(name)
    for found in all_runs():
        if found.state.phase is Phase.SUCCEEDED:
            return found
    raise InputError("--calibrated-by", name, "a_finished_run")


def _as_json(projection: Projection) -> str:
    indicators = Indicators(projection.books)
    return json.dumps(
        {
            "forecast": projection.forecast.model_dump(mode="json"),
            "runway_months": _text(projection.runway_months),
            "runway_months_with_round": _text(projection.runway_months_with_round),
            "burn_multiple": _text(projection.burn_multiple),
            "sold_share": _text(projection.sold_share),
            "indicators": {
                str(month): {key: _text(value) for key, value in indicators.at(month).items()}
                for month in range(12, projection.horizon_months + 1, 12)
            },
            "months": [
                {
                    "month": month.month,
                    "date": month.date.isoformat(),
                    "net_burn_usd": _text(month.net_burn_usd),
                    "cash_usd": _text(month.cash_usd),
                }
                for month in projection.months
            ],
        },
        indent=1,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)

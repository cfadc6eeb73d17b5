"""``python -m finance captable``: ownership after each event, and payouts of an exit."""

from __future__ import annotations

import datetime
import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from engine.reports.forecast_tables import print_table
from finance.capital.history import Capital, Step, history
from finance.capital.ocf.exporting import Issuer, ocf_files, write_ocf
from finance.company.scenario import Scenario, read_scenario
from finance.funding.captable_report import (
    captable_csv,
    captable_json,
    change_rows,
    exit_json,
    exit_rows,
)
from finance.funding.exit_table import Exit, default_exit_date, exit_of, loans_on
from finance.funding.ownership import capital_of, names_in, stakes
from finance.funding.wording import event_text, money_text
from finance.metrics.projection import project_scenario


def add_to(app: typer.Typer) -> None:
    """Add the command ``captable``."""
    app.command(help=text("cli.captable"))(captable)


def captable(
    scenario: Path,
    exit_value: Annotated[str, typer.Option("--exit", help=text("cli.exit"))] = "",
    exit_on: Annotated[str, typer.Option(help=text("cli.exit_on"))] = "",
    csv: Annotated[Path | None, typer.Option(help=text("cli.captable_csv"))] = None,
    ocf: Annotated[Path | None, typer.Option(help=text("cli.ocf"))] = None,
    country: Annotated[str, typer.Option(help=text("cli.country"))] = "US",
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Print the cap table after each event, and the payouts of an exit."""
    chosen = read_scenario(scenario)
    company = chosen.company
    capital = capital_of(company, names_in(text))
    steps = history(capital)
    sold = _sale(chosen, capital, steps, exit_on) if exit_value else None
    exit_usd = _amount(exit_value) if exit_value else Fraction(0)
    if csv is not None:
        if not csv.parent.is_dir():
            raise InputError("--csv", str(csv), "folder_missing")
        csv.write_text(captable_csv(steps), "utf-8")
    if ocf is not None:
        facts = {"legal_name": company.name, "formation_date": capital.opening.date}
        issuer = Issuer.parse(facts | {"country": country}, "--country")
        table = steps[-1].after if steps else capital.opening
        write_ocf(ocf_files(table, issuer, datetime.datetime.now(datetime.UTC)), ocf)
    if as_json:
        found: dict[str, Any] = {
            "currency": capital.opening.currency,
            "is_own": company.capital is not None,
            "events": captable_json(steps),
        }
        if sold is not None:
            found["exit"] = {
                "date": sold.sold.date.isoformat(),
                "value": f"{float(exit_usd):.2f}",
                "holders": exit_json(sold.at(exit_usd)),
            }
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    if company.capital is None:
        print(text("funding.synthesised"))
    for step in steps:
        planned = f" ({text('funding.planned')})" if step.event.planned else ""
        description = event_text(text, step.event, capital.opening.currency)
        print(f"\n{step.event.date}{planned} {description}")
        if stakes(step.before) != stakes(step.after):
            print_table(*change_rows(text, step))
    if sold is not None:
        currency = capital.opening.currency
        shown = money_text(exit_usd, currency, text.language)
        print(f"\n{text('funding.exit_heading', value=shown, date=sold.sold.date)}")
        print_table(*exit_rows(text, sold.at(exit_usd), currency))


def _sale(chosen: Scenario, capital: Capital, steps: tuple[Step, ...], exit_on: str) -> Exit:
    on = _day(exit_on) if exit_on else default_exit_date(capital)
    loans = loans_on(
        project_scenario(chosen).books, on, text("funding.lenders"), capital.opening.currency
    )
    return exit_of(capital, steps, on, loans)


def _day(typed: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(typed)
    except ValueError:
        raise InputError("--exit-on", typed, "date") from None


def _amount(typed: str) -> Fraction:
    amount = quantities.parse_count(typed)
    if amount is None:
        raise InputError("--exit", typed, "count")
    return Fraction(amount)

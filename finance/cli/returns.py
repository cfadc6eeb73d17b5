"""``python -m finance returns``: rates of return, present values and multiples of payments."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from finance.cli.values import Figure, Json, Table, amount, print_figures, read_table, share
from finance.exits import returns


def add_to(app: typer.Typer) -> None:
    """Add the command ``returns``."""
    app.command("returns", help=text("finance_help.returns"))(returns_of_flows)


def returns_of_flows(
    flows: Annotated[Path, typer.Argument(metavar="FLOWS.csv", help=text("finance_help.flows"))],
    rate: Annotated[str, typer.Option(help=text("finance_help.rate"))] = "",
    reinvest_rate: Annotated[str, typer.Option(help=text("finance_help.reinvest_rate"))] = "",
    first_period: Annotated[str, typer.Option(help=text("finance_help.first_period"))] = "0",
    value_held: Annotated[str, typer.Option(help=text("finance_help.value_held"))] = "0",
    as_json: Json = False,
) -> None:
    """Print the returns of payments, which are dated or one period apart."""
    table = read_table(flows, any_of=("amount",))
    amounts = table.numbers("amount")
    discounted = share("--rate", rate) if rate else None
    if "date" in table.header:
        if reinvest_rate:
            raise InputError("--reinvest-rate", reinvest_rate, "periodic_flows")
        dated = list(zip(_dates(table), amounts, strict=True))
        rates = returns.xirr(dated)
        values = _dated_values(dated, discounted)
    else:
        if first_period not in ("0", "1"):
            raise InputError("--first-period", first_period, "between", low=0, high=1)
        rates = returns.irr(amounts)
        values = _periodic_values(amounts, discounted, reinvest_rate, int(first_period))
    of_paid = returns.multiples(
        math.fsum(-paid for paid in amounts if paid < 0),
        math.fsum(received for received in amounts if received > 0),
        amount("--value-held", value_held),
    )
    figures = [
        Figure("rate_of_return", rates.usual, quantities.share),
        *values,
        Figure("dpi", of_paid.dpi),
        Figure("rvpi", of_paid.rvpi),
        Figure("tvpi", of_paid.tvpi),
    ]
    print_figures(figures, as_json=as_json, all_rates_of_return=list(rates.all))
    if not as_json and rates.ambiguous:
        shown = [quantities.share(found, text.language) for found in rates.all]
        print(text("funding.several_rates", rates=text("funding.comma").join(shown)))


def _dates(table: Table) -> list[datetime.date]:
    found = []
    for line, row in table.rows:
        try:
            found.append(datetime.date.fromisoformat(row["date"].strip()))
        except ValueError:
            raise InputError(table.place(line, "date"), row["date"], "date") from None
    return found


def _dated_values(flows: Sequence[returns.Flow], rate: float | None) -> list[Figure]:
    if rate is None:
        return []
    return [
        Figure("present_value", returns.xnpv(rate, flows), quantities.count),
        Figure("future_value", returns.xnfv(rate, flows), quantities.count),
    ]


def _periodic_values(
    flows: Sequence[float], rate: float | None, reinvest_rate: str, first_period: int
) -> list[Figure]:
    figures = []
    if rate is not None:
        value = returns.npv(rate, flows, first_period=first_period)
        figures.append(Figure("present_value", value, quantities.count))
    if reinvest_rate:
        if rate is None:
            raise InputError("--rate", "—", "missing")
        modified = returns.mirr(
            flows, finance_rate=rate, reinvest_rate=share("--reinvest-rate", reinvest_rate)
        )
        figures.append(Figure("modified_rate_of_return", modified, quantities.share))
    return figures

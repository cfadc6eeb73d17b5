"""``python -m finance serving-day`` and ``gpu-hours``: money for units of compute."""

from __future__ import annotations

from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.units import HOURS_PER_DAY
from finance.cli.values import Figure, Json, amount, number, print_figures
from finance.metrics import compute_economics

HourPrice = Annotated[str, typer.Option(help=text("finance_help.usd_per_gpu_hour"))]


def add_to(app: typer.Typer) -> None:
    """Add the commands ``serving-day`` and ``gpu-hours``."""
    app.command("serving-day", help=text("finance_help.serving_day"))(serving_day)
    app.command("gpu-hours", help=text("finance_help.rented_hours"))(gpu_hours)


def serving_day(
    nodes: Annotated[str, typer.Option(help=text("finance_help.nodes"))],
    usd_per_gpu_hour: HourPrice,
    gpus_per_node: Annotated[str, typer.Option(help=text("finance_help.gpus_per_node"))] = "8",
    cached_tokens: Annotated[str, typer.Option(help=text("finance_help.cached_tokens"))] = "0",
    input_tokens: Annotated[str, typer.Option(help=text("finance_help.input_tokens"))] = "0",
    output_tokens: Annotated[str, typer.Option(help=text("finance_help.output_tokens"))] = "0",
    cached_price: Annotated[str, typer.Option(help=text("finance_help.cached_price"))] = "0",
    input_price: Annotated[str, typer.Option(help=text("finance_help.input_price"))] = "0",
    output_price: Annotated[str, typer.Option(help=text("finance_help.output_price"))] = "0",
    as_json: Json = False,
) -> None:
    """Print revenue, cost and margin of a fleet that serves tokens for a day."""
    n_nodes, n_gpus = number("--nodes", nodes), number("--gpus-per-node", gpus_per_node)
    cost = compute_economics.fleet_day_usd(
        n_nodes, n_gpus, amount("--usd-per-gpu-hour", usd_per_gpu_hour)
    )
    tokens = [
        amount("--cached-tokens", cached_tokens),
        amount("--input-tokens", input_tokens),
        amount("--output-tokens", output_tokens),
    ]
    prices = [
        amount("--cached-price", cached_price),
        amount("--input-price", input_price),
        amount("--output-price", output_price),
    ]
    sold = compute_economics.token_sales(tokens=tokens, usd_per_million=prices, cost_usd=cost)
    n_hours = n_nodes * n_gpus * HOURS_PER_DAY
    print_figures(
        [
            Figure("revenue_usd", sold.revenue_usd, quantities.usd),
            Figure("cost_usd", sold.cost_usd, quantities.usd),
            Figure("profit_usd", sold.profit_usd, quantities.usd),
            Figure("markup", sold.markup, quantities.share),
            Figure("gross_margin", sold.gross_margin, quantities.share),
            Figure(
                "usd_per_million_tokens",
                compute_economics.cost_per_million_tokens(cost, sum(tokens)),
                quantities.usd,
            ),
            Figure(
                "revenue_usd_per_gpu_hour",
                compute_economics.revenue_per_gpu_hour(sold.revenue_usd, n_hours),
                quantities.usd,
            ),
        ],
        as_json=as_json,
    )


def gpu_hours(
    hours: Annotated[
        list[str], typer.Argument(metavar="HOURS...", help=text("finance_help.hours"))
    ],
    usd_per_gpu_hour: HourPrice,
    gpus: Annotated[str, typer.Option(help=text("finance_help.gpus"))] = "",
    as_json: Json = False,
) -> None:
    """Print the rent of the phases of a training run, and the days that they take."""
    phases = [amount("HOURS", typed) for typed in hours]
    parts = compute_economics.gpu_hours_usd(phases, amount("--usd-per-gpu-hour", usd_per_gpu_hour))
    figures = [
        Figure("gpu_hours", sum(phases), quantities.count),
        Figure("cost_usd", sum(parts), quantities.usd),
    ]
    if gpus:
        days = compute_economics.days_of(sum(phases), number("--gpus", gpus))
        figures.append(Figure("days", days))
    print_figures(figures, as_json=as_json, phases_usd=parts)

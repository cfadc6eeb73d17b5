"""The command ``serving-capacity``: devices, latencies and costs of serving a load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from engine.facts import Accelerator, accelerator
from engine.plan import Plan, read_plan
from engine.reports.forecast_tables import print_table
from engine.serving.load import LatencyLimits, Workload, compare, requests_per_s
from engine.serving.replica import Deployment
from engine.serving_forecast import deployment_of, request_of

WEIGHTS = ("bf16", "fp8", "int8", "int4", "nvfp4")
"""Precisions of the weights that are compared with the plan's own."""

Latency = Annotated[float | None, typer.Option(help=text("cli_serving.latency"), min=1e-6)]


def add_to(app: typer.Typer) -> None:
    """Add the command ``serving-capacity`` to a command line."""
    app.command("serving-capacity", help=text("cli_serving.command"))(serving_command)


def serving_command(
    scenario: Path,
    tokens_per_day: Annotated[str, typer.Option(help=text("cli_serving.tokens_per_day"))],
    time_to_first_token_s: Latency = None,
    inter_token_latency_s: Latency = None,
    accelerator_name: Annotated[
        str | None, typer.Option("--accelerator", help=text("cli_serving.accelerator"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Print the devices, latencies and costs of serving a plan's model at several precisions."""
    plan = read_plan(scenario)
    name = accelerator_name or plan.cluster.accelerator
    device = accelerator(name, "accelerator" if accelerator_name else "plan.cluster.accelerator")
    tokens = quantities.parse_count(tokens_per_day)
    if tokens is None:
        raise InputError("tokens_per_day", tokens_per_day, "count")
    request = request_of(plan)
    load = requests_per_s(tokens, request)
    workload = Workload(
        request=request,
        limits=LatencyLimits(
            time_to_first_token_s=time_to_first_token_s,
            inter_token_latency_s=inter_token_latency_s,
        ),
    )
    deployments = _deployments(plan, device)
    rows = _rows(plan, deployments, workload, load)
    if as_json:
        answer = {
            "accelerator": device.accelerator,
            "requests_per_s": load,
            "utilisation_share": plan.serving.utilisation_share,
            "rows": rows,
        }
        print(json.dumps(answer, indent=1))
        return
    print(
        text(
            "cli_serving.served",
            requests=f"{load:.3g}",
            device=device.accelerator,
            share=f"{plan.serving.utilisation_share:.0%}",
        )
    )
    names = ("weights", "devices", "replica", "batch", "first", "between", "price", "ratio")
    print_table([text(f"cli_serving.column.{name}") for name in names], [_cells(r) for r in rows])


def _deployments(plan: Plan, device: Accelerator) -> list[Deployment]:
    """Return the plan's deployment, and those with other precisions of its weights.

    Measured speeds of a compressed model hold for the plan's own weights only.
    """
    own = deployment_of(plan, device)
    others = [
        plan.with_values({"serving.weights": weights, "serving.measured": None})
        for weights in WEIGHTS
        if weights != own.model.weights
    ]
    return [own, *(deployment_of(other, device) for other in others)]


def _rows(
    plan: Plan, deployments: Sequence[Deployment], workload: Workload, load: float
) -> list[dict[str, Any]]:
    compared = compare(
        deployments,
        workload,
        load,
        usd_per_device_hour=float(plan.cluster.price_usd_per_device_hour),
        utilisation_share=plan.serving.utilisation_share,
    )
    return [
        {
            "weights": row.deployment.model.weights,
            "weight_bytes": row.deployment.model.weight_bytes,
            "reason": row.answer.reason,
            "devices": row.answer.devices if row.answer.feasible else None,
            "replicas": row.answer.replicas if row.answer.feasible else None,
            "point": asdict(row.answer.point) if row.answer.point else None,
            "prices": asdict(row.prices) if row.prices else None,
            "cost_ratio": row.cost_ratio,
        }
        for row in compared
    ]


def _cells(row: Mapping[str, Any]) -> list[str]:
    point, prices, language = row["point"], row["prices"], text.language
    if point is None or prices is None:
        return [row["weights"], text(f"cli_serving.reason.{row['reason']}"), *["–"] * 6]
    ratio = row["cost_ratio"]
    return [
        row["weights"],
        f"{row['devices']:,}",
        str(point["tensor_parallel"]),
        str(point["batch"]),
        quantities.si(point["time_to_first_token_s"], "s", language),
        quantities.si(point["inter_token_latency_s"], "s", language),
        quantities.usd(prices["usd_per_million_output_tokens"], language),
        "–" if ratio is None else f"{ratio:.2f}",
    ]

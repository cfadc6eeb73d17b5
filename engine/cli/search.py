"""``python -m engine search`` and ``trace``: find fast layouts, and write a step as a trace."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from engine.facts import accelerator, look_up
from engine.files import write_json
from engine.layout import PRECISIONS
from engine.models.catalog import published_model
from engine.models.huggingface import read_config, shape_from_config
from engine.plan import read_plan
from engine.planning.step_schedule import pipeline_step
from engine.predictor.defaults import usual_batch_sequences
from engine.predictor.estimate import mfu
from engine.predictor.search import SearchResult, SearchSpace, search
from engine.predictor.stacks import stacks
from engine.predictor.timeline import perfetto_trace, simulate
from engine.reports.forecast_tables import print_table
from engine.shapes import ModelShape
from engine.units import BYTES_PER_GB


def add_to(app: typer.Typer) -> None:
    """Add the commands ``search`` and ``trace``."""
    app.command("search", help=text("cli.search"))(search_command)
    app.command(help=text("cli.trace"))(trace)


def search_command(
    model: Annotated[str, typer.Option(help=text("cli.search_model"))],
    accelerator_name: Annotated[
        str, typer.Option("--accelerator", help=text("cli.search_accelerator"))
    ],
    devices: Annotated[int, typer.Option(help=text("cli.search_devices"), min=1, max=1_000_000)],
    batch: Annotated[
        int | None, typer.Option(help=text("cli.search_batch"), min=1, max=10_000_000)
    ] = None,
    seq_len: Annotated[
        int | None, typer.Option(help=text("cli.search_seq_len"), min=8, max=100_000_000)
    ] = None,
    precision: Annotated[str, typer.Option(help=text("cli.search_precision"))] = "bf16",
    software: Annotated[str, typer.Option(help=text("cli.search_software"))] = "default",
    limit: Annotated[int, typer.Option(help=text("cli.search_limit"), min=1, max=1_000)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Print the fastest layouts of a model on a cluster; exit with status 1 if none fits."""
    shape = _shape(model, seq_len)
    device = accelerator(accelerator_name, "accelerator")
    if precision not in PRECISIONS:
        raise InputError("precision", precision, "literal_error", limit=", ".join(PRECISIONS))
    sequences = batch or usual_batch_sequences(shape, devices)
    start = time.perf_counter()
    result = search(
        SearchSpace(
            shape=shape,
            device=device,
            n_devices=devices,
            global_batch_sequences=sequences,
            precision=precision,
            stack=look_up(stacks(), software, "software"),
        ),
        limit=limit,
    )
    seconds = time.perf_counter() - start
    if as_json:
        print(json.dumps(_as_json(result, sequences, seconds), indent=1))
        return
    language = text.language
    if not result.found:
        print(
            text(
                "cli.search_none",
                candidates=result.n_candidates,
                memory=quantities.si(result.least_memory_bytes, "B", language),
                device_memory=quantities.si(device.memory_gb * BYTES_PER_GB, "B", language),
            )
        )
        raise typer.Exit(1)
    print(
        text(
            "cli.searched",
            fitting=result.n_fitting,
            candidates=result.n_candidates,
            batch=sequences,
        )
    )
    names = ("rank", "tokens_per_device", "mfu", "step", "memory", "layout")
    print_table(
        ["MFU" if name == "mfu" else text(f"table.{name}") for name in names],
        [
            [
                str(rank),
                f"{found.tokens_per_s / devices:,.0f}",
                f"{mfu(shape, found.layout, device, found.tokens_per_s / devices):.1%}",
                quantities.si(found.step_s, "s", language),
                quantities.si(found.memory_bytes, "B", language),
                found.layout.short_name,
            ]
            for rank, found in enumerate(result.found, 1)
        ],
    )


def trace(
    scenario: Path,
    out: Annotated[Path, typer.Option(help=text("cli.trace_out"))],
) -> None:
    """Simulate one training step and write its events in the format of Perfetto."""
    timeline = simulate(pipeline_step(read_plan(scenario)))
    if not out.parent.is_dir():
        raise InputError("out", str(out), "folder_missing")
    write_json(out, perfetto_trace(timeline.events))
    print(
        text(
            "cli.traced",
            events=len(timeline.events),
            total=quantities.duration(timeline.total_s, text.language),
            bubble=f"{timeline.bubble_share:.1%}",
        )
    )


def _shape(model: str, seq_len: int | None) -> ModelShape:
    if model.endswith(".json"):
        return shape_from_config(read_config(Path(model)), seq_len)
    shape = published_model(model, "model").shape
    return shape.with_value("seq_len_tokens", seq_len) if seq_len else shape


def _as_json(result: SearchResult, sequences: int, seconds: float) -> dict[str, object]:
    return {
        "candidates": result.n_candidates,
        "fitting": result.n_fitting,
        "search_s": seconds,
        "global_batch_sequences": sequences,
        "layouts": [
            {
                "layout": found.layout.model_dump(mode="json"),
                "tokens_per_s": found.tokens_per_s,
                "step_s": found.step_s,
                "memory_bytes": found.memory_bytes,
            }
            for found in result.found
        ],
    }

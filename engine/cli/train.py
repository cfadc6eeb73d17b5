"""``python -m engine train``, ``calibrate`` and ``probe``: train, measure and correct forecasts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.calibration.calibration import Calibration
from engine.cli.profile import measured as measured_profile
from engine.cli.profile import print_profile
from engine.cli.terminal import text
from engine.cli.watch import follow, print_comparison
from engine.corpora.sources import check_corpus
from engine.experiments.profiler import can_be_profiled
from engine.forecast import forecast
from engine.machine import profile_of_machine
from engine.plan import read_plan
from engine.recipes.depth_preset import read_recipe
from engine.recipes.sample_run import run_plan, sample_recipe
from engine.reports.comparison import calibrate
from engine.reports.forecast_tables import forecast_rows, print_table
from engine.runs import model_process
from engine.runs.back_ends import back_end
from engine.runs.folder import Run
from engine.runs.job import BackEndName, Job
from engine.runs.launching import control
from engine.runs.observing.measurements import measurement
from engine.runs.settings import settings

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
On = Annotated[BackEndName, typer.Option(help=text("cli.train_on"))]
Priority = Annotated[int, typer.Option(help=text("cli.priority"))]
SpendingLimit = Annotated[float | None, typer.Option(help=text("cli.spending_limit"))]


def add_to(app: typer.Typer) -> None:
    """Add the commands ``train``, ``calibrate`` and ``probe``."""
    app.command("train", help=text("cli.train"))(train)
    app.command("calibrate", help=text("cli.calibrate"))(calibrate_command)
    app.command("probe", help=text("cli.probe"))(probe)


def train(
    recipe: Path,
    on: On = "local",
    priority: Priority = 0,
    spending_limit_usd: SpendingLimit = None,
    detach: Annotated[bool, typer.Option("--detach", help=text("cli.detach"))] = False,
    as_json: Json = False,
) -> None:
    """Train a recipe, show the progress and compare the result with the forecast."""
    job = _job(on, priority, spending_limit_usd)
    chosen = read_recipe(recipe)
    # A corpus that cannot be read is refused before anything is launched.
    check_corpus(chosen.corpus, chosen.text_vocab)
    run = Run.create(chosen, run_plan(chosen, None, back_end(on).machine(settings())), job)
    control.start(run)
    if detach:
        print(run.id)
        return
    follow(run)
    print_comparison(run, as_json)


def calibrate_command(
    scenario: Path,
    minutes: Annotated[float, typer.Option(help=text("cli.minutes"), min=0.1, max=1e5)] = 10.0,
    runs: Annotated[int, typer.Option(help=text("cli.n_runs"), min=1, max=100)] = 1,
    profile: Annotated[bool, typer.Option(help=text("cli.with_profile"))] = True,
    on: On = "local",
    priority: Priority = 0,
    spending_limit_usd: SpendingLimit = None,
    as_json: Json = False,
) -> None:
    """Train samples of a plan and print the forecast before and after the calibration."""
    plan, job = read_plan(scenario), _job(on, priority, spending_limit_usd)
    machine = back_end(on).machine(settings())
    if (
        on == "local"
        and profile
        and can_be_profiled(machine)
        and profile_of_machine(machine) is None
    ):
        found = measured_profile(machine)
        if not as_json:
            print_profile(found)
    recipe = sample_recipe(plan, machine, scenario.stem, budget_s=60 * minutes)
    finished = []
    for _ in range(runs):
        run = Run.create(recipe, run_plan(recipe, plan, machine), job)
        control.start(run)
        follow(run)
        finished.append(run)
        if not as_json:
            print_comparison(run, as_json=False)
    calibration = calibrate([measurement(run) for run in finished])
    if calibration.noisy_load_share is not None:
        load = f"{calibration.noisy_load_share:.0%}"
        print(text("calibrate.noisy", load=load), file=sys.stderr)
    before = forecast(plan)
    after = forecast(plan.model_copy(update={"calibration": calibration}))
    if as_json:
        print(
            json.dumps(
                {
                    "calibration": calibration.model_dump(mode="json"),
                    "before": before.model_dump(mode="json"),
                    "after": after.model_dump(mode="json"),
                },
                indent=1,
            )
        )
        return
    _print_spread(calibration)
    print_table(*forecast_rows(text, before, after))


def _job(on: BackEndName, priority: int, spending_limit_usd: float | None) -> Job:
    return Job.parse(
        {"back_end": on, "priority": priority, "spending_limit_usd": spending_limit_usd}
    )


def probe(as_json: Json = False) -> None:
    """Measure the matmul rate and the memory bandwidth of this machine."""
    measured = model_process.probe()
    if as_json:
        print(json.dumps(measured, indent=1))
    else:
        print(text("cli.probed", **measured))


def _print_spread(calibration: Calibration) -> None:
    for name in ("step_time", "memory", "loss"):
        ratio = getattr(calibration, name)
        print(
            text(
                "cli.ratio",
                name=text(f"ratio.{name}"),
                value=f"{ratio.value:.3f}",
                low=f"{ratio.low:.3f}",
                high=f"{ratio.high:.3f}",
                runs=len(calibration.run_ids),
            )
        )

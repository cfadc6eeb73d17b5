"""The command line of the engine: ``python -m engine COMMAND``.

Exit status 0 means success; bad input ends with status 2 and one line on standard error.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from engine import (
    cli_corpus,
    cli_ladder,
    cli_models,
    cli_profile,
    cli_recipe,
    cli_scaling,
    cli_search,
    cli_tables,
    cli_tuning,
    quantities,
    terminal,
)
from engine.calibration import Calibration
from engine.comparison import Comparison, calibrate, compare
from engine.forecast import forecast
from engine.machine import profile_of_machine, this_machine
from engine.plan import read_plan
from engine.report import comparison_rows, forecast_rows, print_table
from engine.runs import generator, launch
from engine.runs.folder import Phase, Run
from engine.runs.measured import measurement
from engine.runs.profiler import can_be_profiled
from engine.runs.progress import Progress
from engine.terminal import new_app, text
from engine.training.dial import read_recipe
from engine.training.sample import run_plan, sample_recipe
from engine.training.texts import check_corpus

app = new_app(text("cli.engine"))
runs_app = new_app(text("cli.runs"))
app.add_typer(runs_app, name="runs")
cli_tables.add_to(app)
cli_search.add_to(app)
cli_models.add_to(app)
cli_corpus.add_to(app)
cli_ladder.add_to(app)
cli_profile.add_to(app)
cli_recipe.add_to(app)
cli_tuning.add_to(app)
cli_scaling.add_to(app)

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
RunId = Annotated[str, typer.Argument(metavar="RUN", help=text("cli.run_id"))]


@app.command("forecast", help=text("cli.forecast"))
def forecast_command(scenario: Path, as_json: Json = False) -> None:
    predicted = forecast(read_plan(scenario))
    if as_json:
        print(predicted.model_dump_json(indent=1))
    else:
        print_table(*forecast_rows(text, predicted))


@app.command(help=text("cli.train"))
def train(
    recipe: Path,
    detach: Annotated[bool, typer.Option("--detach", help=text("cli.detach"))] = False,
    as_json: Json = False,
) -> None:
    chosen = read_recipe(recipe)
    # A text that is none is refused before anything is launched.
    check_corpus(chosen.corpus, chosen.text_vocab)
    run = Run.create(chosen, run_plan(chosen, None, this_machine()))
    launch.start(run)
    if detach:
        print(run.id)
        return
    _follow(run)
    _print_comparison(run, as_json)


@app.command("calibrate", help=text("cli.calibrate"))
def calibrate_command(
    scenario: Path,
    minutes: Annotated[float, typer.Option(help=text("cli.minutes"), min=0.1, max=1e5)] = 10.0,
    runs: Annotated[int, typer.Option(help=text("cli.n_runs"), min=1, max=100)] = 1,
    profile: Annotated[bool, typer.Option(help=text("cli.with_profile"))] = True,
    as_json: Json = False,
) -> None:
    plan = read_plan(scenario)
    machine = this_machine()
    if profile and can_be_profiled(machine) and profile_of_machine(machine) is None:
        found = cli_profile.measured(machine)
        if not as_json:
            cli_profile.print_profile(found)
    recipe = sample_recipe(plan, machine, scenario.stem, budget_s=60 * minutes)
    finished = []
    for _ in range(runs):
        run = Run.create(recipe, run_plan(recipe, plan, machine))
        launch.start(run)
        _follow(run)
        finished.append(run)
        if not as_json:
            _print_comparison(run, as_json=False)
    calibration = calibrate([measurement(run) for run in finished])
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


@runs_app.command("list", help=text("cli.runs_list"))
def list_runs(as_json: Json = False) -> None:
    seen = [(run, Progress(run).update()) for run in launch.look_at_all()]
    if as_json:
        rows = [
            {
                "run": run.id,
                "phase": run.state.phase,
                "steps_done": done.steps_done,
                "steps": done.recipe.steps,
                "cost_usd": done.cost_usd,
            }
            for run, done in seen
        ]
        print(json.dumps(rows, indent=1))
        return
    print_table(
        [text(f"table.{name}") for name in ("run", "phase", "steps", "cost")],
        [
            [
                run.id,
                text(f"phase.{run.state.phase}"),
                f"{done.steps_done}/{done.recipe.steps}",
                quantities.usd(done.cost_usd, text.language),
            ]
            for run, done in seen
        ],
    )


@runs_app.command("show", help=text("cli.runs_show"))
def show_run(run_id: RunId, as_json: Json = False) -> None:
    run = Run.find(run_id)
    launch.look(run)
    state, result = run.state, run.result
    if as_json:
        print(
            json.dumps(
                {
                    "state": state.model_dump(mode="json"),
                    "result": result and result.model_dump(mode="json"),
                },
                indent=1,
            )
        )
        return
    print(run.id, text(f"phase.{state.phase}"))
    if state.failure:
        print(state.failure.in_language(text.language))
    if result:
        _print_comparison(run, as_json=False)


@runs_app.command("logs", help=text("cli.runs_logs"))
def show_log(run_id: RunId) -> None:
    sys.stdout.write(Run.find(run_id).log_tail())


@runs_app.command("cancel", help=text("cli.runs_cancel"))
def cancel_run(run_id: RunId) -> None:
    run = Run.find(run_id)
    launch.cancel(run)
    print(text(f"phase.{launch.wait(run)}"))


@app.command(help=text("cli.probe"))
def probe(as_json: Json = False) -> None:
    measured = generator.probe()
    if as_json:
        print(json.dumps(measured, indent=1))
    else:
        print(text("cli.probed", **measured))


def _follow(run: Run) -> None:
    """Show a run's progress until it is over; Ctrl-C cancels it, closing the terminal does not.

    Raises
    ------
    typer.Exit
        With status 1 if the run failed or was cancelled, 2 if its input was at fault.
    """
    progress = Progress(run)
    print(text("cli.started", run=run.id, folder=run.folder), file=sys.stderr)
    shown = -1
    try:
        while not (phase := launch.look(run)).is_over:
            progress.update()
            tenth = int(progress.share_done * 10)
            if phase is Phase.TRAINING and progress.metrics and tenth > shown:
                shown = tenth
                left = progress.seconds_left or 0.0
                print(
                    text(
                        "cli.progress",
                        share=f"{progress.share_done:.0%}",
                        step=progress.steps_done,
                        steps=progress.recipe.steps,
                        loss=f"{progress.metrics[-1].loss:.3f}",
                        left=f"{left:.0f}",
                    ),
                    file=sys.stderr,
                )
            time.sleep(0.2)
    except KeyboardInterrupt:
        launch.cancel(run)
        launch.wait(run)
    state = run.state
    if state.phase is Phase.SUCCEEDED:
        return
    reason = state.failure.in_language(text.language) if state.failure else ""
    print(text(f"phase.{state.phase}"), reason, file=sys.stderr)
    raise typer.Exit(2 if state.failure and state.failure.key == "input" else 1)


def _print_comparison(run: Run, as_json: bool) -> None:
    result = run.result
    assert result is not None
    rows: list[Comparison] = compare(run.forecast, run.plan, result)
    if as_json:
        print(
            json.dumps(
                {
                    "run": run.id,
                    "result": result.model_dump(mode="json"),
                    "comparison": {
                        row.quantity: {
                            "predicted": row.predicted.model_dump(),
                            "measured": row.measured,
                            "ratio": row.ratio,
                        }
                        for row in rows
                    },
                },
                indent=1,
            )
        )
        return
    print(
        text(
            "cli.measured", run=run.id, device=result.device, load=f"{result.other_load_share:.0%}"
        )
    )
    print_table(*comparison_rows(text, rows))


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


def main() -> None:
    terminal.run(app)

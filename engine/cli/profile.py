"""``python -m engine profile``: measure this machine's rates, which its forecasts then use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from engine.calibration import machine_profile as profiles
from engine.calibration.machine_profile import MachineProfile, ShortRun
from engine.cli.terminal import text
from engine.experiments.profile_report import rate_rows, short_run_rows, verdict
from engine.experiments.profiler import (
    ProfileProgress,
    check_profile,
    measure_profile,
    profile_runs,
)
from engine.machine import Machine, profile_of_machine, this_machine
from engine.reports.forecast_tables import print_table


def add_to(app: typer.Typer) -> None:
    """Add the command ``profile``."""
    app.command("profile", help=text("cli.profile"))(profile_command)


def profile_command(
    check: Annotated[bool, typer.Option("--check", help=text("cli.profile_check"))] = False,
    keep: Annotated[bool, typer.Option("--keep", help=text("cli.profile_keep"))] = False,
    forget: Annotated[bool, typer.Option("--forget", help=text("cli.profile_forget"))] = False,
    as_json: Annotated[bool, typer.Option("--json", help=text("cli.json"))] = False,
) -> None:
    """Measure, check, print or delete the profile of this machine."""
    if forget:
        profiles.forget()
        return
    machine = this_machine()
    found = (profile_of_machine(machine) if keep else None) or measured(machine)
    checked: Sequence[ShortRun] = ()
    if check:
        checked = check_profile(found, machine, profile_runs(machine), _print_progress)
    if as_json:
        runs = [run.model_dump(mode="json") for run in checked]
        print(json.dumps({"profile": found.model_dump(mode="json"), "checked": runs}, indent=1))
        return
    print_profile(found)
    if checked:
        print(text("profile.checked"))
        print_table(*short_run_rows(text, checked))


def measured(machine: Machine) -> MachineProfile:
    """Measure the machine now and print the progress."""
    return measure_profile(machine, profile_runs(machine), _print_progress)


def print_profile(found: MachineProfile) -> None:
    """Print the measured rates, the short runs and a verdict."""
    print_table(*rate_rows(text, found))
    print_table(*short_run_rows(text, found.runs))
    print(verdict(text, found))


def _print_progress(progress: ProfileProgress) -> None:
    left = "…" if progress.seconds_left is None else f"{progress.seconds_left:.0f}"
    print(
        text(
            "cli.profile_progress",
            stage=text(f"profile.stage_{progress.stage}"),
            done=progress.n_done,
            of=progress.n_all,
            left=left,
        ),
        file=sys.stderr,
        flush=True,
    )

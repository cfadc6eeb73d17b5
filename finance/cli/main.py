"""The command line of finance: ``python -m finance COMMAND``.

Exit status 0 means success. Wrong input exits with status 2 and one line on standard error.
"""

from __future__ import annotations

from engine.cli import terminal
from engine.cli.terminal import LazyCommand, lazy_app, text

COMMANDS = (
    LazyCommand("captable", "finance.cli.captable", "cli.captable"),
    LazyCommand("safe", "finance.cli.securities", "finance_help.safe"),
    LazyCommand("pro-rata", "finance.cli.securities", "finance_help.pro_rata"),
    LazyCommand("ocf", "finance.cli.securities", "finance_help.ocf"),
    LazyCommand("returns", "finance.cli.returns", "finance_help.returns"),
    LazyCommand("loan", "finance.cli.loan", "finance_help.loan"),
    LazyCommand("serving-day", "finance.cli.compute", "finance_help.serving_day"),
    LazyCommand("gpu-hours", "finance.cli.compute", "finance_help.rented_hours"),
    LazyCommand("run", "finance.cli.projection", "cli.finance_run"),
    LazyCommand("compare", "finance.cli.compare", "cli.finance_compare"),
    LazyCommand("demand", "finance.cli.demand", "finance_help.demand"),
    LazyCommand("closed-form", "finance.cli.closed_forms", "finance_help.closed_form"),
)
"""All commands, in the order of the help text."""

app = lazy_app(text("cli.finance"), COMMANDS)


def main() -> None:
    """Run the command that the process was started with."""
    terminal.run(app)

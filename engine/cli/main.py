"""The command line of the engine: ``python -m engine COMMAND``.

Exit status 0 means success. Wrong input exits with status 2 and one line on standard error.
"""

from __future__ import annotations

from engine.cli import terminal
from engine.cli.terminal import LazyCommand, lazy_app, text

COMMANDS = (
    LazyCommand("predict", "engine.cli.tables", "cli.predict"),
    LazyCommand("validate", "engine.cli.tables", "cli.validate"),
    LazyCommand("refit", "engine.cli.tables", "cli.refit"),
    LazyCommand("gpu-hours", "engine.cli.tables", "cli.gpu_hours"),
    LazyCommand("search", "engine.cli.search", "cli.search"),
    LazyCommand("trace", "engine.cli.search", "cli.trace"),
    LazyCommand("generate", "engine.cli.models", "cli.generate"),
    LazyCommand("evaluate", "engine.cli.models", "cli.evaluate"),
    LazyCommand("export", "engine.cli.models", "cli.export"),
    LazyCommand("corpus", "engine.cli.corpus", "cli.corpus"),
    LazyCommand("ladder", "engine.cli.ladder", "cli.ladder"),
    LazyCommand("profile", "engine.cli.profile", "cli.profile"),
    LazyCommand("recipe", "engine.cli.recipe", "cli.recipe"),
    LazyCommand("tune", "engine.cli.tuning", "cli.tune"),
    LazyCommand("compress", "engine.cli.tuning", "cli.compress"),
    LazyCommand("fit", "engine.cli.scaling", "cli.fit"),
    LazyCommand("backtest", "engine.cli.scaling", "cli.backtest"),
    LazyCommand("scaling", "engine.cli.laws", "cli_scaling.group"),
    LazyCommand("serving-capacity", "engine.cli.serving_capacity", "cli_serving.command"),
    LazyCommand("forecast", "engine.cli.forecast", "cli.forecast"),
    LazyCommand("train", "engine.cli.train", "cli.train"),
    LazyCommand("calibrate", "engine.cli.train", "cli.calibrate"),
    LazyCommand("probe", "engine.cli.train", "cli.probe"),
    LazyCommand("runs", "engine.cli.runs", "cli.runs"),
)
"""All commands, in the order of the help text."""

app = lazy_app(text("cli.engine"), COMMANDS)


def main() -> None:
    """Run the command that the process was started with."""
    terminal.run(app)

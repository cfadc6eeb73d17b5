"""Commands start without the modules that other commands need, and keep their names and help."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from engine.cli.main import app as engine_app
from engine.cli.terminal import LazyGroup, text
from engine.paths import PROJECT_DIR
from finance.cli.main import app as finance_app

SLOW = ("scipy", "pandas", "optuna", "plotly", "sqlalchemy", "torch", "pyarrow", "streamlit")
"""Packages that take longer to import than most commands take to run."""

_PROGRAM = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as end:
    if end.code:
        raise
print("\\n".join(sorted(sys.modules)), file=sys.stderr)
"""


def _modules_of(*words: str) -> set[str]:
    """Return the modules that a process has imported when its command ends."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    return set(done.stderr.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("engine", "forecast", "data/scenarios/laptop.toml"),
        ("engine", "recipe", "data/recipes/smoke.toml"),
        ("engine", "gpu-hours", "--help"),
        ("engine", "validate", "--help"),
        ("engine", "train", "--help"),
        ("engine", "--help"),
        ("finance", "run", "data/scenarios/laptop.toml"),
        ("finance", "--help"),
    ],
    ids=" ".join,
)
def test_commands_that_fit_nothing_import_no_slow_package(words: tuple[str, ...]) -> None:
    imported = _modules_of(*words)
    assert f"{words[0]}.cli.main" in imported
    assert [name for name in SLOW if name in imported] == []


def test_help_imports_no_command() -> None:
    imported = _modules_of("engine", "--help")
    assert "engine.cli.terminal" in imported
    assert "numpy" not in imported
    assert not {name for name in imported if name.startswith(("engine.runs", "engine.predictor"))}


@pytest.mark.parametrize("app", [engine_app, finance_app], ids=["engine", "finance"])
def test_the_list_of_commands_agrees_with_their_modules(app: typer.Typer) -> None:
    group = typer.main.get_group(app)
    assert isinstance(group, LazyGroup)
    for command in group.lazy_commands:
        loaded = group.imported(command.name)
        assert loaded.name == command.name
        assert loaded.help == text(command.help_key)

"""``python -m engine recipe``: print a recipe with all derived values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.recipes.depth_preset import read_recipe


def add_to(app: typer.Typer) -> None:
    """Add the command ``recipe``."""
    app.command("recipe", help=text("cli.recipe"))(print_recipe)


def print_recipe(
    file: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help=text("cli.recipe_file"))],
) -> None:
    """Print the complete recipe as TOML."""
    print(read_recipe(file).to_toml(), end="")

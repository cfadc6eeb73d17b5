"""``python -m engine recipe``: a recipe with everything that was derived."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.terminal import text
from engine.recipes.depth_preset import read_recipe


def add_to(app: typer.Typer) -> None:
    app.command("recipe", help=text("cli.recipe"))(print_recipe)


def print_recipe(
    file: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help=text("cli.recipe_file"))],
) -> None:
    print(read_recipe(file).to_toml(), end="")

"""Checks of a run's prerequisites beyond a valid recipe, before a process is launched."""

from __future__ import annotations

import os
import shutil

from engine.documents import InputError
from engine.recipes.pretrained import check_pretrained
from engine.recipes.recipe import Recipe


def check_prerequisites(recipe: Recipe) -> None:
    """Check that the weights and the compiler that a recipe needs exist and fit.

    Raises
    ------
    InputError
        If weights are missing or have another shape, or ``torch.compile`` has no compiler.
    """
    check_pretrained(recipe)
    if recipe.compile and not shutil.which(os.environ.get("CXX", "g++")):
        raise InputError("compile", "true", "compiler")

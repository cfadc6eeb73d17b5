"""What a run needs besides a valid recipe: found out before anything is launched."""

from __future__ import annotations

import os
import shutil

from engine.documents import InputError
from engine.recipes.pretrained import check_pretrained
from engine.recipes.recipe import Recipe


def check_prerequisites(recipe: Recipe) -> None:
    """Whether what the recipe refers to is there and fits.

    Raises
    ------
    InputError
        If not: weights that are missing or of another shape, no compiler for ``torch.compile``.
    """
    check_pretrained(recipe)
    if recipe.compile and not shutil.which(os.environ.get("CXX", "g++")):
        raise InputError("compile", "true", "compiler")

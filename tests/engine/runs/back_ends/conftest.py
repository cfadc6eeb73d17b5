"""A small recipe for two ranks, and the losses of its run without any fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machine import machine_like
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Run
from engine.training.corpus import prepare
from tests.engine.ranks import Ranks
from tests.engine.runs.back_ends.training import logs, losses
from tests.engine.runs.faked import tiny
from tests.engine.runs.working import train

STEPS = 300


@pytest.fixture(autouse=True)
def _prepared_once(prepared_corpora: Path) -> None:
    """Token files that the first run prepares and all others share."""


@pytest.fixture(scope="package")
def recipe(texts: Path) -> Recipe:
    return tiny(texts, n_ranks=2, steps=STEPS, eval_every_steps=STEPS, checkpoint_every_steps=50)


@pytest.fixture(scope="package")
def calm_losses(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Loss of every step of the recipe in an undisturbed run on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOPLEDGER_HOME", str(tmp_path_factory.mktemp("calm")))
        run = Run.create(recipe, run_plan(recipe, None, machine_like("CPU-core", recipe.n_ranks)))
        assert prepare.main(run.folder) == 0
        ranks = Ranks(run.folder / "log", train, run.folder, n_ranks=recipe.n_ranks)
        assert set(ranks.exit_codes()) == {0}, logs(run)
        return losses(run)

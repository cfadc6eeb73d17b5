"""A small run for two ranks, and what it learns where nothing happens to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.documents import read_toml
from engine.machine import machine_like
from engine.paths import DATA_DIR
from engine.runs.folder import Run
from engine.training import prepare
from engine.training.recipe import Recipe
from engine.training.sample import run_plan
from tests.engine.ranks import Ranks
from tests.engine.runs.back_ends.training import logs, losses
from tests.engine.runs.working import train

STEPS = 300


@pytest.fixture(scope="package")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    for number in range(12):
        words = " ".join(f"w{number * i * i % 89} and w{i % 13}" for i in range(400))
        (folder / f"{number}.txt").write_text(words, "utf-8")
    return folder


@pytest.fixture(scope="package")
def shared_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Token files that all runs here find ready after the first."""
    return tmp_path_factory.mktemp("corpora")


@pytest.fixture(autouse=True)
def _use_shared_corpora(home: Path, shared_corpora: Path) -> None:
    (home / "corpora").symlink_to(shared_corpora)


@pytest.fixture(scope="package")
def recipe(texts: Path) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values(
        {
            "corpus.source": str(texts),
            "shape.vocab": 300,
            "tokenizer_vocab": 280,
            "n_ranks": 2,
            "steps": STEPS,
            "eval_every_steps": STEPS,
            "checkpoint_every_steps": 50,
        }
    )


@pytest.fixture(scope="package")
def calm_losses(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Of every step of the recipe, where its ranks are on this machine and nothing happens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOPLEDGER_HOME", str(tmp_path_factory.mktemp("calm")))
        run = Run.create(recipe, run_plan(recipe, None, machine_like("CPU-core", recipe.n_ranks)))
        assert prepare.main(run.folder) == 0
        ranks = Ranks(run.folder / "log", train, run.folder, n_ranks=recipe.n_ranks)
        assert set(ranks.exit_codes()) == {0}, logs(run)
        return losses(run)

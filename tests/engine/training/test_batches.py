"""The tokens of each rank follow from the seed, the step and the rank."""

import numpy as np
import pytest

from engine.documents import read_toml
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.training.batches import TrainingBatches


@pytest.fixture
def recipe() -> Recipe:
    return read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)


def batches(recipe: Recipe, n_windows: int = 40) -> TrainingBatches:
    """Return batches of windows whose tokens all equal the number of the window."""
    seq_len = recipe.shape.seq_len_tokens
    tokens = np.repeat(np.arange(n_windows, dtype=np.uint32), seq_len)
    return TrainingBatches(tokens, recipe)


def windows_of(recipe: Recipe, step: int, rank: int) -> list[int]:
    batch = batches(recipe).micro_batch(step, 0, rank)
    assert batch.shape == (recipe.layout.micro_batch_sequences, recipe.shape.seq_len_tokens)
    assert (batch == batch[:, :1]).all()  # windows do not overlap
    return [int(row[0]) for row in batch]


def test_an_epoch_shows_every_window_once(recipe: Recipe) -> None:
    steps = 40 // recipe.global_batch_sequences
    seen = [w for step in range(steps) for rank in range(2) for w in windows_of(recipe, step, rank)]
    assert sorted(seen) == list(range(40))


def test_the_next_epoch_has_another_order(recipe: Recipe) -> None:
    first = [windows_of(recipe, step, 0) for step in range(5)]
    second = [windows_of(recipe, step, 0) for step in range(5, 10)]
    assert first != second


def test_the_order_follows_from_seed_step_and_rank(recipe: Recipe) -> None:
    assert windows_of(recipe, 3, 1) == windows_of(recipe, 3, 1)
    assert windows_of(recipe, 3, 1) != windows_of(recipe, 3, 0)
    assert windows_of(recipe, 3, 1) != windows_of(recipe.with_value("seed", 2), 3, 1)


def test_the_same_data_whatever_the_number_of_ranks(recipe: Recipe) -> None:
    on_two_ranks = windows_of(recipe, 2, 0) + windows_of(recipe, 2, 1)
    single_rank = recipe.with_values({"n_ranks": 1, "layout.micro_batch_sequences": 8})
    assert windows_of(single_rank, 2, 0) == on_two_ranks

"""The journal counts each step once, also in runs that were resumed."""

from pathlib import Path

import pytest

from engine.documents import read_toml
from engine.files import JsonLines
from engine.paths import DATA_DIR
from engine.recipes.checkpoints import Manifest
from engine.recipes.recipe import Recipe
from engine.results import StepMetrics
from engine.training.journal import Journal


def append(journal: Journal, step: int, step_time_s: float) -> None:
    journal.append(
        StepMetrics(
            step=step,
            tokens=step,
            loss=10.0 - step,
            step_time_s=step_time_s,
            learning_rate=1e-3,
            time=1.8e9,
        )
    )


def test_a_resumed_run_counts_each_step_once(tmp_path: Path) -> None:
    recipe = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    first = Journal(recipe, tmp_path, None)
    for step in range(1, 8):
        append(first, step, step_time_s=5.0 if step <= 3 else 1.0)
    assert first.step_times().mean == 1.0
    assert first.steps_time_s == 19.0
    manifest = Manifest(
        step=5,
        recipe_hash=recipe.content_hash,
        n_ranks=2,
        starts=first.starts,
        wall_time_s=100.0,
        files={},
    )
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "lo')  # the line that a killed process left

    again = Journal(recipe, tmp_path, manifest)
    assert (again.starts, again.train_loss) == ((0, 5), 5.0)
    for step in range(6, 11):
        append(again, step, step_time_s=7.0 if step <= 8 else 2.0)
    again.close()
    assert again.steps_time_s == 3 * 5.0 + 2 * 1.0 + 3 * 7.0 + 2 * 2.0
    # The set-up steps, the first three of each start, are excluded.
    assert again.step_times().mean == pytest.approx(1.5)
    assert again.wall_time_s > 100.0
    steps = [line["step"] for line in JsonLines(tmp_path / "metrics.jsonl").new().lines]
    assert steps == [*range(1, 11)]


def test_a_start_so_short_that_all_of_it_is_set_up_has_step_times(tmp_path: Path) -> None:
    recipe = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    journal = Journal(recipe, tmp_path, None)
    append(journal, 1, 3.0)
    append(journal, 2, 5.0)
    assert journal.step_times().mean == 4.0

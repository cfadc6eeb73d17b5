"""The recipes of a study, all with equal FLOPs, and the sums over its trials."""

from __future__ import annotations

from typing import Any

import pytest

from engine.documents import InputError, read_toml
from engine.experiments.study import Batch, Choice, Size, Study, StudyOutcome, TrialOutcome
from engine.flops import training_flops_per_token
from engine.paths import DATA_DIR

NO_LISTS: dict[str, object] = {"batches": (), "sizes": ()}


@pytest.fixture(scope="module")
def smoke() -> Study:
    return read_toml(DATA_DIR / "studies" / "smoke.toml", Study)


def trial(number: int, state: str, loss: float | None, **changes: object) -> TrialOutcome:
    """Return a trial of 40 steps of 4 FLOPs; a pruned trial took 10 steps, a diverged trial 5."""
    done = {"complete": 40, "pruned": 10, "diverged": 5}[state]
    size = Size(n_layers=2, d_model=64, n_heads=2, n_kv_heads=1, d_ff=192)
    values: dict[str, Any] = {
        "number": number,
        "state": state,
        "run_id": f"run-{number}",
        "choice": Choice(learning_rate=1e-3, batch=Batch(micro_batch_sequences=4), size=size),
        "n_parameters": 131_392,
        "steps": 40,
        "steps_done": done,
        "held_out_loss": loss,
        "evaluations": (),
        "flops": 4.0 * done,
        "device_hours": done / 10,
        "usd": done / 100,
        "wall_s": 60.0,
    }
    return TrialOutcome.parse(values | changes)


def outcome(*trials: TrialOutcome) -> StudyOutcome:
    return StudyOutcome(
        name="a study",
        n_trials=len(trials),
        trials=trials,
        accelerator="CPU-core",
        n_devices=1,
        usd_per_device_hour=0.05,
    )


def test_every_trial_takes_the_flops_of_the_base(smoke: Study) -> None:
    base = smoke.recipe
    wanted = training_flops_per_token(base.shape) * base.steps * 4 * 64
    seen = set()
    for recipe in smoke.corners():
        a_step = training_flops_per_token(recipe.shape) * recipe.tokens_per_step
        assert abs(recipe.steps * a_step - wanted) <= a_step / 2
        seen.add((recipe.shape.n_layers, recipe.layout.micro_batch_sequences, recipe.steps))
    assert seen == {(2, 4, 100), (2, 8, 50), (4, 4, 88), (4, 8, 44)}


@pytest.mark.parametrize(("steps", "evaluations"), [(100, 4), (103, 8), (10, 4), (9, 8)])
def test_a_trial_is_evaluated_at_even_shares(smoke: Study, steps: int, evaluations: int) -> None:
    study = smoke.with_values(
        {"recipe.steps": steps, "evaluations": evaluations, "sizes": (), "batches": ()}
    )
    (recipe,) = study.corners()
    at = [step for step in range(1, steps) if step % recipe.eval_every_steps == 0]
    assert 0 < len(at) <= evaluations
    places = [round(step / steps * (evaluations + 1)) for step in at]
    assert places == sorted(set(places))


def test_choices_with_equal_recipes_are_one_run(smoke: Study) -> None:
    (same, *_), (again, *_) = list(smoke.corners()), list(smoke.corners())
    assert same.content_hash == again.content_hash
    assert len({recipe.content_hash for recipe in smoke.corners()}) == 4


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"learning_rates": {"low": 0.1, "high": 0.01}}, "learning_rates.low", "less_than"),
        ({"learning_rates": None} | NO_LISTS, "learning_rates", "something_to_search"),
        ({"batches": [{"micro_batch_sequences": 4}] * 2}, "batches", "no_repeats"),
        ({"evaluations": 44}, "evaluations", "less_than"),
        ({"n_trials": 0}, "n_trials", "greater_than_equal"),
        ({"pruner": "hope"}, "pruner", "literal_error"),
        ({"recipe.peak_learning_rate": float("nan")}, "recipe.peak_learning_rate", "finite"),
    ],
)  # fmt: skip
def test_a_bad_study_is_refused_in_one_line(
    smoke: Study, changes: dict[str, object], field: str, rule: str
) -> None:
    with pytest.raises(InputError) as refused:
        smoke.with_values(changes)
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert len(str(refused.value).splitlines()) == 1


def test_a_size_that_cannot_be_built_is_refused_before_anything_starts(smoke: Study) -> None:
    odd = smoke.sizes[0].model_dump() | {"n_heads": 3, "n_kv_heads": 2}
    with pytest.raises(InputError, match="n_kv_heads"):
        smoke.with_values({"sizes": [odd]})


def test_the_best_is_the_lowest_of_those_that_came_to_their_end() -> None:
    found = outcome(
        trial(0, "complete", 5.0), trial(1, "pruned", 4.0), trial(2, "complete", 4.5),
        trial(3, "diverged", None),
    )  # fmt: skip
    assert found.best is not None
    assert found.best.number == 2
    assert outcome(trial(1, "pruned", 4.0), trial(3, "diverged", None)).best is None


def test_costs_by_hand() -> None:
    """The trials took 40 + 10 + 5 steps.

    Without pruning the second would have taken 40 steps; the diverged third would not.
    """
    found = outcome(trial(0, "complete", 5.0), trial(1, "pruned", 6.0), trial(2, "diverged", None))
    assert found.spent("flops") == 4 * 55
    assert found.spent("device_hours") == pytest.approx(5.5)
    assert found.spent("usd") == pytest.approx(0.55)
    assert found.spent_on_pruned("usd") == pytest.approx(0.1)
    assert found.without_pruning("flops") == 4 * 85
    assert found.without_pruning("usd") == pytest.approx(0.85)


def test_two_trials_of_one_run_are_paid_once() -> None:
    first, same = trial(0, "complete", 5.0), trial(1, "complete", 5.0, run_id="run-0")
    assert outcome(first, same).spent("usd") == outcome(first).spent("usd")

"""The search: trials that it starts, ends, keeps and continues; one trial is really trained."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from engine.documents import InputError, read_toml
from engine.experiments import recipe_search as module
from engine.experiments.recipe_search import SearchProgress, search
from engine.experiments.study import Study, best_recipe, stored_outcomes
from engine.files import append_json_line
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.results import Failure
from engine.runs.folder import Phase, Run, all_runs

STEP_TIME_S = 0.5


@pytest.fixture(scope="module")
def smoke() -> Study:
    return read_toml(DATA_DIR / "studies" / "smoke.toml", Study)


def by_rate(recipe: Recipe, share: float) -> float:
    """Return a loss that is lowest at a learning rate of 4e-3 and falls to the end of training."""
    return 5 + abs(math.log(recipe.peak_learning_rate / 4e-3)) - share


class FakeRun:
    """A run that writes all of its metrics at once and is over when it is reconciled twice."""

    def __init__(self, recipe: Recipe, number: int, folder: Any, loss: Any) -> None:
        self.recipe, self.id, self.times_reconciled = recipe, f"run-{number}", 0
        self.phase, self.failure = Phase.TRAINING, None
        self.plan = SimpleNamespace(cluster=SimpleNamespace(price_usd_per_device_hour="0.05"))
        self.folder = folder / self.id
        self.folder.mkdir()
        for step in range(1, recipe.steps + 1):
            share = step / recipe.steps
            value = loss(recipe, share)
            if not math.isfinite(value):
                self.failure = Failure(key="loss_not_finite", params={"step": step})
                break
            evaluated = step % recipe.eval_every_steps == 0 and step < recipe.steps
            append_json_line(
                self.folder / "metrics.jsonl",
                {
                    "step": step,
                    "tokens": step,
                    "loss": value,
                    "held_out_loss": value if evaluated else None,
                    "step_time_s": STEP_TIME_S,
                    "learning_rate": 1e-3,
                    "time": 0.0,
                },
            )
        self.result = SimpleNamespace(held_out_loss=loss(recipe, 1.0))

    metrics = Run.metrics

    @property
    def state(self) -> Any:
        at = SimpleNamespace(total_seconds=lambda: 60.0)
        moment: Any = type("Moment", (), {"__sub__": lambda *_: at})()
        return SimpleNamespace(
            phase=self.phase,
            failure=self.failure,
            started_at=None,
            ended_at=moment,
            created_at=moment,
            spent_s=0.0,
        )


@dataclass
class FakeRuns:
    """Stands in for supervisors and training."""

    folder: Any
    loss: Callable[[Recipe, float], float] = by_rate
    started: list[FakeRun] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    most_at_once: int = 0
    interrupt_at: int | None = None

    def run_of(self, recipe: Recipe) -> FakeRun:
        for run in self.started:
            if run.recipe == recipe and run.phase is Phase.SUCCEEDED:
                return run
        run = FakeRun(recipe, len(self.started), self.folder, self.loss)
        self.started.append(run)
        alive = sum(not started.phase.is_over for started in self.started)
        self.most_at_once = max(self.most_at_once, alive)
        return run

    def reconcile_run(self, run: FakeRun) -> Phase:
        if self.interrupt_at == len(self.started):
            raise KeyboardInterrupt
        run.times_reconciled += 1
        if run.times_reconciled > 1 and not run.phase.is_over:
            run.phase = Phase.FAILED if run.failure else Phase.SUCCEEDED
        return run.phase

    def cancel(self, run: FakeRun) -> None:
        if not run.phase.is_over:
            self.cancelled.append(run.id)
            run.phase = Phase.CANCELLED


@pytest.fixture
def runs(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> FakeRuns:
    fake = FakeRuns(tmp_path)
    monkeypatch.setattr(module, "run_of", fake.run_of)
    monkeypatch.setattr(module, "reconcile_run", fake.reconcile_run)
    monkeypatch.setattr(module.control, "cancel", fake.cancel)
    monkeypatch.setattr(module.control, "wait", lambda run: run.phase)
    monkeypatch.setattr(module, "_POLL_S", 0.0)
    return fake


def of_rates(smoke: Study, **changes: object) -> Study:
    """Learning rates alone, nothing ended early."""
    return smoke.with_values(
        {"sizes": (), "batches": (), "pruner": "none", "n_trials": 12} | changes
    )


def test_it_finds_the_better_rate_and_writes_its_recipe(smoke: Study, runs: FakeRuns) -> None:
    study = of_rates(smoke)
    found = search(study)
    assert len(runs.started) == len(found.trials) == 12
    rates = [run.recipe.peak_learning_rate for run in runs.started]
    assert all(3e-4 <= rate <= 3e-2 for rate in rates)
    nearest = min(rates, key=lambda rate: abs(math.log(rate / 4e-3)))
    assert found.best is not None
    assert found.best.choice.learning_rate == nearest
    best = best_recipe(study.folder)
    assert best is not None
    assert best.peak_learning_rate == nearest
    ((folder, stored),) = stored_outcomes()
    assert (folder, stored) == (study.folder, found)


def test_the_same_seed_tries_the_same_and_another_others(smoke: Study, runs: FakeRuns) -> None:
    def rates(study: Study) -> list[float]:
        return [trial.choice.learning_rate for trial in search(study).trials]

    study = of_rates(smoke, n_trials=6)
    first = rates(study)
    (study.folder / "journal.log").unlink()
    assert rates(study) == first
    assert rates(study.with_values({"seed": 2})) != first


def test_the_worse_are_ended_and_their_cost_is_that_of_the_steps_done(
    smoke: Study, runs: FakeRuns
) -> None:
    study = of_rates(smoke, pruner="median", startup_trials=4)
    reported: list[SearchProgress] = []
    found = search(study, on_progress=reported.append)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert {trial.run_id for trial in pruned} == set(runs.cancelled)
    assert all(trial.number >= 4 for trial in pruned)  # the first trials never are
    for trial in found.trials:
        hours = trial.steps_done * STEP_TIME_S / 3600
        assert trial.device_hours == pytest.approx(hours)
        assert trial.usd == pytest.approx(hours * 0.05)
    # The fake writes all steps before it is cancelled, so nothing is saved here.
    assert [len(progress.outcome.trials) for progress in reported] == list(range(1, 13))


def test_halving_ends_trials_too(smoke: Study, runs: FakeRuns) -> None:
    found = search(of_rates(smoke, pruner="successive_halving"))
    assert found.number_of("pruned") > 0
    assert found.best is not None


def test_a_trial_that_diverges_is_a_bad_one_and_the_search_goes_on(
    smoke: Study, runs: FakeRuns
) -> None:
    runs.loss = lambda recipe, share: (
        math.nan if recipe.peak_learning_rate > 3e-3 and share > 0.5 else by_rate(recipe, share)
    )
    found = search(of_rates(smoke))
    diverged = [trial for trial in found.trials if trial.state == "diverged"]
    assert diverged
    assert found.number_of("complete") > 0
    assert all(trial.held_out_loss is None for trial in diverged)
    assert all(trial.steps_done == 50 for trial in diverged)
    assert found.best is not None
    assert found.best.choice.learning_rate <= 3e-3


def test_all_may_diverge(smoke: Study, runs: FakeRuns) -> None:
    runs.loss = lambda *_: math.nan
    study = of_rates(smoke)
    found = search(study)
    assert found.number_of("diverged") == 12
    assert found.best is None
    assert best_recipe(study.folder) is None
    assert found.spent("usd") == 0


def test_an_interrupted_search_goes_on(smoke: Study, runs: FakeRuns) -> None:
    study = of_rates(smoke, n_trials=6)
    runs.interrupt_at = 4
    with pytest.raises(KeyboardInterrupt):
        search(study)
    assert runs.cancelled == ["run-3"]
    runs.interrupt_at = None
    found = search(study)
    assert len(found.trials) == 6
    # The live trial is tried again; trials that were over are not.
    assert runs.started[4].recipe == runs.started[3].recipe
    assert len(runs.started) == 7
    assert len({run.recipe.content_hash for run in runs.started}) == 6


def test_a_search_that_is_over_starts_nothing(smoke: Study, runs: FakeRuns) -> None:
    study = of_rates(smoke, n_trials=3)
    first = search(study)
    assert search(study) == first
    assert len(runs.started) == 3


def test_another_failure_ends_the_search_with_its_reason(
    smoke: Study, runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.loss = lambda *_: math.nan
    real = runs.run_of

    def failing(recipe: Recipe) -> FakeRun:
        run = real(recipe)
        error = InputError("corpus.source", "nowhere", "corpus_source")
        run.failure = Failure.of_input(error)
        return run

    monkeypatch.setattr(module, "run_of", failing)
    with pytest.raises(InputError, match=r"corpus\.source: nowhere"):
        search(of_rates(smoke))


def test_trials_run_side_by_side(
    smoke: Study, runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = dataclasses.replace(module.this_machine(), n_devices=3)
    monkeypatch.setattr(module, "this_machine", lambda: roomy)
    assert len(search(of_rates(smoke, n_trials=7), at_once=3).trials) == 7
    assert (runs.most_at_once, len(runs.started)) == (3, 7)
    with pytest.raises(InputError) as refused:
        search(of_rates(smoke), at_once=4)
    assert (refused.value.field, refused.value.rule) == ("at_once", "less_than_equal")


def test_one_search_of_a_study_at_a_time(smoke: Study, runs: FakeRuns) -> None:
    study = of_rates(smoke)

    def search_again(_: SearchProgress) -> None:
        with pytest.raises(InputError) as refused:
            search(study)
        assert refused.value.rule == "searched_already"
        raise StopIteration

    with pytest.raises(StopIteration):
        search(study, on_progress=search_again)


@pytest.mark.runs
def test_a_real_trial(smoke: Study) -> None:
    study = smoke.with_values(
        {"n_trials": 1, "evaluations": 2, "recipe.steps": 12, "batches": (), "sizes": ()}
    )
    found = search(study)
    (run,) = all_runs()
    (trial,) = found.trials
    result = run.result
    assert result is not None
    assert (trial.state, trial.run_id, trial.steps_done) == ("complete", run.id, 12)
    assert trial.held_out_loss == result.held_out_loss
    assert trial.device_hours == pytest.approx(result.steps_time_s / 3600)
    assert [share for share, _ in trial.evaluations] == [4 / 12, 8 / 12]
    assert json.loads((study.folder / "outcome.json").read_text())["trials"][0]["number"] == 0

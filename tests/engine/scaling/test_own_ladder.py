"""This project's own ladder: its table follows its recipe, and small runs predict large runs."""

import pytest

from engine.documents import InputError, read_toml
from engine.experiments.ladder import Ladder, training_flops
from engine.paths import DATA_DIR
from engine.scaling.backtest import backtest, split
from engine.scaling.runs import TrainingRuns, read_runs

TABLE = DATA_DIR / "ladder_cpu.csv"


@pytest.fixture(scope="module")
def runs() -> TrainingRuns:
    return read_runs(TABLE, TABLE.name, "non_embedding")


@pytest.fixture(scope="module")
def ladder() -> Ladder:
    return read_toml(DATA_DIR / "ladders" / "cpu.toml", Ladder)


def test_table_holds_every_run_of_the_recipe(ladder: Ladder, runs: TrainingRuns) -> None:
    asked = {
        (recipe.name, recipe.shape.count_parameters().non_embedding, recipe.tokens)
        for recipe in ladder.recipes()
    }
    assert asked == set(zip(runs.names, runs.parameters, runs.tokens, strict=True))
    assert runs.n_runs == 23


def test_cheapest_runs_come_first(ladder: Ladder) -> None:
    costs = [training_flops(recipe) for recipe in ladder.recipes()]
    assert costs == sorted(costs)


def test_a_rung_said_twice_is_refused(ladder: Ladder) -> None:
    rungs = [rung.model_dump() for rung in ladder.rungs]
    with pytest.raises(InputError, match="twice"):
        ladder.with_values({"rungs": [*rungs, rungs[0]]})


def test_no_token_is_repeated(runs: TrainingRuns) -> None:
    assert runs.unique_tokens is not None
    assert (runs.unique_tokens == runs.tokens).all()


def test_more_tokens_and_more_parameters_help(runs: TrainingRuns) -> None:
    by_point = {
        (n, d): loss for n, d, loss in zip(runs.parameters, runs.tokens, runs.loss, strict=True)
    }
    sizes = sorted(set(runs.parameters))
    for size in sizes:
        losses = [by_point[n, d] for n, d in sorted(by_point) if n == size]
        assert losses == sorted(losses, reverse=True)


def test_runs_up_to_a_tenth_foretell_the_rest(runs: TrainingRuns) -> None:
    small, large = split(runs, 10)
    ours, plain = backtest(small, large, "weak"), backtest(small, large, "none")
    assert large.n_runs == 8
    assert ours.error < 0.04 < plain.error
    assert ours.coverage == 1


def test_runs_up_to_a_thirtieth_keep_the_bounds(runs: TrainingRuns) -> None:
    small, large = split(runs, 30)
    ours = backtest(small, large, "weak")
    assert (small.n_runs, large.n_runs) == (11, 12)
    assert ours.error < 0.02
    assert ours.coverage == 1

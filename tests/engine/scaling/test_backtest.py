"""Cuts and figures of merit, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.scaling.backtest import LEAST_RUNS, backtest, backtest_sets, split
from engine.scaling.extrapolation import extrapolation
from engine.scaling.fit import fit
from engine.scaling.laws import loss
from engine.scaling.published import published_sets, runs_of
from tests.engine.scaling.test_fit import made_runs

pytestmark = pytest.mark.slow


def test_a_cut_parts_the_runs_by_their_compute() -> None:
    runs = made_runs()
    small, large = split(runs, 30)
    assert {*small.names} | {*large.names} == {*runs.names}
    assert small.n_runs + large.n_runs == runs.n_runs
    limit = (6 * 5e9 * 135 * 5e9) / 30
    assert small.flops.max() <= limit < large.flops.min()


def test_a_run_at_the_cut_is_small_whatever_was_rounded_in_print() -> None:
    runs = made_runs()
    flops = np.full(runs.n_runs, 3e21)
    flops[:4] = 1e20 * np.array([0.5, 1, 1 + 1e-7, 1.01])
    small, _ = split(replace(runs, flops=flops), 30)
    assert small.names == runs.names[:3]


def test_a_cut_of_one_leaves_nothing_to_predict() -> None:
    assert split(made_runs(), 1)[1].n_runs == 0


def test_figures_are_those_of_the_predictions() -> None:
    small, large = split(made_runs(0.003), 10)
    predicted = extrapolation(small).predict(large.parameters, large.tokens)
    # As if measured: one below, two inside (one at the bound itself), the rest far above.
    measured = predicted.loss * 2
    measured[0] = predicted.low[0] * 0.9
    measured[1], measured[2] = predicted.loss[1], predicted.high[2]
    found = backtest(small, replace(large, loss=measured), "weak")
    ratio = predicted.loss / measured
    assert found.n_predicted == len(measured)
    assert found.n_fitted == small.n_runs
    assert found.coverage == pytest.approx(2 / len(measured))
    assert found.error == pytest.approx(sum(abs(ratio - 1)) / len(ratio))
    assert found.bias == pytest.approx(sum(ratio) / len(ratio) - 1)
    assert found.bias < 0
    assert found.width == pytest.approx(sum(predicted.high / predicted.loss) / len(ratio) - 1)


def test_an_exact_law_is_foretold_exactly_by_the_plain_fit() -> None:
    small, large = split(made_runs(), 30)
    found = backtest(small, large, "none")
    assert found.error < 1e-4
    assert abs(found.bias) <= found.error


def test_repeated_tokens_are_predicted_as_repeated() -> None:
    runs = runs_of(published_sets()["datablations.c4.repeated"])
    small, large = split(runs, 30)
    found = backtest(small, large, "none")
    predicted = extrapolation(small, prior="none").predict(
        large.parameters, large.tokens, large.unique_tokens
    )
    assert found.error == pytest.approx(np.abs(predicted.loss / large.loss - 1).mean())
    as_fresh = backtest(small, replace(large, unique_tokens=None), "none")
    assert found.error < as_fresh.error


def test_sets_too_small_to_cut_are_left_out() -> None:
    runs = made_runs(0.003)
    by_compute = np.argsort(runs.flops)
    largest = np.zeros(runs.n_runs, bool)
    largest[by_compute[-1]] = True

    def with_small(n_small: int):  # type: ignore[no-untyped-def]
        # Every third, so that sizes and lengths differ.
        kept = largest.copy()
        kept[by_compute[: 2 * n_small : 2]] = True
        return runs.subset(kept)

    sets = [("few", with_small(LEAST_RUNS - 1)), ("enough", with_small(LEAST_RUNS))]
    assert [tested.name for tested in backtest_sets(sets, cut=30)] == ["enough"]
    assert backtest_sets([("none above", runs)], cut=1) == []


def test_both_methods_and_the_floor_are_of_the_same_runs() -> None:
    runs = made_runs(0.01)
    small, large = split(runs, 30)
    (found,) = backtest_sets([("made", runs)], cut=30)
    assert found.plain == backtest(small, large, "none")
    assert found.weak_prior == backtest(small, large, "weak")
    whole = loss(fit(runs).law, large.parameters, large.tokens)
    assert found.floor == pytest.approx(np.abs(whole / large.loss - 1).mean())


def test_the_floor_of_an_exact_law_is_none() -> None:
    (found,) = backtest_sets([("made", made_runs())])
    assert found.floor < 1e-4

"""Predicting large runs from small: published sets, and laws that are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import huber

from engine.documents import InputError
from engine.scaling.backtest import backtest, backtest_sets, split
from engine.scaling.extrapolation import PriorChoice, extrapolation, in_fresh_tokens
from engine.scaling.fit import fit
from engine.scaling.laws import Array, loss
from engine.scaling.published import published_sets, runs_of
from engine.scaling.repeated import effective_tokens, repeated_coefficients
from tests.engine.scaling.test_fit import LAW, made_runs

pytestmark = pytest.mark.slow

SETS = (
    "gadre_c4.c4_original.c4_val",
    "porian_rw.refinedweb.cosine_val",
    "datablations.c4.single_epoch",
    "olmo_ladder_le1B.olmoe_mix.c4_en",
    "gemstones_hot.dolma.train",
)


@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_a_known_law_is_foretold(noise: float) -> None:
    predicted = extrapolation(made_runs(noise)).predict(7e10, 1.4e12)
    truth = float(loss(LAW, 7e10, 1.4e12))
    assert float(predicted.loss) == pytest.approx(truth, rel=0.03)
    assert predicted.low < truth < predicted.high


def test_bounds_widen_with_distance_and_repeat_themselves() -> None:
    near_and_far = (np.array([1e10, 1e11, 1e12]), np.array([2e11, 2e12, 2e13]))
    first, second = (extrapolation(made_runs(0.003)).predict(*near_and_far) for _ in range(2))
    width = first.high / first.low
    assert (np.diff(width) > 0).all()
    assert (first.low == second.low).all()


def test_large_published_runs_lie_inside_the_bounds() -> None:
    found = backtest_sets((name, runs_of(published_sets()[name])) for name in SETS)
    assert len(found) == len(SETS)
    ours = [tested.weak_prior.error for tested in found]
    assert np.median(ours) <= 0.02 < np.median([tested.plain.error for tested in found])
    assert np.mean([tested.weak_prior.coverage for tested in found]) >= 0.8
    assert np.mean([tested.plain.coverage for tested in found]) < 0.8


def test_wild_draws_are_still_numbers() -> None:
    small, large = split(runs_of(published_sets()["olmo_ladder_le1B.olmoe_mix.ice"]), 30)
    with np.errstate(all="raise", under="ignore"):
        predicted = extrapolation(small, prior="none").predict(large.parameters, large.tokens)
    assert np.isfinite(predicted.high).all()


def test_repeated_tokens_count_as_what_they_are_worth() -> None:
    runs = runs_of(published_sets()["datablations.c4.repeated"])
    assert runs.unique_tokens is not None
    law = repeated_coefficients()["muennighoff_2023"]
    fresh = in_fresh_tokens(runs)
    assert fresh.tokens == pytest.approx(effective_tokens(law, runs.tokens, runs.unique_tokens))
    made = extrapolation(runs, draws=10)
    once = made.predict(1e9, 2e10, 2e10).loss
    assert made.predict(1e9, 2e10, 1e9).loss > once
    assert once == made.predict(1e9, 2e10).loss


def test_unique_tokens_may_be_many_where_the_rest_is_one() -> None:
    made = extrapolation(made_runs(0.003), draws=10)
    unique = np.array([[1e9], [5e9], [2e10]])
    together = made.predict([1e9, 2e9], 2e10, unique)
    assert together.loss.shape == together.low.shape == together.high.shape == (3, 2)
    for row, n_unique in enumerate(unique[:, 0]):
        for column, n in enumerate([1e9, 2e9]):
            alone = made.predict(n, 2e10, n_unique)
            for bound in ("loss", "low", "high"):
                found = getattr(together, bound)[row, column]
                assert found == pytest.approx(float(getattr(alone, bound)))


def test_more_unique_tokens_than_tokens_are_no_help() -> None:
    made = extrapolation(made_runs(0.003), draws=10)
    assert made.predict(1e9, 2e10, 9e12).loss == made.predict(1e9, 2e10).loss


def test_the_law_is_the_least_of_its_objective() -> None:
    """The objective is written again, in logarithms of A, B and E that are not centred."""
    runs = made_runs(0.01, seed=2)
    log_n, log_d, z = np.log(runs.parameters), np.log(runs.tokens), np.log(runs.loss)
    weights = (runs.parameters * runs.tokens) ** 0.8 / runs.loss**9
    weights /= weights.mean()

    def errors(theta: Array) -> Array:
        terms = [theta[0] - theta[3] * log_n, theta[1] - theta[4] * log_d, 0 * z + theta[2]]
        return np.asarray(np.logaddexp.reduce(terms)) - z

    def data_cost(theta: Array) -> float:
        return float(weights @ huber(1e-3, errors(theta)))

    def least(cost, start: Array) -> Array:  # type: ignore[no-untyped-def]
        for method in ("BFGS", "Nelder-Mead", "Nelder-Mead", "BFGS"):
            start = minimize(cost, start, method=method).x
        return np.asarray(start)

    truth = np.array([np.log(LAW.A), np.log(LAW.B), np.log(LAW.E), LAW.alpha, LAW.beta])
    free = least(data_cost, truth)
    scatter = max(0.003, float(weights @ np.abs(errors(free)) / weights.sum()))
    mean = np.array([np.log(0.62) + z.min(), 0.30, 0.33])
    pull = 6 * 1e-3 * scatter / np.array([0.10, 0.06, 0.06]) ** 2

    def cost(theta: Array) -> float:
        return data_cost(theta) + float(pull @ (theta[2:] - mean) ** 2) / 2

    law = extrapolation(runs, draws=2).law
    found = np.array([np.log(law.A), np.log(law.B), np.log(law.E), law.alpha, law.beta])
    assert cost(found) <= min(cost(least(cost, start)) for start in (truth, found)) * (1 + 1e-5)
    assert cost(found) < cost(free)


def test_without_a_prior_it_is_the_plain_fit_and_its_bootstrap() -> None:
    runs = made_runs(0.01)
    made, plain = extrapolation(runs, prior="none", draws=30), fit(runs, bootstraps=30)
    assert made.law == plain.law
    assert [law.A for law in made.ensemble] == pytest.approx(plain.bootstrap[:, 0].tolist())
    predicted = made.predict(7e10, 1.4e12)
    log_losses = [np.log(loss(law, 7e10, 1.4e12)) for law in plain.ensemble]
    width = np.exp(1.96 * np.std(log_losses))
    assert float(predicted.high / predicted.loss) == pytest.approx(width)
    assert float(predicted.loss / predicted.low) == pytest.approx(width)


def test_bounds_hold_the_scatter_of_the_runs_too() -> None:
    made = extrapolation(made_runs(0.01))
    assert 1.5 * 0.003 < made.scatter < 1.5 * 0.012
    near = made.predict(2e9, 2e10)
    assert near.high / near.loss > np.exp(1.96 * made.scatter)
    exact = extrapolation(made_runs())
    assert exact.scatter == pytest.approx(1.5 * 0.003)


def test_the_width_is_that_of_draws_and_scatter_together() -> None:
    made = extrapolation(made_runs(0.01), draws=30)
    predicted = made.predict([2e9, 7e10], [2e10, 1.4e12])
    for k, (n, d) in enumerate([(2e9, 2e10), (7e10, 1.4e12)]):
        spread = np.std([np.log(loss(law, n, d)) for law in made.ensemble])
        width = np.exp(1.96 * np.hypot(spread, made.scatter))
        assert predicted.high[k] / predicted.loss[k] == pytest.approx(width)
        assert predicted.loss[k] / predicted.low[k] == pytest.approx(width)


def test_each_draw_has_a_prior_of_its_own() -> None:
    # One balanced sample is all runs once, so that nothing else can tell two draws apart.
    runs = made_runs(0.01)
    far = [
        float(loss(extrapolation(runs, draws=1, seed=k).ensemble[0], 1e12, 2e13)) for k in (0, 1)
    ]
    assert far[0] != pytest.approx(far[1], rel=1e-4)


def test_draws_weigh_the_runs_as_the_law_does() -> None:
    runs = made_runs(0.003)
    small = runs.flops < np.median(runs.flops)
    made = extrapolation(replace(runs, loss=runs.loss * np.where(small, 1.15, 1)), draws=60)
    drawn = [float(loss(law, 2e10, 2e12)) for law in made.ensemble]
    assert np.median(drawn) == pytest.approx(float(loss(made.law, 2e10, 2e12)), rel=0.01)


def test_another_seed_draws_others_for_the_same_law() -> None:
    runs = made_runs(0.01)
    first, second = (extrapolation(runs, seed=seed, draws=20) for seed in (0, 1))
    assert first.law == second.law
    assert (first.draws != second.draws).any(axis=1).all()


@pytest.mark.parametrize("prior", ["weak", "none"])
def test_tied_exponents_are_equal_in_every_draw(prior: PriorChoice) -> None:
    made = extrapolation(made_runs(0.01), prior=prior, tied=True, draws=20)
    assert made.law.alpha == made.law.beta
    assert all(law.alpha == law.beta for law in made.ensemble)


def test_four_runs_are_too_few() -> None:
    runs = made_runs()
    with pytest.raises(InputError, match="runs"):
        extrapolation(runs.subset(np.arange(runs.n_runs) % 6 == 0))


def test_a_backtest_reports_what_it_saw() -> None:
    small, large = split(made_runs(0.002), 30)
    found = backtest(small, large, "weak")
    assert (found.n_fitted, found.n_predicted) == (small.n_runs, large.n_runs)
    predicted = extrapolation(small).predict(large.parameters, large.tokens)
    assert found.error == pytest.approx(np.abs(predicted.loss / large.loss - 1).mean())

"""The Chinchilla law against its paper and its replication."""

import math
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
import pytest

from engine.facts import loss_coefficients
from engine.scaling.expected import FittedRange, expected_loss, loss_bounds
from engine.scaling.fit import fit
from engine.scaling.laws import compute_optimal, loss
from engine.scaling.published import published_sets, runs_of
from engine.scaling.runs import TrainingRuns

LAWS = loss_coefficients()


def test_chinchilla_70b_by_hand() -> None:
    by_hand = 1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28
    assert loss(LAWS["hoffmann_2022_rounded"], 70e9, 1.4e12) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(1.937, abs=1e-3)


@pytest.mark.parametrize(
    ("law", "tokens_per_parameter"),
    [("hoffmann_2022_rounded", 62.6), ("hoffmann_2022_unrounded", 41.4)],
)
def test_optimum_at_1e22_flops(law: str, tokens_per_parameter: float) -> None:
    found = compute_optimal(LAWS[law], 1e22).tokens_per_parameter
    assert found == pytest.approx(tokens_per_parameter, rel=0.01)


def test_optimum_is_the_minimum_along_equal_compute() -> None:
    law, flops = LAWS["besiroglu_2024"], 1e21
    best = compute_optimal(law, flops).parameters
    for factor in (0.9, 1.1):
        other = best * factor
        assert loss(law, best, flops / 6 / best) < loss(law, other, flops / 6 / other)


def test_nothing_is_worse_than_guessing() -> None:
    tiny = expected_loss(LAWS["hoffmann_2022_unrounded"], 1e6, 3e6, vocab=2048)
    assert tiny.value == tiny.high == math.log(2048)
    assert tiny.extrapolated


def test_bounds_span_the_fits_and_the_scatter_of_runs() -> None:
    inside = expected_loss(LAWS["hoffmann_2022_rounded"], 1e9, 2e10, vocab=32000)
    assert not inside.extrapolated
    fits = [loss(law, 1e9, 2e10) for law in LAWS.values()]
    assert (inside.low, inside.high) == pytest.approx((min(fits) / 1.03, max(fits) * 1.03))


def test_bounds_beyond_the_fitted_tokens_by_hand() -> None:
    """At 8 times the fitted tokens, the exponent of the tokens' term is between β/4 and 4·β."""
    found = expected_loss(LAWS["hoffmann_2022_unrounded"], 3e9, 4e12, vocab=128256)
    by_hand = [
        [
            law.E + law.A / 3e9**law.alpha + law.B / 5e11**law.beta * 8 ** (-law.beta * times)
            for law in LAWS.values()
        ]
        for times in (4, 0.25)
    ]
    assert found.extrapolated
    assert found.low == pytest.approx(min(by_hand[0]) / 1.03)
    assert found.high == pytest.approx(max(by_hand[1]) * 1.03)


def test_bounds_fall_and_widen_with_tokens_beyond_the_fit() -> None:
    law = LAWS["hoffmann_2022_unrounded"]
    found = [expected_loss(law, 3e9, tokens, 128256) for tokens in (5e11, 6e11, 1e12, 3e12, 15e12)]
    for before, after in pairwise(found):
        assert after.low < before.low
        assert after.high < before.high
        assert after.high / after.low > before.high / before.low


@pytest.mark.slow
def test_bounds_contain_four_in_five_larger_published_runs() -> None:
    """Predict runs of published sets beyond the tokens, the parameters or both of those in the fit.

    Sources count alike, since a source has up to eleven sets with the same runs.
    """
    inside: dict[float, dict[str, list[bool]]] = {}
    for published in published_sets().values():
        if published.repeats_tokens:
            continue
        for distance, hit in _predicted_beyond_the_fit(runs_of(published)):
            inside.setdefault(distance, {}).setdefault(published.file, []).append(hit)
    assert len(inside) == 5
    coverage = {
        distance: float(np.mean([np.mean(hits) for hits in by_source.values()]))
        for distance, by_source in inside.items()
    }
    assert min(coverage.values()) >= 0.8, coverage
    assert max(coverage.values()) <= 0.95, coverage  # wider bounds would say too little


def _predicted_beyond_the_fit(runs: TrainingRuns) -> Iterator[tuple[float, bool]]:
    """Yield the distance of each run beyond a fit, and whether the bounds contain its loss."""
    for axis, cut in product(("tokens", "parameters", "both"), (2, 8, 32)):
        most_tokens = runs.tokens.max() / (1 if axis == "parameters" else cut)
        most_parameters = runs.parameters.max() / (1 if axis == "tokens" else cut)
        small = (runs.tokens <= most_tokens) & (runs.parameters <= most_parameters)
        fitted, rest = runs.subset(small), runs.subset(~small)
        if (
            fitted.n_points < 8
            or len(np.unique(fitted.parameters)) < 3
            or len(np.unique(np.log(fitted.tokens).round(1))) < 3
        ):
            continue
        law = fit(fitted).law
        limits = FittedRange(
            min_parameters=fitted.parameters.min(), max_parameters=fitted.parameters.max(),
            min_tokens=fitted.tokens.min(), max_tokens=fitted.tokens.max(),
        )  # fmt: skip
        for size, tokens, measured in zip(rest.parameters, rest.tokens, rest.loss, strict=True):
            if size < limits.min_parameters or tokens < limits.min_tokens:
                continue
            low, high = loss_bounds([(law, limits)], size, tokens)
            times = max(size / limits.max_parameters, tokens / limits.max_tokens)
            distance = next(edge for edge in (2, 4, 8, 16, math.inf) if times <= edge)
            yield distance, bool(low <= measured <= high)

"""The inference-aware optimum against the paper's figures, its authors' code and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from engine.documents import InputError
from engine.facts import loss_coefficients
from engine.scaling.laws import Array, FittedLaw, compute_optimal, loss
from engine.scaling.lifetime import (
    cheapest_flops,
    cheapest_for_loss,
    compute_optimal_for_loss,
)

LAW = loss_coefficients()["besiroglu_2024"]
SARDANA = FittedLaw(parameters_counted="total", A=406.4, B=410.7, E=1.69, alpha=0.336, beta=0.283)
"""The coefficients that Sardana 2023 uses throughout (its code, nikhilsardana/beyond-chinchilla,
README, "Advanced Features")."""


def chinchilla_loss(parameters: float) -> float:
    """Return the loss of the compute-optimal model of ``parameters``: α·A/N^α = β·B/D^β."""
    law = SARDANA
    term = law.A * parameters**-law.alpha
    return law.E + term * (1 + law.alpha / law.beta)


# The first is from the README of its code, whose loss is that of 70B at a trillion tokens; the
# second from the caption of figure 1 of arXiv:2401.00448; the third as others quote the paper.
@pytest.mark.parametrize(
    ("wanted_loss", "served", "parameters", "token_ratio", "saved_share"),
    [
        (1.947, 2e12, 2.418e10, 1.4677, 0.0478),
        (chinchilla_loss(13e9), 2e12, 7e9, None, 0.17),
        (chinchilla_loss(30e9), 1e13, 13.6e9, 2.84, 0.28),
    ],
)
def test_published_optima_in_flops(
    wanted_loss: float,
    served: float,
    parameters: float,
    token_ratio: float | None,
    saved_share: float,
) -> None:
    found = cheapest_flops(SARDANA, wanted_loss, served)
    trained_cheapest = compute_optimal_for_loss(SARDANA, wanted_loss)
    at_chinchilla = trained_cheapest.flops + 2 * trained_cheapest.parameters * served
    assert found.parameters == pytest.approx(parameters, rel=5e-3)
    assert 1 - found.total_flops / at_chinchilla == pytest.approx(saved_share, abs=6e-3)
    if token_ratio:
        assert found.tokens / trained_cheapest.tokens == pytest.approx(token_ratio, rel=2e-3)


def test_figure_1_saves_as_many_flops_as_it_says() -> None:
    wanted = chinchilla_loss(13e9)
    trained_cheapest = compute_optimal_for_loss(SARDANA, wanted)
    saved = (
        trained_cheapest.flops + 2 * 13e9 * 2e12 - cheapest_flops(SARDANA, wanted, 2e12).total_flops
    )
    assert trained_cheapest.parameters == pytest.approx(13e9)
    assert saved == pytest.approx(1.7e22, rel=0.01)


def test_published_optimum_in_money() -> None:
    """The README's example: trained on A100s at $1.40 and 50%, served in int8 at $0.60, 40% of
    the peak reading 1,000 tokens and 20% writing 250, ten billion times."""
    training_usd_per_flop = 1.40 / 3600 / 312e12 / 0.5
    serving_usd_per_parameter = 2 * 0.60 / 3600 / 624e12 * 1e10 * (1_000 / 0.4 + 250 / 0.2)
    found = cheapest_for_loss(
        SARDANA,
        1.947,
        lambda n, d: 6 * n * d * training_usd_per_flop,
        lambda n: n * serving_usd_per_parameter,
    )
    chinchilla = compute_optimal_for_loss(SARDANA, 1.947)
    at_chinchilla = chinchilla.flops * training_usd_per_flop
    at_chinchilla += chinchilla.parameters * serving_usd_per_parameter
    assert found.parameters == pytest.approx(2.053e10, rel=5e-4)
    assert found.tokens == pytest.approx(3.302e12, rel=5e-4)
    assert found.parameters / chinchilla.parameters == pytest.approx(0.6023, abs=1e-4)
    assert found.tokens / chinchilla.tokens == pytest.approx(1.8241, abs=2e-4)
    assert found.total_usd / at_chinchilla == pytest.approx(0.8876, abs=1e-4)


@pytest.mark.parametrize("training_flops", [1e18, 5.76e23, 1e27])
def test_nothing_served_is_compute_optimal(training_flops: float) -> None:
    best = compute_optimal(LAW, training_flops)
    found = cheapest_flops(LAW, best.loss, served_tokens=0)
    assert found.parameters == pytest.approx(best.parameters, rel=1e-4)
    assert found.total_flops == pytest.approx(training_flops, rel=1e-8)
    assert found.serving_flops == 0
    closed = compute_optimal_for_loss(LAW, best.loss)
    assert closed.parameters == pytest.approx(best.parameters)
    assert closed.tokens == pytest.approx(best.tokens)


def test_more_served_makes_it_smaller_and_trained_longer() -> None:
    found = [cheapest_flops(LAW, 2.0, served) for served in (0, 1e11, 1e12, 1e13, 1e15, 1e21)]
    sizes = [model.parameters for model in found]
    tokens = [model.tokens for model in found]
    assert sizes == sorted(sizes, reverse=True)
    assert tokens == sorted(tokens)
    assert len(set(sizes)) == len(sizes)
    for model in found:
        assert float(loss(LAW, model.parameters, model.tokens)) == pytest.approx(2.0)
    smallest = (LAW.A / (2.0 - LAW.E)) ** (1 / LAW.alpha)
    assert sizes[-1] == pytest.approx(smallest, rel=0.02)
    assert sizes[-1] > smallest


def test_prices_that_depend_on_the_size_against_brute_force() -> None:
    def training_usd(n: Array, d: Array) -> Array:
        return 6 * n * d * 2e-18 * (1e10 / n) ** 0.3

    def serving_usd(n: Array) -> Array:
        return 4e6 * (n / 1e10) ** 0.7

    found = cheapest_for_loss(LAW, 2.05, training_usd, serving_usd)
    n = np.geomspace(1e9, 1e12, 400_001)
    left = 2.05 - LAW.E - LAW.A / n**LAW.alpha
    n, left = n[left > 0], left[left > 0]
    total = training_usd(n, (LAW.B / left) ** (1 / LAW.beta)) + serving_usd(n)
    assert found.total_usd == pytest.approx(float(total.min()), rel=1e-8)
    assert found.parameters == pytest.approx(float(n[total.argmin()]), rel=1e-3)
    assert found.total_usd == found.training_usd + found.serving_usd
    assert found.loss == pytest.approx(2.05)


def test_what_cannot_be_served_is_not_chosen() -> None:
    trained_cheapest = compute_optimal_for_loss(LAW, 2.0)
    limit = 0.6 * trained_cheapest.parameters
    found = cheapest_for_loss(
        LAW, 2.0, lambda n, d: 6 * n * d, lambda n: np.where(n > limit, np.inf, 0.0)
    )
    assert found.parameters == pytest.approx(limit, rel=1e-3)
    assert found.parameters <= limit


@pytest.mark.parametrize("wanted_loss", [LAW.E, LAW.E - 0.1, float("nan")])
def test_no_model_is_better_than_the_law_allows(wanted_loss: float) -> None:
    with pytest.raises(InputError, match=r"wanted_loss: .* above 1\.8172"):
        cheapest_flops(LAW, wanted_loss, 1e12)


@pytest.mark.parametrize("served_tokens", [-1.0, float("inf"), float("nan")])
def test_served_tokens_are_counted(served_tokens: float) -> None:
    with pytest.raises(InputError, match="served_tokens"):
        cheapest_flops(LAW, 2.0, served_tokens)

"""Tied laws against Gadre's form, and what over-training costs against brute force."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import minimize_scalar

from engine.documents import InputError
from engine.facts import law_coefficients
from engine.scaling.laws import FittedLaw, compute_optimal, loss
from engine.scaling.overtrained import (
    TiedLaw,
    extra_compute,
    overtrained,
    penalty,
    tied,
)

TIED = FittedLaw(parameters_counted="total", A=400.0, B=900.0, E=1.8, alpha=0.3, beta=0.3)
CHINCHILLA = law_coefficients("hoffmann_2022_unrounded")
EPOCH = law_coefficients("besiroglu_2024")

REDPAJAMA = TiedLaw(E=1.84, a=212.0, b=367.0, eta=0.136)
"""Gadre 2024's fit to RedPajama, as public code that cites it has it."""


def tied_loss(law: TiedLaw, flops: npt.ArrayLike, ratio: float) -> np.ndarray:
    """L(C, M) of Gadre 2024, equation 4."""
    return (
        law.E + (law.a * ratio**law.eta + law.b * ratio**-law.eta) * np.asarray(flops) ** -law.eta
    )


def untied(law: TiedLaw) -> FittedLaw:
    """The same law in Hoffmann's letters."""
    return FittedLaw(
        parameters_counted="total",
        A=law.a / 6**law.eta,
        B=law.b / 6**law.eta,
        E=law.E,
        alpha=2 * law.eta,
        beta=2 * law.eta,
    )


@pytest.mark.parametrize("ratio", [1, 20, 640])
def test_both_forms_of_a_tied_law_agree(ratio: float) -> None:
    flops = np.array([1e18, 1e21, 1e24])
    n = np.sqrt(flops / (6 * ratio))
    assert tied_loss(tied(TIED), flops, ratio) == pytest.approx(loss(TIED, n, n * ratio))


def test_gadre_s_appendix_b() -> None:
    """η = α/2, a = A·(1/6)^-η, b = B·(1/6)^-η; and back."""
    found = tied(TIED)
    assert found == TiedLaw(E=1.8, a=400 * (1 / 6) ** -0.15, b=900 * (1 / 6) ** -0.15, eta=0.15)
    back = untied(found)
    for got, given in ((back.A, 400), (back.B, 900), (back.E, 1.8)):
        assert got == pytest.approx(given)
    assert back.alpha == back.beta == 0.3


def test_the_best_ratio_of_a_tied_law_is_the_same_at_any_budget() -> None:
    """dL/dM = 0 at M^(2η) = b/a."""
    best = (367 / 212) ** (1 / 0.272)
    for flops in (1e19, 1e24):
        found = compute_optimal(untied(REDPAJAMA), flops)
        assert found.tokens_per_parameter == pytest.approx(best)
        assert found.loss == pytest.approx(float(tied_loss(REDPAJAMA, flops, best)))
        assert penalty(untied(REDPAJAMA), flops, best) == pytest.approx(0, abs=1e-12)


def test_a_known_model() -> None:
    """7e9 parameters on 1.4e12 tokens."""
    found = overtrained(CHINCHILLA, 6 * 7e9 * 1.4e12, 200)
    assert found.parameters == pytest.approx(7e9)
    assert found.tokens == pytest.approx(1.4e12)
    assert found.loss == pytest.approx(1.6934 + 406.4 / 7e9**0.3392 + 410.7 / 1.4e12**0.2849)


@pytest.mark.parametrize("law", [CHINCHILLA, EPOCH, TIED], ids=["hoffmann", "epoch", "tied"])
@pytest.mark.parametrize("ratio", [0.5, 20, 2000])
def test_penalty_and_extra_compute_by_brute_force(law: FittedLaw, ratio: float) -> None:
    flops = 1e21

    def along_budget(log_n: float) -> float:
        n = math.exp(log_n)
        return law.E + law.A / n**law.alpha + law.B / (flops / 6 / n) ** law.beta

    best = minimize_scalar(along_budget, bounds=np.log([1e6, 1e13]), method="bounded").fun
    chosen = overtrained(law, flops, ratio)
    assert penalty(law, flops, ratio) == pytest.approx(chosen.loss - best, abs=1e-7)

    multiple = extra_compute(law, best, ratio)
    assert multiple >= 1
    assert overtrained(law, multiple * flops, ratio).loss == pytest.approx(best, abs=1e-7)


def test_extra_compute_of_a_tied_law_in_closed_form() -> None:
    """L - E = (a·M^η + b·M^-η)·C^-η, so the multiple does not depend on the loss."""
    law, best = untied(REDPAJAMA), (367 / 212) ** (1 / 0.272)

    def bracket(ratio: float) -> float:
        return 212 * ratio**0.136 + 367 * ratio**-0.136

    by_hand = (bracket(640) / bracket(best)) ** (1 / 0.136)
    assert extra_compute(law, 2.2, 640) == pytest.approx(by_hand)
    assert extra_compute(law, 2.8, 640) == pytest.approx(by_hand)
    assert extra_compute(law, 2.5, best) == pytest.approx(1, abs=1e-6)


def test_farther_from_the_best_ratio_costs_more() -> None:
    for ratios in ([20, 100, 1000], [20, 4, 0.5]):
        costs = [extra_compute(EPOCH, 2.2, ratio) for ratio in ratios]
        assert costs == sorted(costs)
        losses = [penalty(EPOCH, 1e22, ratio) for ratio in ratios]
        assert losses == sorted(losses)
        assert losses[0] >= 0


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: tied(CHINCHILLA), "alpha: 0.3392 .* must be 0.2849"),
        (lambda: overtrained(EPOCH, 0, 20), "training_flops: 0"),
        (lambda: overtrained(EPOCH, 1e20, -1), "tokens_per_parameter: -1"),
        (lambda: extra_compute(EPOCH, 1.8172, 20), "wanted_loss: 1.8172 .* above 1.8172"),
        (lambda: extra_compute(EPOCH, 2.5, 0), "tokens_per_parameter: 0"),
    ],
)
def test_bad_numbers_are_one_line(call, told: str) -> None:
    with pytest.raises(InputError, match=told):
        call()

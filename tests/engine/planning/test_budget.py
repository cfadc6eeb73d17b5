"""Models for a budget, at prices that can be computed by hand and at the predictor's prices."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from engine.documents import InputError
from engine.facts import loss_coefficients
from engine.planning.budget import choices, frontier, isoflop_curves
from engine.planning.curves import SizeCurve
from engine.planning.prices import Prices, prices
from engine.planning.spending import (
    Budget,
    Unit,
    compute_optimal_for_budget,
    inference_aware_for_budget,
    over_trained_for_budget,
)
from engine.scaling.laws import FittedLaw, compute_optimal, loss
from engine.scaling.lifetime import cheapest_flops

LAW = loss_coefficients()["besiroglu_2024"]
FLAT = Prices(
    accelerator="H100-80GB",
    devices=8,
    parameters_counted="total",
    usd_per_device_hour=2.0,
    hours_per_training_flop=SizeCurve.through([1e6, 1e13], [1e-18, 1e-18], log_width=0.5),
    serving_usd_per_device_hour=2.0,
    hours_per_serving_flop=SizeCurve.through([1e6, 1e13], [4e-18, 4e-18], log_width=0.2),
)
"""Prices at which an hour costs 2 USD and does 1e18 FLOPs of training or 0.25e18 of serving."""
BENT = dataclasses.replace(
    FLAT, hours_per_training_flop=SizeCurve.through([1e6, 1e9, 1e13], [1e-17, 1e-18, 3e-18])
)
"""Prices at which a FLOP costs less the nearer the model is to a billion parameters."""
EVERY_BUDGET: list[Budget] = [
    Budget(amount=1e4, unit="usd"),
    Budget(amount=3e7, unit="usd"),
    Budget(amount=2e5, unit="device_hours"),
    Budget(amount=5.76e23, unit="flops"),
]


def spent(model: object, unit: Unit, at: Prices) -> float:
    """Return the training cost of a model in the unit, from the curve of the prices."""
    n, d = model.parameters, model.tokens  # type: ignore[attr-defined]
    if unit == "flops":
        return float(6 * n * d)
    hours = float(6 * n * d * at.hours_per_training_flop.at(n))
    return hours * at.usd_per_device_hour if unit == "usd" else hours


def test_money_and_hours_by_hand() -> None:
    # 1,000 USD are 500 hours are 5e20 FLOPs.
    best = compute_optimal(LAW, 5e20)
    for budget in (Budget(amount=1_000, unit="usd"), Budget(amount=500, unit="device_hours")):
        found = compute_optimal_for_budget(LAW, budget, FLAT)
        assert found.parameters == pytest.approx(best.parameters)
        assert found.tokens == pytest.approx(best.tokens)
    over = over_trained_for_budget(LAW, Budget(amount=1_000, unit="usd"), FLAT, 200)
    assert over.parameters == pytest.approx(math.sqrt(5e20 / 1_200))
    assert over.tokens == pytest.approx(200 * over.parameters)


@pytest.mark.parametrize("budget", EVERY_BUDGET)
def test_all_of_the_budget_is_spent_on_the_best_model(budget: Budget) -> None:
    best = compute_optimal_for_budget(LAW, budget, BENT)
    over = over_trained_for_budget(LAW, budget, BENT, 500)
    assert spent(best, budget.unit, BENT) == pytest.approx(budget.amount, rel=1e-9)
    assert spent(over, budget.unit, BENT) == pytest.approx(budget.amount, rel=1e-9)
    # Hoffmann 2022, equation 4: the optimum for these FLOPs, at any price.
    gain_of_parameters = LAW.alpha * LAW.A * best.parameters**-LAW.alpha
    gain_of_tokens = LAW.beta * LAW.B * best.tokens**-LAW.beta
    assert gain_of_parameters == pytest.approx(gain_of_tokens, rel=1e-6)
    assert over.tokens_per_parameter == pytest.approx(500)


@pytest.mark.parametrize("at", [FLAT, BENT])
def test_more_money_buys_a_larger_and_better_model(at: Prices) -> None:
    found = [
        compute_optimal_for_budget(LAW, Budget(amount=10.0**power, unit="usd"), at)
        for power in range(1, 10)
    ]
    assert (np.diff([model.parameters for model in found]) > 0).all()
    assert (np.diff([model.loss for model in found]) < 0).all()


def test_chinchillas_own_budget() -> None:
    """Besiroglu 2024 finds about 20 tokens per parameter, as Chinchilla was trained."""
    found = compute_optimal_for_budget(LAW, Budget(amount=5.76e23, unit="flops"), BENT)
    assert found.parameters == pytest.approx(compute_optimal(LAW, 5.76e23).parameters)
    assert found.tokens_per_parameter == pytest.approx(20, rel=0.15)
    assert found.parameters == pytest.approx(70e9, rel=0.1)


def test_inference_aware_at_flat_prices_is_the_papers() -> None:
    """A serving FLOP costs as much as four training FLOPs, like four times as many tokens."""
    budget = Budget(amount=1e6, unit="usd")
    best = compute_optimal_for_budget(LAW, budget, FLAT)
    found = inference_aware_for_budget(LAW, budget, FLAT, served_tokens=1e12)
    papers = cheapest_flops(LAW, best.loss, 4e12)
    assert found.parameters == pytest.approx(papers.parameters, rel=1e-4)
    assert found.loss == pytest.approx(best.loss)


def test_choices_side_by_side() -> None:
    best, over, aware = choices(
        LAW,
        Budget(amount=1e6, unit="usd"),
        FLAT,
        over_training_ratio=200,
        served_tokens=1e13,
    )
    kinds = [best.kind, over.kind, aware.kind]
    assert kinds == ["compute_optimal", "over_trained", "inference_aware"]
    assert best.training_usd.value == pytest.approx(1e6)
    assert over.training_usd.value == pytest.approx(1e6)
    assert best.device_hours.value == pytest.approx(5e5)
    assert best.training_flops == pytest.approx(5e23)
    assert best.loss_penalty == 0
    assert over.loss_penalty == pytest.approx(over.loss - best.loss)
    assert over.loss_penalty > 0
    assert aware.loss_penalty == pytest.approx(0, abs=1e-9)
    assert over.tokens_per_parameter == pytest.approx(200)
    assert aware.parameters < best.parameters
    assert aware.training_usd.value > 1e6
    # 2 · N · 1e13 FLOPs at 4e-18 hours and 2 USD.
    assert best.serving_usd is not None
    assert best.serving_usd.value == pytest.approx(160e-6 * best.parameters)
    assert best.total_usd is not None
    assert aware.total_usd is not None
    assert aware.total_usd.value < best.total_usd.value
    assert best.total_usd.value == pytest.approx(1e6 + best.serving_usd.value)
    assert best.total_usd.low == pytest.approx(
        1e6 / math.exp(0.5) + best.serving_usd.value / math.exp(0.2)
    )
    assert best.total_usd.high == pytest.approx(
        1e6 * math.exp(0.5) + best.serving_usd.value * math.exp(0.2)
    )
    assert best.parameters_low is None
    assert best.loss_high is None


def test_an_ensemble_gives_bounds() -> None:
    laws = [
        FittedLaw(
            parameters_counted="total",
            A=LAW.A * (0.9 + 0.02 * step),
            B=LAW.B,
            E=LAW.E,
            alpha=LAW.alpha,
            beta=LAW.beta,
        )
        for step in range(11)
    ]
    best, over, aware = choices(
        LAW,
        Budget(amount=1e6, unit="usd"),
        FLAT,
        over_training_ratio=200,
        served_tokens=1e13,
        ensemble=laws,
    )
    # Of eleven, the second and the last but one: A is 0.92 and 1.08 times the law's.
    for model in (best, over, aware):
        rest = LAW.E + LAW.B * model.tokens**-LAW.beta
        part = LAW.A * model.parameters**-LAW.alpha
        assert model.loss_low == pytest.approx(rest + 0.92 * part)
        assert model.loss_high == pytest.approx(rest + 1.08 * part)
    # N grows with A^(1/(α+β)) at the same FLOPs.
    power = 1 / (LAW.alpha + LAW.beta)
    assert best.parameters_low == pytest.approx(best.parameters * 0.92**power)
    assert best.parameters_high == pytest.approx(best.parameters * 1.08**power)
    assert over.parameters_low == pytest.approx(over.parameters)
    assert over.parameters_high == pytest.approx(over.parameters)
    assert aware.parameters_low is not None
    assert aware.parameters_high is not None
    assert aware.parameters_low < aware.parameters < aware.parameters_high


def test_what_the_serving_devices_cannot_hold_is_not_priced() -> None:
    small = dataclasses.replace(
        FLAT, hours_per_serving_flop=SizeCurve.through([1e6, 2e10], [4e-18, 4e-18], ends=True)
    )
    best, _, aware = choices(
        LAW, Budget(amount=1e6, unit="usd"), small, over_training_ratio=200, served_tokens=1e9
    )
    assert best.parameters > 2e10
    assert best.serving_usd is None
    assert best.total_usd is None
    assert aware.parameters <= 2e10
    assert aware.total_usd is not None


@pytest.mark.parametrize("largest_served", [1e13, 2e10])
def test_nothing_served_costs_nothing(largest_served: float) -> None:
    curve = SizeCurve.through([1e6, largest_served], [4e-18, 4e-18], ends=True)
    at = dataclasses.replace(FLAT, hours_per_serving_flop=curve)
    best, _, aware = choices(
        LAW, Budget(amount=1e6, unit="usd"), at, over_training_ratio=200, served_tokens=0
    )
    assert best.parameters > 2e10
    assert best.total_usd == best.training_usd
    assert aware.parameters == pytest.approx(best.parameters, rel=1e-4)


def test_at_the_predictors_prices() -> None:
    real = prices("H100-80GB", 2.0, devices=1024)
    budget = Budget(amount=2e6, unit="usd")
    best, over, aware = choices(LAW, budget, real, over_training_ratio=200, served_tokens=1e13)
    for model in (best, over):
        assert model.training_usd.value == pytest.approx(2e6, rel=1e-9)
        assert model.training_usd.low < 2e6 < model.training_usd.high
    # 2 USD an hour and 20 to 45% of 989 TFLOP/s.
    assert 3600 * 0.2 * 989e12 < best.training_flops / 1e6 < 3600 * 0.45 * 989e12
    assert aware.total_usd is not None
    for other in (best, over):
        assert other.total_usd is not None
    assert aware.total_usd.value < best.total_usd.value  # type: ignore[union-attr]


def test_the_frontier_is_compute_optimal() -> None:
    points = frontier(LAW, [1e20, 1e22])
    assert [point.flops for point in points] == pytest.approx([1e20, 1e22])
    assert points[1] == compute_optimal(LAW, 1e22)


def test_equal_compute_is_least_at_the_optimum() -> None:
    budgets = np.array([1e20, 1e22, 1e24])
    sizes = np.geomspace(1e7, 1e13, 3_001)
    curves = isoflop_curves(LAW, budgets, sizes)
    assert curves.shape == (3, 3_001)
    for flops, curve in zip(budgets, curves, strict=True):
        best = compute_optimal(LAW, flops)
        assert sizes[curve.argmin()] == pytest.approx(best.parameters, rel=0.01)
        assert curve.min() == pytest.approx(best.loss)
    assert curves[1, 500] == pytest.approx(float(loss(LAW, sizes[500], 1e22 / 6 / sizes[500])))


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        (Budget(amount=0, unit="usd"), "budget_usd: 0 .* at least 2e-06"),
        (Budget(amount=math.nan, unit="usd"), "budget_usd: nan .* finite"),
        (Budget(amount=math.inf, unit="flops"), "budget_flops: inf .* finite"),
        (Budget(amount=1e11, unit="flops"), "budget_flops: .* at least 1e\\+12"),
        (Budget(amount=1e15, unit="device_hours"), "budget_device_hours: .* at most 1e\\+14"),
    ],
)
def test_a_budget_is_neither_nothing_nor_all(budget: Budget, told: str) -> None:
    with pytest.raises(InputError, match=told):
        compute_optimal_for_budget(LAW, budget, FLAT)


def test_what_the_devices_cannot_train_is_an_error() -> None:
    limited = dataclasses.replace(
        FLAT, hours_per_training_flop=SizeCurve.through([1e6, 1e9], [1e-18, 1e-18], ends=True)
    )
    for budget in (Budget(amount=1e6, unit="usd"), Budget(amount=5e23, unit="flops")):
        with pytest.raises(InputError, match="not enough H100-80GB"):
            choices(LAW, budget, limited, over_training_ratio=20, served_tokens=0)
    found = compute_optimal_for_budget(LAW, Budget(amount=10, unit="usd"), limited)
    assert found.parameters < 1e9


def test_prices_and_law_count_alike() -> None:
    other = dataclasses.replace(FLAT, parameters_counted="non_embedding")
    with pytest.raises(InputError, match=r"parameters_counted: non_embedding .* total"):
        compute_optimal_for_budget(LAW, Budget(amount=1e6, unit="usd"), other)


@pytest.mark.parametrize(
    ("ratio", "served", "told"), [(0, 1, "tokens_per_parameter"), (20, -1, "served_tokens")]
)
def test_ratios_and_tokens_are_positive(ratio: float, served: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        choices(
            LAW,
            Budget(amount=1e6, unit="usd"),
            FLAT,
            over_training_ratio=ratio,
            served_tokens=served,
        )

"""Approach 2 against exact laws, NumPy, and what others found on published runs."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.scaling.isoflop import (
    IsoflopFit,
    fit_isoflops,
    fit_parabola,
    group_budgets,
    parabola_bias,
)
from engine.scaling.laws import FittedLaw, compute_optimal, loss
from engine.scaling.runs import read_runs

PORIAN = DATA_DIR / "scaling" / "porian_rw.csv"


def law(alpha: float, beta: float) -> FittedLaw:
    return FittedLaw(parameters_counted="total", A=406.4, B=410.7, E=1.69, alpha=alpha, beta=beta)


SYMMETRIC, CHINCHILLA, ASYMMETRIC = law(0.31, 0.31), law(0.34, 0.28), law(0.465, 0.155)


def grid(of: FittedLaw, flops: float, width: float, off_centre: float = 1.0) -> np.ndarray:
    """15 sizes from 1 / ``width`` to ``width`` times the best one."""
    centre = compute_optimal(of, flops).parameters * off_centre
    return centre * np.logspace(-np.log10(width), np.log10(width), 15)


def runs(of: FittedLaw, budgets: list[float], width: float) -> tuple[np.ndarray, ...]:
    """Parameters, tokens, losses and FLOPs of exact runs."""
    sizes = np.concatenate([grid(of, flops, width) for flops in budgets])
    flops = np.repeat(budgets, 15)
    tokens = flops / (6 * sizes)
    return sizes, tokens, loss(of, sizes, tokens), flops


@pytest.mark.parametrize(
    ("of", "width", "tokens_percent"),
    [
        (SYMMETRIC, 2, 0.0),
        (SYMMETRIC, 16, 0.0),
        (CHINCHILLA, 2, -0.326937803732719),
        (CHINCHILLA, 4, -1.301125043704300),
        (CHINCHILLA, 8, -2.902904738135434),
        (CHINCHILLA, 16, -5.100244551756012),
        (ASYMMETRIC, 2, -1.674747716507073),
        (ASYMMETRIC, 8, -13.910418584294648),
        (ASYMMETRIC, 16, -23.116308048545221),
    ],
)
def test_bias_as_czech_2026_publish_it(of: FittedLaw, width: float, tokens_percent: float) -> None:
    """results/article/extrapolation_error_data.csv of Open-Athena/scaling-law-analysis has the
    bias of D_opt; that of N_opt is its mirror image. It is the same at every budget."""
    for flops in (1e17, 1e21):
        bias = parabola_bias(of, grid(of, flops, width), flops)
        assert bias is not None
        assert 100 * (1 / (1 + bias) - 1) == pytest.approx(tokens_percent, rel=1e-6, abs=1e-9)


def test_bias_off_centre_by_brute_force() -> None:
    sizes = grid(ASYMMETRIC, 1e20, width=6, off_centre=4)
    losses = [ASYMMETRIC.E + 406.4 / n**0.465 + 410.7 / (1e20 / 6 / n) ** 0.155 for n in sizes]
    c, b, _ = np.polyfit(np.log(sizes), losses, 2)

    def along_budget(log_n: float) -> float:
        n = np.exp(log_n)
        return float(406.4 / n**0.465 + 410.7 / (1e20 / 6 / n) ** 0.155)

    best = minimize_scalar(along_budget, bounds=np.log([1e5, 1e12]), method="bounded").x
    bias = parabola_bias(ASYMMETRIC, sizes, 1e20)
    assert bias == pytest.approx(np.exp(-b / (2 * c) - best) - 1, rel=1e-3)
    assert bias is not None
    assert bias < -0.1  # centred, it would be above 0


def test_a_curve_that_opens_downwards_has_no_minimum() -> None:
    assert fit_parabola(np.array([1e8, 2e8, 4e8]), np.array([3.0, 3.2, 3.1])) is None


def test_a_noisy_parabola_s_errors_against_numpy_and_repetition() -> None:
    rng = np.random.default_rng(1)
    sizes = 1e8 * np.array([1, 1.1, 1.2, 1.4, 1.6, 2, 4, 10, 30])  # uneven: errors correlate
    u = np.log(sizes / 1.5e9)
    fits = [fit_parabola(sizes, 3 + 0.05 * u**2 + rng.normal(0, 0.002, 9)) for _ in range(400)]
    minima = np.log([fit.parameters for fit in fits if fit])
    assert minima.mean() == pytest.approx(np.log(1.5e9), abs=0.01)
    told = np.array([fit.parameters_relative_error for fit in fits if fit], float)
    assert np.sqrt((told**2).mean()) == pytest.approx(minima.std(), rel=0.1)
    lowest = np.array([fit.loss for fit in fits if fit])
    told = np.array([fit.loss_error for fit in fits if fit], float)
    assert lowest.mean() == pytest.approx(3, abs=0.0005)
    assert np.sqrt((told**2).mean()) == pytest.approx(lowest.std(), rel=0.1)


def test_exact_runs_of_a_symmetric_law_give_its_optima() -> None:
    budgets = [1e18, 1e19, 1e20, 1e21]
    found = fit_isoflops(*runs(SYMMETRIC, budgets, 8), law=SYMMETRIC)
    assert [budget.training_flops for budget in found.budgets] == pytest.approx(budgets)
    for budget in found.budgets:
        best = compute_optimal(SYMMETRIC, budget.training_flops)
        assert budget.minimum.parameters == pytest.approx(best.parameters, rel=1e-6)
        assert budget.tokens == pytest.approx(best.tokens, rel=1e-6)
        assert budget.runs == 15
        assert budget.inside_grid
        assert budget.bias_share == pytest.approx(0, abs=1e-9)
        assert budget.tokens_relative_error == pytest.approx(
            budget.minimum.parameters_relative_error
        )
    assert found.parameters_law is not None
    assert found.tokens_law is not None
    assert found.parameters_law.exponent == pytest.approx(0.5)
    assert found.tokens_law.exponent == pytest.approx(0.5)


def test_the_reported_bias_is_what_the_fit_is_off_by() -> None:
    found = fit_isoflops(*runs(ASYMMETRIC, [1e18, 1e19, 1e20], 8), law=ASYMMETRIC)
    for budget in found.budgets:
        best = compute_optimal(ASYMMETRIC, budget.training_flops).parameters
        assert budget.bias_share == pytest.approx(budget.minimum.parameters / best - 1)
        assert budget.bias_share == pytest.approx(0.1616, abs=0.0001)


def test_budgets_by_tolerance_leftovers_and_minima_outside() -> None:
    sizes, tokens, losses, flops = runs(SYMMETRIC, [1e18, 1e19], 8)
    jitter = 10 ** np.resize([0.0, 0.02, 0.04], flops.size)
    alone = np.array([1e22])
    table = (
        np.append(sizes, 1e9),
        np.append(tokens, alone / 6e9),
        np.append(losses, 2.5),
        np.append(flops * jitter, alone),
    )
    found = fit_isoflops(*table)
    assert len(found.budgets) == 2
    assert found.runs_left_out == 1
    assert found.parameters_law is None
    assert found.budgets[0].bias_share is None
    assert len(fit_isoflops(*table, same_budget_log10=0.01).budgets) == 6

    small = sizes < compute_optimal(SYMMETRIC, 1e18).parameters / 1.1
    outside = fit_isoflops(sizes[small], tokens[small], losses[small], flops[small])
    assert not outside.budgets[0].inside_grid

    upside_down = fit_isoflops(sizes, tokens, 6 - losses, flops)
    assert upside_down.budgets == ()
    assert upside_down.budgets_without_minimum == pytest.approx((1e18, 1e19))


def test_budgets_do_not_run_into_each_other() -> None:
    groups = group_budgets(10.0 ** np.array([20.08, 20.0, 20.04, 20.12]))
    assert [group.tolist() for group in groups] == [[1, 2], [0, 3]]


def test_three_runs_have_no_error_to_tell() -> None:
    three = [column[[0, 7, 14]] for column in runs(SYMMETRIC, [1e18], 4)]
    (found,) = fit_isoflops(*three).budgets
    assert found.minimum.parameters_relative_error is None
    assert found.minimum.loss_error is None
    assert found.tokens_relative_error is None


def test_bad_runs_are_one_line() -> None:
    sizes, tokens, losses, flops = runs(SYMMETRIC, [1e18], 4)
    with pytest.raises(InputError, match="tokens: 14 values"):
        fit_isoflops(sizes, tokens[1:], losses, flops)
    with pytest.raises(InputError, match=r"losses: .* above 0"):
        fit_isoflops(sizes, tokens, losses * np.nan, flops)
    with pytest.raises(InputError, match=r"runs: 2 .* 3 different sizes"):
        fit_isoflops(sizes[:2], tokens[:2], losses[:2], flops[:2])
    with pytest.raises(InputError, match=r"runs: 15 .* 3 different sizes"):
        fit_isoflops(sizes, tokens, losses, np.logspace(18, 22, 15))


def porian(split: str) -> IsoflopFit:
    """Return the optima of a published set, with parameters as its source counts them.

    The source counts the output embedding and not the equally large input embedding, except in
    Kaplan's setting, where it counts neither.
    """
    inside, total = (
        read_runs(PORIAN, PORIAN.name, counted, only={"split": split})
        for counted in ("non_embedding", "total")
    )
    has_output = "kaplan-train" not in split
    parameters = (inside.parameters + total.parameters) / 2 if has_output else inside.parameters
    return fit_isoflops(parameters, inside.tokens, inside.loss, inside.flops)


@pytest.mark.parametrize(
    ("split", "exponent"),
    [
        ("base-long-kaplan-kaplan-train", 0.835),
        ("base-short-chinchilla-standard-val", 0.571),
        ("tuned-short-const-standard-val", 0.497),
    ],
)
def test_exponents_that_porian_2024_found(split: str, exponent: float) -> None:
    """Table 1 of arXiv:2406.19146, RefinedWeb; they interpolate where we fit parabolas."""
    found = porian(split)
    assert found.parameters_law is not None
    assert found.parameters_law.exponent == pytest.approx(exponent, abs=0.04)


def test_published_budgets_and_minima_against_numpy() -> None:
    split = "base-short-chinchilla-standard-val"
    found = porian(split)
    assert [budget.training_flops for budget in found.budgets] == pytest.approx(
        [1.25e16 * 2**doubling for doubling in range(12)]
    )
    assert all(budget.inside_grid for budget in found.budgets)
    inside, total = (
        read_runs(PORIAN, PORIAN.name, counted, only={"split": split})
        for counted in ("non_embedding", "total")
    )
    largest = inside.flops > 0.9 * inside.flops.max()
    sizes = (inside.parameters + total.parameters)[largest] / 2
    c, b, _ = np.polyfit(np.log10(sizes), inside.loss[largest], 2)
    assert found.budgets[-1].minimum.parameters == pytest.approx(10 ** (-b / (2 * c)))

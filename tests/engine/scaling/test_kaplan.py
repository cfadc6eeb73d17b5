"""Kaplan 2020 against its own printed consequences, and those that Hoffmann 2022 draws."""

import numpy as np
import pytest

from engine.scaling import kaplan

DAY = kaplan.PF_DAY_FLOPS


def test_a_doubled_model_has_95_percent_of_the_loss() -> None:
    """Section 1.2: 2^-0.076 = 0.95."""
    once, twice = kaplan.loss_of_parameters([1e8, 2e8])
    assert twice / once == pytest.approx(0.949, abs=0.001)


def test_data_for_two_percent_overfitting() -> None:
    """Equation 4.4: D ≈ 5e3·N^0.74 keeps L(N, D) within 0.02 of L(N, ∞)."""
    sizes = np.array([1e6, 1e8, 1e10])
    over = kaplan.loss(sizes, 5e3 * sizes**0.74) / kaplan.loss(sizes, 1e30) - 1
    assert over == pytest.approx(0.02, abs=0.002)


def test_the_joint_law_has_its_own_limits() -> None:
    assert kaplan.loss(1e9, 1e40) == pytest.approx((6.4e13 / 1e9) ** 0.076)
    assert kaplan.loss(1e40, 1e10) == pytest.approx((1.8e13 / 1e10) ** 0.103)
    assert kaplan.loss(1e9, 1e40) != pytest.approx(kaplan.loss_of_parameters(1e9), rel=0.01)


def test_one_variable_laws_by_hand() -> None:
    assert kaplan.loss_of_parameters(8.8e13) == 1
    assert kaplan.loss_of_tokens(5.4e13) == 1
    assert kaplan.loss_of_tokens(5.4e3) == pytest.approx(10**0.95)
    assert kaplan.loss_of_compute(3.1e8 * DAY) == 1


def test_where_the_laws_contradict_each_other() -> None:
    """Equation 6.8: at about 1e4 PF-days, 1e12 parameters, 1e12 tokens and 1.7 nats."""
    compute = 1e4 * DAY
    assert kaplan.loss_of_compute(compute) == pytest.approx(1.7, abs=0.03)
    assert kaplan.loss_of_tokens(kaplan.optimal_tokens(compute)) == pytest.approx(1.7, abs=0.03)
    assert kaplan.optimal_parameters(compute) == pytest.approx(1e12, rel=0.1)


def test_ten_times_the_compute_takes_a_five_times_larger_model() -> None:
    growth = kaplan.optimal_parameters(10 * DAY) / kaplan.optimal_parameters(DAY)
    assert growth == pytest.approx(5.37, abs=0.01)
    growth = kaplan.optimal_tokens(10 * DAY) / kaplan.optimal_tokens(DAY)
    assert growth == pytest.approx(1.86, abs=0.01)


def test_the_model_that_hoffmann_trained_by_kaplan_s_rule() -> None:
    """Hoffmann 2022, appendix D.4: 4.68e9 parameters at 1e21 FLOPs."""
    best = kaplan.compute_optimal(1e21)
    assert best.parameters == pytest.approx(4.68e9, rel=0.002)
    assert 6 * best.parameters * best.tokens == pytest.approx(1e21)


@pytest.mark.parametrize("pf_days", [0.01, 1, 100])
def test_both_ways_to_tokens_agree_to_a_fifth(pf_days: float) -> None:
    spent = kaplan.compute_optimal(2 * pf_days * DAY).tokens
    assert spent == pytest.approx(kaplan.optimal_tokens(pf_days * DAY), rel=0.2)


def test_the_critical_batch_is_that_of_figure_10() -> None:
    """Figure 10 draws 2.1e8 tokens · L^-4.8; equation 1.4 has B* ≈ 2e8 and α_B ≈ 0.21."""
    losses = np.array([2.0, 3.0, 5.0])
    assert kaplan.critical_batch_tokens(losses) == pytest.approx(2.1e8 * losses**-4.8, rel=0.07)
    assert kaplan.critical_batch_tokens(1.0) == 2.1e8


def test_a_batch_at_the_critical_size_takes_twice_the_tokens() -> None:
    critical = kaplan.critical_batch_tokens(2.5)
    assert kaplan.tokens_ratio_of_batch(critical, critical) == 2
    assert kaplan.tokens_ratio_of_batch(0.0, critical) == 1

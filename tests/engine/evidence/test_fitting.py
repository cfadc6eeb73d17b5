"""Fits to runs whose efficiencies are known, because they were made up."""

import math

import numpy as np
import pytest

from engine.evidence.fitting import fit
from engine.evidence.sample import Sample
from engine.predictor.efficiency import efficiency_parameters
from tests.engine.evidence.synthetic import (
    PRIORS,
    free_only,
    measured_under,
    runs,
    with_measured,
)

PARAMETERS = {parameter.key: parameter for parameter in efficiency_parameters()}
ATTENTION = "attention_share:library Hopper"
TENSOR = "tensor_exposed:overlap"
SOURCES = ("north", "south", "east")


def rows_of(*sources: str) -> list[dict[str, str]]:
    return [row for source in sources for row in runs(source)]


def off(value: float, truth: float) -> float:
    return abs(math.log(value / truth))


@pytest.mark.parametrize("factor", [0.8, 1.2])
@pytest.mark.parametrize("key", [ATTENTION, TENSOR])
def test_a_fit_finds_what_the_runs_were_made_with(key: str, factor: float) -> None:
    truth = factor * PRIORS[key]
    sample = measured_under(rows_of(*SOURCES), {key: truth})
    found = fit(sample, free_only(key)).estimates[key]
    assert off(found.value, truth) < 0.6 * off(PRIORS[key], truth)
    assert found.low <= truth <= found.high
    assert math.log(found.high / found.low) / 2 < 1.2816 * PARAMETERS[key].prior_log_sd


def test_two_parameters_are_told_apart() -> None:
    changes = {ATTENTION: 0.8 * PRIORS[ATTENTION], TENSOR: 1.3 * PRIORS[TENSOR]}
    sample = measured_under(rows_of(*SOURCES), changes)
    found = fit(sample, free_only(ATTENTION, TENSOR)).values
    for key, truth in changes.items():
        assert off(found[key], truth) < 0.5 * off(PRIORS[key], truth), key


def test_runs_as_predicted_move_nothing() -> None:
    sample = measured_under(rows_of(*SOURCES), {}, noise=0.0)
    found = fit(sample, free_only(ATTENTION, TENSOR))
    for key, value in found.values.items():
        assert value == pytest.approx(PRIORS.get(key, 1.0), rel=1e-3), key


def test_what_no_run_speaks_for_stays_as_it_was() -> None:
    """Dense models in 16 bits do not involve experts: the prior and its uncertainty remain."""
    silent = ("moe_host_s:all", "expert_exposed:plain", "cast:nvfp4")
    sample = measured_under(rows_of("north"), {ATTENTION: 0.8 * PRIORS[ATTENTION]})
    found = fit(sample, free_only(ATTENTION, *silent)).estimates
    for key in silent:
        prior = PARAMETERS[key]
        assert found[key].value == pytest.approx(prior.prior)
        half = 1.2816 * prior.prior_log_sd
        assert found[key].low == pytest.approx(prior.prior * math.exp(-half))
        assert found[key].high == pytest.approx(prior.prior * math.exp(half))


def test_fixed_parameters_stay() -> None:
    sample = measured_under(rows_of("north"), {ATTENTION: 0.8 * PRIORS[ATTENTION]})
    found = fit(sample, free_only(ATTENTION)).estimates
    for key, estimate in found.items():
        if key != ATTENTION and not key.startswith("time_factor:"):
            assert estimate.low == estimate.value == estimate.high == PRIORS[key], key


def test_one_odd_run_bends_nothing() -> None:
    """A row that is five times too fast moves the fit less than a law of least squares would."""
    truth = 0.8 * PRIORS[ATTENTION]
    clean = measured_under(rows_of(*SOURCES), {ATTENTION: truth})
    factors = np.ones(len(clean.runs))
    factors[2] = 5.0  # the longest sequences, of which attention is the largest share
    found = [fit(sample, free_only(ATTENTION)).values[ATTENTION] for sample in (
        clean, with_measured(clean, factors)
    )]  # fmt: skip
    assert off(found[1], found[0]) < 0.08
    assert off(found[1], truth) < 0.5 * off(PRIORS[ATTENTION], truth)


def test_the_same_run_again_counts_as_little_more_than_one() -> None:
    """Sixteen measurements of one configuration against eleven of others."""
    truth = 0.8 * PRIORS[ATTENTION]
    rows = runs("north")
    once = measured_under(rows, {ATTENTION: truth}, noise=0.0)
    again = measured_under(rows + [rows[2]] * 8, {ATTENTION: truth}, noise=0.0)
    spread = [
        math.log(found.high / found.low)
        for found in (
            fit(sample, free_only(ATTENTION)).estimates[ATTENTION] for sample in (once, again)
        )
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.05)


def test_a_stack_has_a_factor_of_its_own() -> None:
    """Slower software takes the blame, not the laws and not other software."""
    rows = [row for source in SOURCES for row in runs(source, "Megatron-LM")]
    rows += [row for source in ("west", "far") for row in runs(source, "NeMo")]
    sample = measured_under(rows, {"time_factor:NeMo": 1.15})
    found = fit(sample, free_only(ATTENTION))
    assert found.stacks == {"Megatron-LM", "NeMo"}
    assert 1.04 < found.values["time_factor:NeMo"] < 1.16
    assert abs(found.values["time_factor:Megatron-LM"] - 1) < 0.03
    assert off(found.values[ATTENTION], PRIORS[ATTENTION]) < 0.03
    # Factors of software that the sample has no runs of are dropped.
    factors = {key for key in found.values if key.startswith("time_factor:")}
    assert factors == {"time_factor:Megatron-LM", "time_factor:NeMo"}


def test_a_slow_cluster_bends_no_law() -> None:
    """The deviation of a single source hardly changes the parameters."""
    sample = measured_under(rows_of(*SOURCES), {})
    slower = np.where(np.array(sample.sources) == "east", 0.85, 1.0)
    found = fit(with_measured(sample, slower), free_only(ATTENTION, TENSOR)).values
    for key in (ATTENTION, TENSOR):
        assert off(found[key], PRIORS[key]) < 0.05, key


def test_memory_is_fitted_beside_speed() -> None:
    key = "runtime_gb:all"
    rows = rows_of("north")
    sample = Sample.read(rows)
    truth = sample.predict(PRIORS | {key: 6.0})
    rows = [
        row | {"mem_gb": str(memory), "tokens_per_sec_per_gpu": str(speed)}
        for row, memory, speed in zip(
            rows, truth.memory_gb.tolist(), truth.tokens_per_s.tolist(), strict=True
        )
    ]
    found = fit(Sample.read(rows), free_only(key)).values[key]
    assert PRIORS[key] < 3.5 < found <= 6.05


def test_unmeasured_rows_are_left_out() -> None:
    rows = runs("north")
    sample = measured_under(rows, {ATTENTION: 0.8 * PRIORS[ATTENTION]})
    factors = np.ones(len(rows))
    factors[5] = np.nan
    keep = np.isfinite(factors)
    with_gap = fit(with_measured(sample, factors), free_only(ATTENTION)).values
    without = fit(sample.take(keep), free_only(ATTENTION)).values
    assert with_gap[ATTENTION] == pytest.approx(without[ATTENTION], rel=1e-3)

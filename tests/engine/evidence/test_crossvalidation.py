"""Leaving out whole sources: no fit sees the rows that it predicts."""

from dataclasses import replace

import numpy as np
import pytest

from engine.evidence import crossvalidation
from engine.evidence.crossvalidation import CrossValidation, cross_validate
from engine.evidence.fitting import Estimate, Fit
from engine.evidence.predictions import predictions_of
from engine.evidence.sample import Sample
from tests.engine.evidence.rows import MIXTRAL_ROW
from tests.engine.evidence.synthetic import (
    PRIORS,
    free_only,
    measured_under,
    runs,
    with_measured,
)

ATTENTION = "attention_share:library Hopper"
# Two sources of one software, and one each of two that no other has.
STACK_OF = {"north": "Megatron-LM", "south": "Megatron-LM", "east": "NeMo", "west": "llm.c"}


@pytest.fixture(scope="module")
def sample() -> Sample:
    rows = [row for source, stack in STACK_OF.items() for row in runs(source, stack)]
    return measured_under(rows, {ATTENTION: 0.8 * PRIORS[ATTENTION]}, noise=0.05)


@pytest.fixture(scope="module")
def validated(sample: Sample) -> CrossValidation:
    return cross_validate(sample, free_only(ATTENTION))


def rows_of(sample: Sample, source: str) -> np.ndarray:
    return np.array(sample.sources) == source


def test_no_fit_sees_the_source_that_it_predicts(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fake fits record the sources that they saw, and return them in their values."""
    seen: list[frozenset[str]] = []
    names = sorted(STACK_OF)

    def values_of(sources: frozenset[str]) -> dict[str, float]:
        missing = [names.index(name) for name in names if name not in sources]
        return PRIORS | {"bandwidth_share:all": 0.5 + 0.1 * sum(missing)}

    def remember(of: Sample, parameters: object) -> Fit:
        sources = frozenset(of.sources)
        seen.append(sources)
        estimates = {
            key: Estimate(value=value, low=value, high=value)
            for key, value in values_of(sources).items()
        }
        return Fit(estimates=estimates, stacks=frozenset(run.stack.stack for run in of.runs))

    monkeypatch.setattr(crossvalidation, "fit", remember)
    order: list[str] = []
    found = cross_validate(sample, free_only(ATTENTION), order.append)
    every = frozenset(STACK_OF)
    assert order == sorted(STACK_OF)
    partial = [source for source in seen if source != every]
    assert sorted(map(sorted, partial)) == sorted(sorted(every - {name}) for name in STACK_OF)
    for name in STACK_OF:
        mine = rows_of(sample, name)
        without = sample.take(mine).predict(values_of(every - {name}))
        assert found.tokens_per_s[mine] == pytest.approx(without.tokens_per_s)
        assert found.memory_gb[mine] == pytest.approx(without.memory_gb)


def test_what_a_source_measured_moves_its_own_prediction_nowhere(
    sample: Sample, validated: CrossValidation
) -> None:
    """Its memory predictions do not change either; the widths of other sources do."""
    mine = rows_of(sample, "east")
    twice = with_measured(sample, np.where(mine, 2.0, 1.0))
    again = cross_validate(twice, free_only(ATTENTION))
    assert again.tokens_per_s[mine].tolist() == validated.tokens_per_s[mine].tolist()
    assert again.memory_gb[mine].tolist() == validated.memory_gb[mine].tolist()
    others = rows_of(sample, "west")
    assert (again.half_width[others] > validated.half_width[others]).all()
    assert again.spreads.unknown > validated.spreads.unknown


def test_widths_come_from_the_errors_of_the_others(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If fits learn nothing, the errors of a source do not change its own width."""
    fixed = free_only()
    mine, others = rows_of(sample, "east"), rows_of(sample, "west")

    def untaught(of: Sample, parameters: object) -> Fit:
        estimates = {
            key: Estimate(value=value, low=value, high=value) for key, value in PRIORS.items()
        }
        return Fit(estimates=estimates, stacks=frozenset(run.stack.stack for run in of.runs))

    monkeypatch.setattr(crossvalidation, "fit", untaught)
    before = cross_validate(sample, fixed).half_width
    after = cross_validate(with_measured(sample, np.where(mine, 3.0, 1.0)), fixed).half_width
    assert after[mine].tolist() == before[mine].tolist()
    assert (after[others] > before[others]).all()


def test_held_out_sources_are_predicted_as_well_as_the_others_teach(
    sample: Sample, validated: CrossValidation
) -> None:
    """Attention was made a fifth slower than its prior: other sources tell."""
    untaught = sample.predict(PRIORS).tokens_per_s
    long = np.array([run.shape.seq_len_tokens == 32_768 for run in sample.runs])

    def error(predicted: np.ndarray) -> float:
        return float(np.median(np.abs(np.log(predicted / sample.measured_tokens_per_s))[long]))

    assert error(validated.tokens_per_s) < 0.6 * error(untaught)


def test_software_that_others_ran_gets_the_narrower_interval(
    sample: Sample, validated: CrossValidation
) -> None:
    assert 0 < validated.spreads.known <= validated.spreads.unknown
    # Software that is a quarter faster or slower than any law says, which no other source ran.
    away = np.select([rows_of(sample, "east"), rows_of(sample, "west")], [0.8, 1.25], 1.0)
    found = cross_validate(with_measured(sample, away), free_only(ATTENTION))
    assert found.spreads.known < 0.7 * found.spreads.unknown
    assert found.spreads.unknown > 0.15
    unknown = found.half_width[rows_of(sample, "east") | rows_of(sample, "west")]
    known = found.half_width[rows_of(sample, "north") | rows_of(sample, "south")]
    assert known.max() < unknown.min()


def test_intervals_cover_what_they_say(sample: Sample, validated: CrossValidation) -> None:
    ids = [str(number) for number in range(len(sample.runs))]
    predictions = predictions_of(sample, ids, validated)
    speeds = [prediction.tokens_per_sec_per_gpu for prediction in predictions]
    assert speeds == validated.tokens_per_s.tolist()
    inside = [
        prediction.tokens_per_sec_per_gpu_low <= speed <= prediction.tokens_per_sec_per_gpu_high
        for prediction, speed in zip(
            predictions, sample.measured_tokens_per_s.tolist(), strict=True
        )
    ]
    assert np.mean(inside) >= 0.7


def test_experts_get_a_wider_interval_by_how_much_worse_they_are_predicted(
    sample: Sample,
) -> None:
    """None were measured here: twice as wide, until some are."""
    experts = [
        MIXTRAL_ROW
        | {"id": f"{source}-{seq_len}-{d_ff}", "source_id": source, "seq_len": str(seq_len)}
        | {"moe_d_ff": str(d_ff), "pp": "1", "vp": "1", "cp": "1", "tp": "1", "n_gpus": "8"}
        for source in ("north", "south")
        for seq_len in (2_048, 4_096)
        for d_ff in (7_168, 14_336, 28_672)
    ]
    rows = [row for source, stack in STACK_OF.items() for row in runs(source, stack)]
    with_experts = measured_under(rows + experts, {}, noise=0.05)
    off = np.where(
        with_experts.is_moe,
        np.tile([0.6, 1.6], len(with_experts.runs))[: len(with_experts.runs)],
        1.0,
    )
    found = cross_validate(with_measured(with_experts, off), free_only(ATTENTION)).spreads
    without = cross_validate(sample, free_only(ATTENTION)).spreads
    assert without.moe == 2.0
    assert found.moe > 3
    assert found.of(known=True, moe=True) > found.of(known=True, moe=False)


def test_too_few_runs_say_so(sample: Sample) -> None:
    few = sample.take(np.arange(len(sample.runs)) % 12 < 1)
    with pytest.raises(ValueError, match="too few measured runs"):
        cross_validate(few, free_only(ATTENTION))


def test_memory_has_a_width_of_its_own(sample: Sample) -> None:
    predicted = sample.predict(PRIORS).memory_gb
    away = np.where(np.arange(len(predicted)) % 2 == 0, 1.1, 1 / 1.1)
    measured = replace(sample, measured_memory_gb=predicted * away)
    found = cross_validate(measured, free_only(ATTENTION)).spreads
    assert found.memory == pytest.approx(np.log(1.1), rel=0.05)

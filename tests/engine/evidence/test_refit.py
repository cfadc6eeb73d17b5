"""The table that a fit writes."""

from pathlib import Path

import pytest

from engine.evidence import crossvalidation, refit
from engine.evidence.fitting import fit
from engine.evidence.sample import Sample
from engine.facts import read_facts
from engine.predictor.efficiency import EfficiencyParameter, efficiency_parameters
from tests.engine.evidence.synthetic import PRIORS, free_only, measured_under, runs

ATTENTION = "attention_share:library Hopper"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, EfficiencyParameter]:
    """A refit with few free parameters, so that it takes a second."""

    def fit_few(sample: Sample, parameters: object):
        return fit(sample, free_only(ATTENTION))

    monkeypatch.setattr(refit, "fit", fit_few)
    monkeypatch.setattr(crossvalidation, "fit", fit_few)
    stacks = {"a": "Megatron-LM", "b": "Megatron-LM", "c": "NeMo", "d": "llm.c"}
    rows = [row for source, stack in stacks.items() for row in runs(source, stack)]
    sample = measured_under(rows, {ATTENTION: 0.8 * PRIORS[ATTENTION]}, noise=0.05)
    path = tmp_path / "efficiency.csv"
    refit.refit(sample, path)
    return {parameter.key: parameter for parameter in read_facts(path, EfficiencyParameter)}


def test_a_refit_writes_what_was_found_and_keeps_the_priors(
    written: dict[str, EfficiencyParameter],
) -> None:
    for old in efficiency_parameters():
        if old.parameter in ("time_factor", "spread", "device_spread", "whole_run"):
            continue
        new = written[old.key]
        for name in ("prior", "prior_log_sd", "prior_source", "unit"):
            assert getattr(new, name) == getattr(old, name), old.key
        assert new.low <= new.value <= new.high, old.key
    found = written[ATTENTION]
    assert found.low < found.value < found.high
    assert 0.75 < found.value / found.prior < 0.95
    assert found.source == "python -m engine refit on 48 measured runs"


def test_factors_are_those_of_the_software_that_was_seen(
    written: dict[str, EfficiencyParameter],
) -> None:
    factors = {
        parameter.scope for parameter in written.values() if parameter.parameter == "time_factor"
    }
    assert factors == {"Megatron-LM", "NeMo", "llm.c"}


def test_widths_and_whole_runs_are_there(written: dict[str, EfficiencyParameter]) -> None:
    for scope in ("known", "unknown", "moe", "memory", "whole_run"):
        assert written[f"spread:{scope}"].value > 0, scope
    assert written["spread:known"].value <= written["spread:unknown"].value
    assert {
        parameter.scope for parameter in written.values() if parameter.parameter == "whole_run"
    } >= {"cluster"}
    old = {
        parameter.key
        for parameter in efficiency_parameters()
        if parameter.parameter not in ("time_factor", "device_spread")
    }
    of_data = ("time_factor:", "device_spread:")
    assert {key for key in written if not key.startswith(of_data)} == old
    assert written["device_spread:H100-80GB"].value > 0

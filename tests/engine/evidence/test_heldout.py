"""Predictions with sources left out, as the last refit wrote them."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest

from engine.documents import InputError
from engine.evidence import heldout
from engine.evidence.crossvalidation import device_spreads
from engine.evidence.heldout import (
    HELD_OUT_NAME,
    HeldOut,
    evidence,
    evidence_csv,
    held_out,
    replace_figures,
    write_held_out,
)
from engine.evidence.peers import peers
from engine.evidence.predictions import Prediction, score
from engine.evidence.sample import Sample
from engine.facts import read_facts
from engine.forecast import forecast
from engine.paths import DATA_DIR
from engine.plan import on_accelerator
from engine.predictor.efficiency import device_spread, spreads
from finance.company.scenario import sample_scenarios

pytestmark = pytest.mark.slow

ONE = Prediction(
    id="one",
    feasible=True,
    tokens_per_sec_per_gpu=1234.5678,
    tokens_per_sec_per_gpu_low=1000.0,
    tokens_per_sec_per_gpu_high=1500.0,
    mfu=0.4,
    step_time_s=2.0,
    mem_gb=40.0,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / HELD_OUT_NAME
    write_held_out(path, [ONE], source="a test", as_of="2026-11-23")
    (found,) = read_facts(path, HeldOut)
    assert (found.id, found.source, found.as_of) == ("one", "a test", "2026-11-23")
    assert found.tokens_per_sec_per_gpu == pytest.approx(1234.5678, rel=1e-5)
    assert (found.low, found.high, found.mem_gb) == (1000, 1500, 40)


def test_figures_are_replaced_together() -> None:
    other = HeldOut(
        id="one",
        tokens_per_sec_per_gpu=2 * ONE.tokens_per_sec_per_gpu,
        low=2000,
        high=3000,
        mem_gb=41,
        source="a test",
        as_of="2026-11-23",
    )
    found = replace_figures(ONE, {"one": other})
    assert found.mfu == pytest.approx(0.8)
    assert found.step_time_s == pytest.approx(1.0)
    assert (found.tokens_per_sec_per_gpu_low, found.tokens_per_sec_per_gpu_high) == (2000, 3000)
    assert found.mem_gb == 41


def test_a_row_that_came_later_asks_for_a_refit() -> None:
    with pytest.raises(InputError, match=r"cross_validation\.csv: one .* refit"):
        replace_figures(ONE, {})


def test_every_measured_row_that_ships_was_left_out_once() -> None:
    found = evidence()
    assert set(held_out()) == {row["id"] for row in found.rows}
    assert len(found.rows) == len(found.held_out) == len(found.in_sample) == len(found.runs)


def test_unseen_sources_are_harder_than_seen_ones() -> None:
    found = evidence()
    unseen, *_ = score(found.rows, found.held_out)
    seen, *_ = score(found.rows, found.in_sample)
    assert unseen.median_error is not None
    assert seen.median_error is not None
    assert found.baseline.median_error is not None
    assert seen.median_error < unseen.median_error < found.baseline.median_error
    # What the page says of it: not far from what is promised.
    assert unseen.interval_coverage == pytest.approx(0.8, abs=0.12)


def test_the_prediction_lies_inside_its_interval() -> None:
    figures = np.array(
        [(row.low, row.tokens_per_sec_per_gpu, row.high) for row in held_out().values()]
    )
    assert (np.diff(figures, axis=1) > 0).all()


def test_the_download_has_both_predictions_beside_each_row() -> None:
    found = evidence()
    rows = list(csv.DictReader(io.StringIO(evidence_csv())))
    assert len(rows) == len(found.rows)
    assert list(rows[0])[: len(found.rows[0])] == list(found.rows[0])
    for row, unseen, seen in zip(rows, found.held_out, found.in_sample, strict=True):
        speeds = (unseen.tokens_per_sec_per_gpu, seen.tokens_per_sec_per_gpu)
        written = (row["held_out_tokens_per_sec_per_gpu"], row["in_sample_tokens_per_sec_per_gpu"])
        assert tuple(map(float, written)) == pytest.approx(speeds, rel=1e-5)


def test_bounds_of_peers_are_in_order() -> None:
    for peer in peers():
        assert peer.median_low <= peer.median_high <= peer.p90_low <= peer.p90_high


def test_a_measured_row_without_its_prediction_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heldout, "held_out", dict)
    heldout.evidence.cache_clear()
    with pytest.raises(InputError, match="refit"):
        heldout.evidence()


def test_the_table_lies_beside_the_parameters() -> None:
    assert (DATA_DIR / HELD_OUT_NAME).is_file()


def test_the_table_has_the_width_that_each_accelerators_runs_support() -> None:
    found = evidence()
    sample = Sample.of(found.rows, found.runs)
    predicted = np.array([run.tokens_per_sec_per_gpu for run in found.held_out])
    widths = device_spreads(sample, predicted)
    assert {name: device_spread(name) for name in widths} == pytest.approx(widths, rel=1e-4)
    assert device_spread("GB200") == 0.0  # a single source
    assert widths["A100-80GB"] > spreads().known


def test_a_forecast_is_as_wide_as_the_runs_of_its_accelerator_support() -> None:
    """Four in five held-out runs on A100 are within the interval of a forecast for A100."""
    found = evidence()
    inside = [
        abs(math.log(float(row["tokens_per_sec_per_gpu"]) / unseen.tokens_per_sec_per_gpu))
        <= max(device_spread("A100-80GB"), spreads().known)
        for row, unseen in zip(found.rows, found.held_out, strict=True)
        if row["gpu"] == "A100-80GB" and row["tokens_per_sec_per_gpu"]
    ]
    assert sum(inside) / len(inside) >= 0.79
    plan = sample_scenarios()["startup-1b"].plan
    on_a100 = on_accelerator(plan, "A100-80GB")
    step = forecast(on_a100).step_time_s
    assert step.high / step.value >= math.exp(device_spread("A100-80GB")) * 0.999

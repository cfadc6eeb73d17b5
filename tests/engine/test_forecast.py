"""Forecasts: their arithmetic, their bounds, and what a calibration may move."""

import datetime

import pytest

from engine.calibration import Calibration, RatioSpread
from engine.forecast import Figure, forecast
from engine.plan import Plan
from engine.report import FIGURES
from finance.scenario import Scenario, sample_scenarios


def calibration_for(plan: Plan, *, step: float = 1.25, accelerator: str | None = None):
    return Calibration(
        run_ids=("20261123-000000-test-abcd",),
        measured_on=datetime.date(2026, 11, 23),
        accelerator=accelerator or plan.cluster.accelerator,
        device="a machine",
        parameters=plan.shape.count_parameters().total,
        tokens=plan.tokens,
        step_time=RatioSpread(value=step, low=step * 0.9, high=step * 1.1),
        memory=RatioSpread(value=0.9, low=0.9, high=0.9),
        loss=RatioSpread(value=0.5, low=0.5, high=0.5),
    )


def test_cost_by_hand(startup: Scenario) -> None:
    predicted = forecast(startup.plan)
    hours = predicted.step_time_s.value * predicted.steps / 3600 / 0.92 * 64
    assert predicted.device_hours.value == pytest.approx(hours)
    assert predicted.cost_usd.value == pytest.approx(hours * 3.44)
    assert predicted.steps == -(-3 * 10**12 // (4 * 4 * 64 * 4096))
    assert predicted.training_flops == pytest.approx(predicted.training_flops_per_token * 3e12)


@pytest.mark.parametrize("name", ["laptop", "startup-1b"])
def test_every_figure_lies_between_its_bounds(name: str) -> None:
    predicted = forecast(sample_scenarios()[name].plan)
    for figure in FIGURES:
        one: Figure = getattr(predicted, figure)
        assert 0 < one.low <= one.value <= one.high, figure
    assert predicted.fits
    assert all(predicted.sources.values())


def test_a_calibration_moves_time_and_cost_in_proportion(laptop: Scenario) -> None:
    before = forecast(laptop.plan)
    plan = laptop.plan.model_copy(update={"calibration": calibration_for(laptop.plan)})
    after = forecast(plan)
    for name in ("step_time_s", "wall_clock_hours", "device_hours", "cost_usd"):
        assert getattr(after, name).value == pytest.approx(1.25 * getattr(before, name).value)
    assert after.mfu.value == pytest.approx(before.mfu.value / 1.25)
    assert after.memory_bytes_per_device.value == pytest.approx(
        0.9 * before.memory_bytes_per_device.value
    )
    assert after.loss_calibrated
    assert after.calibration_run_ids == ("20261123-000000-test-abcd",)


def test_a_calibration_of_another_device_moves_no_speed(startup: Scenario) -> None:
    foreign = calibration_for(startup.plan, accelerator="CPU-core")
    after = forecast(startup.plan.model_copy(update={"calibration": foreign}))
    before = forecast(startup.plan)
    assert after.step_time_s == before.step_time_s
    assert after.cost_usd == before.cost_usd
    assert after.calibration_run_ids == ()


def test_a_loss_measured_at_another_scale_moves_no_loss(laptop: Scenario) -> None:
    small = calibration_for(laptop.plan).model_copy(update={"tokens": laptop.plan.tokens // 10})
    after = forecast(laptop.plan.model_copy(update={"calibration": small}))
    assert after.loss_nats_per_token == forecast(laptop.plan).loss_nats_per_token
    assert not after.loss_calibrated


def test_a_model_that_is_too_large_says_so(startup: Scenario) -> None:
    large = startup.plan.with_value("layout.micro_batch_sequences", 64)
    assert not forecast(large).fits


def test_a_free_machine_costs_nothing(laptop: Scenario) -> None:
    free = laptop.plan.with_value("cluster.price_usd_per_device_hour", "0")
    assert forecast(free).cost_usd.value == 0

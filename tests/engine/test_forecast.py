"""Forecasts: their arithmetic, their bounds, and the effects of calibrations and profiles."""

import datetime
import math

import pytest

from engine.calibration.calibration import Calibration, RatioSpread
from engine.costs.goodput import run_time_range
from engine.documents import InputError
from engine.facts import accelerator
from engine.flops import recomputed_flops_per_token, training_flops_per_token
from engine.forecast import Figure, choose_corrections, forecast
from engine.plan import Plan
from engine.predictor.efficiency import device_spread, spreads
from engine.reports.forecast_tables import FIGURES
from finance.company.scenario import Scenario, sample_scenarios
from tests.engine.profiles import true_profile


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
        found: Figure = getattr(predicted, figure)
        assert 0 < found.low <= found.value <= found.high, figure
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


def test_each_measurement_applies_within_its_own_limits(laptop: Scenario) -> None:
    """Speed needs the same device, memory also a similar size, loss a similar size and tokens."""
    calibration = calibration_for(laptop.plan)
    plan = laptop.plan.model_copy(update={"calibration": calibration})
    device, size = accelerator(plan.cluster.accelerator), calibration.parameters
    near = choose_corrections(plan, device, size)
    assert (near.step_time, near.memory, near.loss) == (
        calibration.step_time,
        calibration.memory,
        calibration.loss,
    )
    assert near.run_ids == calibration.run_ids
    large = choose_corrections(plan, device, 5 * size)
    assert large.step_time == calibration.step_time
    assert large.memory is None
    assert large.loss is None
    elsewhere = choose_corrections(plan, accelerator("H100-80GB"), size)
    assert (elsewhere.step_time, elsewhere.memory, elsewhere.run_ids) == (None, None, ())
    assert elsewhere.loss == calibration.loss
    alone = choose_corrections(laptop.plan, device, size)
    assert (alone.step_time, alone.memory, alone.loss, alone.profile) == (None, None, None, None)


def test_a_profile_replaces_the_tables_unless_a_run_corrects_the_speed(laptop: Scenario) -> None:
    found = true_profile()
    plan = laptop.plan.model_copy(update={"profile": found})
    device, size = accelerator(plan.cluster.accelerator), plan.shape.count_parameters().total
    assert choose_corrections(plan, device, size).profile == found
    assert choose_corrections(plan, accelerator("H100-80GB"), size).profile is None
    both = plan.model_copy(update={"calibration": calibration_for(plan)})
    assert choose_corrections(both, device, size).profile is None


def test_a_model_that_is_too_large_says_so(startup: Scenario) -> None:
    large = startup.plan.with_value("layout.micro_batch_sequences", 64)
    assert not forecast(large).fits


def test_a_free_machine_costs_nothing(laptop: Scenario) -> None:
    free = laptop.plan.with_value("cluster.price_usd_per_device_hour", "0")
    assert forecast(free).cost_usd.value == 0


def test_the_interval_is_that_of_the_software_or_wider(startup: Scenario) -> None:
    """Software with measured runs is predicted better, mixtures of experts worse, and no run
    better than the runs of its accelerator."""
    widths, least = spreads(), device_spread("H100-80GB")
    moe = {"n_experts": 8, "top_k": 2, "d_ff": 2048}
    for software, width in (("Megatron-LM", widths.known), ("default", widths.unknown)):
        plan = startup.plan.with_value("software", software)
        for variant, factor in ((plan, 1.0), (plan.with_value("shape.moe", moe), widths.moe)):
            step = forecast(variant).step_time_s
            expected = max(width * factor, least)
            assert math.log(step.high / step.value) == pytest.approx(expected)
            assert math.log(step.value / step.low) == pytest.approx(expected)
    memory = forecast(startup.plan).memory_bytes_per_device
    assert math.log(memory.high / memory.value) == pytest.approx(widths.memory)


def test_hfu_counts_what_is_computed_again(startup: Scenario) -> None:
    plain = forecast(startup.plan)
    assert plain.hfu == plain.mfu
    again = forecast(startup.plan.with_value("layout.activation_checkpointing", "full"))
    shape = startup.plan.shape
    ratio = 1 + recomputed_flops_per_token(shape, "full") / training_flops_per_token(shape)
    assert again.hfu.value / again.mfu.value == pytest.approx(ratio)
    assert again.mfu.value < plain.mfu.value
    assert again.step_parts_s["recompute"] > 0


def test_mfu_is_tokens_times_flops_over_the_peak(startup: Scenario) -> None:
    predicted = forecast(startup.plan)
    flops_per_s = predicted.tokens_per_s.value * predicted.training_flops_per_token
    assert predicted.mfu.value == pytest.approx(flops_per_s / (64 * 989e12))
    eight = startup.plan.with_value("layout.precision", "fp8")
    short = forecast(eight)
    assert short.step_time_s.value < predicted.step_time_s.value
    flops_per_s = short.tokens_per_s.value * short.training_flops_per_token
    assert short.mfu.value == pytest.approx(flops_per_s / (64 * 1979e12))


def test_without_an_availability_failures_say_what_to_expect(startup: Scenario) -> None:
    plan = startup.plan.with_value("cluster.availability_share", None)
    predicted = forecast(plan)
    expected = run_time_range(
        plan.reliability,
        n_devices=64,
        parameters=plan.shape.count_parameters().total,
        steps=plan.steps,
        step_time_s=predicted.step_time_s.value,
    )
    assert predicted.goodput_share.value == pytest.approx(expected.value.goodput_share)
    assert predicted.goodput_share.low < predicted.goodput_share.value < 1
    hours = plan.steps * predicted.step_time_s.value / 3600 / expected.value.goodput_share
    assert predicted.wall_clock_hours.value == pytest.approx(hours)


def test_parts_are_of_the_whole(startup: Scenario) -> None:
    plan = startup.plan.with_value("layout.zero_stage", 3)
    predicted = forecast(plan)
    assert sum(predicted.step_parts_s.values()) == pytest.approx(predicted.step_time_s.value)
    assert sum(predicted.memory_parts_bytes.values()) == pytest.approx(
        predicted.memory_bytes_per_device.value
    )


def test_splits_that_the_cluster_cannot_have_are_refused(startup: Scenario) -> None:
    for field, value, where in (
        ("tensor_parallel", 3, r"plan\.cluster\.n_devices|cluster\.n_devices: 64"),
        ("tensor_parallel", 64, r"layout\.tensor_parallel: 64 .* divide 32"),
        ("pipeline_parallel", 32, r"layout\.pipeline_parallel: 32 .* at most 16"),
        ("expert_parallel", 2, r"layout\.expert_parallel: 2 .* must be 1"),
        ("precision", "nvfp4", r"layout\.precision: nvfp4"),
    ):
        with pytest.raises(InputError, match=where):
            startup.plan.with_value(f"layout.{field}", value)

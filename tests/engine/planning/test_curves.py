"""Curves of device-hours against the predictions that they pass through."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

from engine.costs.goodput import Reliability
from engine.costs.gpu_hours import gpu_hours_of
from engine.documents import InputError
from engine.facts import accelerator
from engine.layout import Layout
from engine.plan import Cluster, Plan, ServingPlan
from engine.planning.curves import SizeCurve, served_shape, serving_curve, training_curve
from engine.predictor.defaults import usual_shape
from engine.serving_forecast import planned_serving

H100 = "H100-80GB"
OFF_THE_GRID = [2.3e7, 7e7, 3e8, 6e8, 1.5e9, 3e9, 8e9, 1.3e10, 3.2e10, 7e10, 2.5e11, 1e12]


def straight(parameters: float, *, ends: bool = False) -> float:
    """Return a straight curve from (1e8, 2) to (1e10, 200)."""
    curve = SizeCurve.through([1e10, 1e8], [200.0, 2.0], ends=ends)
    return float(curve.at(parameters))


def test_a_power_law_is_met_between_its_points_and_held_beyond() -> None:
    assert straight(1e9) == pytest.approx(20.0)
    assert straight(1e7) == pytest.approx(2.0)
    assert straight(1e11) == pytest.approx(200.0)
    assert straight(1e10, ends=True) == pytest.approx(200.0)
    assert straight(1.001e10, ends=True) == math.inf
    assert SizeCurve.through([1.0, 2.0], [1.0, 1.0]).at(np.ones((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("devices", [None, 8, 512])
def test_training_follows_the_prediction_of_whole_runs(devices: int | None) -> None:
    curve = training_curve(H100, devices, "total")
    errors = []
    for total in OFF_THE_GRID:
        row = {"params_total": str(total), "tokens": str(20 * total), "gpu": H100}
        row["n_gpus"] = str(devices or "")
        predicted = gpu_hours_of(row).gpu_hours
        errors.append(math.log(6 * total * 20 * total * float(curve.at(total)) / predicted))
    assert statistics.median(map(abs, errors)) < 0.12
    within = [abs(error) < curve.log_width for error in errors]
    assert sum(within) >= 0.8 * len(errors)
    assert max(map(abs, errors)) < 0.5
    assert not any(np.isinf(curve.at(OFF_THE_GRID)))


def test_the_interval_is_that_of_whole_runs_and_a_little_more() -> None:
    run = gpu_hours_of({"params_total": "7e9", "tokens": "2e12", "gpu": H100})
    whole_run = math.log(run.gpu_hours_high / run.gpu_hours)
    assert whole_run < training_curve(H100, None, "total").log_width < whole_run + 0.15


def test_achieved_flops_are_a_plausible_share_of_the_peak() -> None:
    peak = accelerator(H100).needed_flops_per_s("bf16")
    sizes = np.geomspace(1e8, 4e11, 30)
    share = 1 / (training_curve(H100, 512, "total").at(sizes) * 3600) / peak
    assert (share > 0.1).all()
    assert (share < 0.5).all()
    tiny = float(training_curve(H100, 512, "total").at(1e7))
    assert tiny > 2 * float(training_curve(H100, 512, "total").at(1e9))


def test_both_ways_of_counting_price_the_same_model_alike() -> None:
    for total in (1e9, 1e10, 1e11):
        count = usual_shape(total).count_parameters()
        by_total = count.total * float(training_curve(H100, 512, "total").at(count.total))
        inside = count.non_embedding
        by_inside = inside * float(training_curve(H100, 512, "non_embedding").at(inside))
        assert by_inside == pytest.approx(by_total, rel=0.15)


def test_devices_without_the_memory_end_the_curve() -> None:
    curve = training_curve("T4-16GB", 1, "total")
    assert curve.ends
    assert curve.most < 1e12  # 64 T4 hold 1 TB
    assert np.isinf(curve.at(1e12))
    assert np.isfinite(curve.at(1e9))


def test_serving_costs_what_the_plan_of_that_model_costs() -> None:
    serving = ServingPlan(context_tokens=2_000, output_tokens=500, utilisation_share=0.5)
    shape = served_shape(64)
    total = shape.count_parameters().total
    plan = Plan(
        shape=shape,
        tokens=10**12,
        layout=Layout(micro_batch_sequences=1),
        cluster=Cluster(
            accelerator=H100,
            n_devices=1,
            price_usd_per_device_hour="3.25",
            price_source="own assumption",
        ),
        reliability=Reliability(),
        serving=serving,
    )
    prices = planned_serving(plan).prices
    request_usd = 2_000 * prices.usd_per_million_input_tokens
    request_usd += 500 * prices.usd_per_million_output_tokens
    curve = serving_curve(H100, serving, "total")
    usd_per_million = 3.25 * 2 * total * float(curve.at(total)) * 1e6
    assert usd_per_million == pytest.approx(request_usd / 2_500, rel=1e-6)


def test_served_shapes_are_llama_3_up_to_its_vocabulary() -> None:
    """Llama 3 8B has a width of 4,096, 32 layers and 14,336 (arXiv:2407.21783, table 3)."""
    small, large = served_shape(32), served_shape(64)
    assert (small.d_model, small.n_layers, small.n_kv_heads, small.d_ff) == (4_096, 32, 8, 14_336)
    assert (large.d_model, large.n_kv_heads, large.d_ff) == (8_192, 8, 28_672)
    assert served_shape(1).count_parameters().total < 1e7
    assert served_shape(216).count_parameters().total > 2e12


def test_busier_devices_serve_for_less() -> None:
    sizes = np.geomspace(1e8, 1e11, 10)
    idle = serving_curve(H100, ServingPlan(utilisation_share=0.2), "total").at(sizes)
    busy = serving_curve(H100, ServingPlan(utilisation_share=0.8), "total").at(sizes)
    assert idle == pytest.approx(4 * busy)


def test_serving_ends_with_what_the_devices_hold() -> None:
    curve = serving_curve("CPU-core", ServingPlan(), "total")
    assert curve.ends
    assert np.isinf(curve.at(2 * curve.most))


def test_curves_are_drawn_once() -> None:
    assert training_curve(H100, 512, "total") is training_curve(H100, 512, "total")
    assert serving_curve(H100, ServingPlan(), "total") is serving_curve(
        H100, ServingPlan(), "total"
    )


@pytest.mark.parametrize(
    ("device", "serving", "told"),
    [
        ("T4-16GB", ServingPlan(weights="fp32"), "weights: fp32 .* T4-16GB has a rate for fp16"),
        (
            "CPU-core",
            ServingPlan(weights="int4", context_tokens=10_000_000, output_tokens=1_000_000),
            r"serving\.weights: int4 .* CPU-core",
        ),
    ],
)
def test_what_serves_no_model_at_all_is_an_error(
    device: str, serving: ServingPlan, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        serving_curve(device, serving, "total")

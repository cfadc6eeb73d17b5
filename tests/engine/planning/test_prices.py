"""Prices from curves that can be computed by hand, and from the predictor's curves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.costs.gpu_hours import gpu_hours_of
from engine.documents import InputError
from engine.plan import ServingPlan
from engine.planning.curves import SizeCurve
from engine.planning.prices import Prices, prices

FLAT = SizeCurve.through([1e6, 1e12], [1e-18, 1e-18], log_width=math.log(2))
BY_HAND = Prices(
    accelerator="H100-80GB",
    devices=8,
    parameters_counted="total",
    usd_per_device_hour=3.0,
    hours_per_training_flop=FLAT,
    serving_usd_per_device_hour=5.0,
    hours_per_serving_flop=SizeCurve.through(
        [1e6, 1e11], [2e-18, 2e-18], ends=True, log_width=math.log(1.5)
    ),
)


def test_by_hand() -> None:
    # 6 · 1e9 · 2e10 = 1.2e20 FLOPs at 1e18 an hour are 120 hours, at 3 USD.
    assert BY_HAND.device_hours(1e9, 2e10) == pytest.approx(120)
    assert BY_HAND.training_usd([1e9, 2e9], 2e10) == pytest.approx([360, 720])
    hours = BY_HAND.device_hours_figure(1e9, 2e10)
    assert (hours.low, hours.value, hours.high) == pytest.approx((60, 120, 240))
    # 2 · 1e9 · 1e6 = 2e15 FLOPs at 2e-18 hours each, at 5 USD; a billion tokens are 1,000 times.
    assert BY_HAND.serving_usd_per_million_tokens(1e9) == pytest.approx(0.02)
    served = BY_HAND.serving_figure(1e9, 1e9)
    assert served is not None
    assert (served.low, served.value, served.high) == pytest.approx((20 / 1.5, 20, 30))


def test_what_cannot_be_served_has_no_price() -> None:
    assert BY_HAND.serving_figure(2e11, 1e9) is None
    assert np.isinf(BY_HAND.serving_usd_per_million_tokens(2e11))


def test_what_cannot_be_trained_is_an_error() -> None:
    weak = prices("T4-16GB", 0.35, devices=1)
    with pytest.raises(InputError, match=r"devices: 1 .* not enough T4-16GB"):
        weak.device_hours_figure(1e12, 1e12)


def test_as_dear_as_the_predictor_says() -> None:
    got = prices("H100-80GB", 2.0, devices=1024)
    row = {"params_total": "1.3e10", "tokens": "2e12", "gpu": "H100-80GB", "n_gpus": "1024"}
    predicted = gpu_hours_of(row)
    assert got.device_hours(1.3e10, 2e12) == pytest.approx(predicted.gpu_hours, rel=0.25)
    assert got.training_usd(1.3e10, 2e12) == pytest.approx(2 * got.device_hours(1.3e10, 2e12))
    figure = got.device_hours_figure(1.3e10, 2e12)
    assert figure.high / figure.value >= predicted.gpu_hours_high / predicted.gpu_hours


def test_serving_elsewhere_takes_that_device_and_its_price() -> None:
    serving = ServingPlan(context_tokens=500, output_tokens=500)
    here = prices("H100-80GB", 2.0, devices=64, serving=serving)
    there = prices(
        "H100-80GB",
        2.0,
        devices=64,
        serving=serving,
        serving_accelerator="A100-80GB",
        serving_usd_per_device_hour=1.0,
    )
    served = prices("A100-80GB", 1.0, devices=64, serving=serving)
    sizes = [1e9, 1e10]
    at_a100 = served.serving_usd_per_million_tokens(sizes)
    assert there.serving_usd_per_million_tokens(sizes) == pytest.approx(at_a100)
    assert there.training_usd(1e9, 2e10) == here.training_usd(1e9, 2e10)
    per_token = here.serving_usd_per_million_tokens([1e9, 1e10, 1e11])
    assert (np.diff(per_token) > 0).all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"usd_per_device_hour": 0.0}, "usd_per_device_hour: 0.0 .* above 0"),
        ({"usd_per_device_hour": math.nan}, "usd_per_device_hour"),
        ({"serving_usd_per_device_hour": 0.0}, "serving_usd_per_device_hour: 0.0 .* above 0"),
        ({"devices": 0}, "devices: 0 .* at least 1"),
        ({"accelerator_name": "H100-81GB"}, "accelerator: H100-81GB .* H100-80GB"),
        ({"serving_accelerator": "H100-81GB"}, "serving_accelerator: H100-81GB"),
    ],
)
def test_what_no_price_can_be_is_one_line(changes: dict[str, object], told: str) -> None:
    given: dict[str, object] = {"accelerator_name": "H100-80GB", "usd_per_device_hour": 2.0}
    with pytest.raises(InputError, match=told):
        prices(**(given | changes))  # type: ignore[arg-type]

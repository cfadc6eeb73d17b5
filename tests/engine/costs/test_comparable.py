"""Ratios of terms to on demand, within one provider."""

import pytest

from engine.costs.comparable import terms_ratio
from engine.facts import cloud_prices


def test_a_commitment_is_compared_with_the_same_instance() -> None:
    """Google's one-year commitment is below its own on-demand price, though above others'."""
    found = terms_ratio("H100-80GB", "commitment_1y")
    assert found is not None
    assert (found.offers, found.of_other_devices) == (1, False)
    rows = {
        row.terms: row
        for row in cloud_prices()
        if (row.accelerator, row.provider, row.instance) == ("H100-80GB", "gcp", "a3-highgpu-1g")
        and row.region.startswith("Iowa")
    }
    by_hand = rows["commitment_1y"].usd_per_device_hour / rows["on_demand"].usd_per_device_hour
    assert found.value == pytest.approx(float(by_hand))
    assert found.value < 1


def test_spread_and_number_of_offers() -> None:
    found = terms_ratio("TPU-v6e", "commitment_3y")
    assert found is not None
    assert found.offers == 3
    assert 0.4 < found.low <= found.value <= found.high < 0.5


def test_offers_of_other_devices_stand_in_and_say_so() -> None:
    found = terms_ratio("A100-80GB", "commitment_1y")
    assert found is not None
    assert found.of_other_devices
    assert found.low < found.high < 1
    assert terms_ratio("TPU-v5e", "spot") is None

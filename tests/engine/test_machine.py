"""The row of the accelerator table that this machine gets."""

import os
from decimal import Decimal

import pytest

from engine.documents import InputError
from engine.facts import accelerator
from engine.machine import Machine, best_match, this_machine
from engine.plan import best_precision


@pytest.mark.parametrize(
    ("driver_name", "row"),
    [
        ("NVIDIA H100 80GB HBM3", "H100-80GB"),
        ("NVIDIA H100 PCIe", "H100-PCIE-80GB"),
        ("NVIDIA H100 NVL", "H100-NVL-94GB"),
        ("NVIDIA H200", "H200-141GB"),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"),
        ("NVIDIA A100 80GB PCIe", "A100-PCIE-80GB"),
        ("Tesla V100-SXM2-16GB", "V100-SXM2-16GB"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090-24GB"),
        ("NVIDIA L4", "L4-24GB"),
        ("NVIDIA B200", "B200"),
    ],
)
def test_drivers_names_are_known(driver_name: str, row: str) -> None:
    assert best_match(driver_name).accelerator == row


def test_an_unknown_gpu_says_which_are_known() -> None:
    with pytest.raises(InputError, match=r"NVIDIA Foo .* H100-80GB"):
        best_match("NVIDIA Foo")


def test_without_a_gpu_the_cores_are_the_devices() -> None:
    here = this_machine()
    if not here.has_gpu:
        assert here.n_devices == len(os.sched_getaffinity(0))
        assert best_precision(here.device) == "fp32"
        assert here.cluster(1).price_usd_per_device_hour == Decimal("0.05")


def test_a_known_gpu_costs_what_is_published() -> None:
    node = Machine(accelerator("H100-80GB"), 8, 640e9)
    assert best_precision(node.device) == "bf16"
    cluster = node.cluster(8)
    assert 1 < cluster.price_usd_per_device_hour < 13
    assert "20" in cluster.price_source  # the year of the price

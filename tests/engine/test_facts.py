"""The tables in ``data/`` are readable, name their sources and mark uncertain figures."""

import csv
from decimal import Decimal
from statistics import median

import pytest

from engine import facts
from engine.documents import InputError
from engine.paths import DATA_DIR


@pytest.mark.parametrize("path", sorted(DATA_DIR.glob("*.csv")), ids=lambda path: path.name)
def test_every_row_says_from_where_and_when(path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            assert row["source"].strip(), f"{path.name}:{number}"
            assert row["as_of"][:2] == "20", f"{path.name}:{number}"


def test_tables_are_complete() -> None:
    assert len(facts.accelerators()) >= 45
    assert len(facts.cloud_prices()) >= 300
    assert facts.accelerator("H100-80GB").peak_flops_per_s("bf16") == 989e12
    assert facts.accelerator("V100-SXM2-16GB").peak_flops_per_s("bf16") is None


def test_what_was_not_read_at_its_source_is_marked() -> None:
    for row in facts.accelerators().values():
        assert ("unverified" in row.source) == (row.confidence == "unverified")
    disputed = [
        p for p in facts.cloud_prices() if p.provider == "oci" and "A100-80" in p.accelerator
    ]
    assert {price.confidence for price in disputed} == {"disputed"}


def test_a_price_far_from_its_group_is_an_outlier() -> None:
    """An outlier is over four times away from the median of its accelerator and terms."""
    for offer in facts.cloud_prices():
        group = [
            other.usd_per_device_hour
            for other in facts.prices_of(offer.accelerator)
            if other.terms == offer.terms
        ]
        ratio = offer.usd_per_device_hour / median(group)
        assert (offer.confidence == "outlier") == (not Decimal("0.25") <= ratio <= 4), offer


def test_prices_come_cheapest_first() -> None:
    prices = [row.usd_per_device_hour for row in facts.prices_of("H100-80GB")]
    assert prices == sorted(prices)
    assert all(Decimal(0) < price < 50 for price in prices)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        facts.accelerator("h100 80gb", "plan.cluster.accelerator")
    assert "H100-80GB" in str(refused.value)


def test_peaks_by_precision() -> None:
    """All 8-bit formats have the 8-bit peak; operations in 16 bits have the 16-bit peak."""
    b200 = facts.accelerator("B200")
    for precision in ("fp8", "fp8-rowwise", "fp8-block128", "mxfp8"):
        assert b200.needed_flops_per_s(precision) == 4500e12
        assert b200.base_flops_per_s(precision) == 2250e12
    assert b200.needed_flops_per_s("nvfp4") == 9000e12
    volta = facts.accelerator("V100-SXM2-16GB")
    assert volta.base_flops_per_s("fp16") == volta.needed_flops_per_s("fp16") == 125e12
    with pytest.raises(InputError, match=r"V100-SXM2-16GB has a rate for fp16 only"):
        volta.needed_flops_per_s("fp8")


def test_links_that_are_not_known_are_slow_ones() -> None:
    core = facts.accelerator("CPU-core")
    assert core.slow_gb_per_s == facts.UNKNOWN_SLOW_GB_PER_S
    l4 = facts.accelerator("L4-24GB").model_copy(update={"intra_node_gb_per_s": None})
    assert l4.fast_gb_per_s == facts.UNKNOWN_FAST_GB_PER_S
    assert facts.accelerator("H100-80GB").fast_gb_per_s == 450
    assert facts.accelerator("H100-80GB").domain_size == 8
    assert facts.accelerator("GB200").domain_size == 72
    assert facts.accelerator("TPU-v5p").domain_size > 10_000  # a pod has no nodes


def test_a_wrong_table_names_row_and_column(tmp_path) -> None:
    text = (DATA_DIR / "accelerators.csv").read_text("utf-8").replace(",16,900,", ",16,many,", 1)
    path = tmp_path / "accelerators.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"accelerators\.csv:2\.memory_gb_per_s: many"):
        facts.read_facts(path, facts.Accelerator)

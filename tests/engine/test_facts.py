"""The tables in ``data/``: readable, sourced, and honest about what is uncertain."""

import csv
from decimal import Decimal

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


def test_prices_come_cheapest_first() -> None:
    prices = [row.usd_per_device_hour for row in facts.prices_of("H100-80GB")]
    assert prices == sorted(prices)
    assert all(Decimal(0) < price < 50 for price in prices)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        facts.accelerator("h100 80gb", "plan.cluster.accelerator")
    assert "H100-80GB" in str(refused.value)


def test_a_generation_without_measurements_gets_the_widest_interval() -> None:
    unknown, known = facts.efficiency("Gaudi"), facts.efficiency("Hopper")
    assert unknown.arch == "default"
    assert (
        unknown.step_time_high / unknown.step_time_low > known.step_time_high / known.step_time_low
    )


def test_a_wrong_table_names_row_and_column(tmp_path) -> None:
    text = (DATA_DIR / "efficiency.csv").read_text("utf-8").replace("0.78,270", "many,270")
    path = tmp_path / "efficiency.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"efficiency\.csv:3\.matmul_share: many"):
        facts.read_facts(path, facts.Efficiency)

"""Cost of owning a device, by hand and from the tables."""

from decimal import Decimal

import pytest

from engine.costs.energy import Facility, energy_facts, scoped
from engine.costs.ownership import (
    Ownership,
    own_cost,
    purchase_prices,
    server_price_usd,
    typical_purchase,
)
from engine.documents import parse_toml
from engine.facts import accelerator, accelerators
from engine.units import HOURS_PER_YEAR

OWN = Ownership()
PLAIN = Ownership(
    facility=Facility(
        electricity_usd_per_kwh=Decimal("0.1"),
        pue=1.25,
        server_power_over_tdp=2.0,
        server_power_share=0.5,
    ),
    server_usd_per_device=Decimal(40_000),
    interconnect_cost_share=0.2,
    lifetime_years=5,
    residual_share=0.1,
    cost_of_capital_per_year=0,
    utilisation_share=0.5,
    colocation_usd_per_kw_month=Decimal(100),
    maintenance_share_per_year=0.02,
)


def test_every_price_is_of_a_known_accelerator() -> None:
    rows = purchase_prices()
    assert len(rows) >= 35
    for row in rows:
        assert row.accelerator in accelerators()
        assert Decimal(500) < row.usd < 100_000
        assert ("unverified" in row.source) == (row.confidence == "unverified")


def test_parts_by_hand() -> None:
    cost = own_cost("H100-80GB", PLAIN)
    hours = HOURS_PER_YEAR / 2
    assert cost.price is None
    assert cost.outlay_usd_per_device == pytest.approx(50_000)
    assert cost.parts.by_name() == pytest.approx(
        {
            "depreciation_usd": 45_000 / 5 / hours,
            "capital_usd": 0,
            "colocation_usd": 1.4 * 100 * 12 / hours,
            "maintenance_usd": 1_000 / hours,
            "electricity_usd": 0.7 * 2 * 0.5 * 1.25 * 0.1,
        }
    )
    assert cost.parts.total_usd == pytest.approx(cost.usd_per_device_hour(hours))


def test_the_annuity_pays_the_outlay_with_interest() -> None:
    """The present value of five yearly payments and of the residual value is the price."""
    cost = own_cost("H100-80GB", PLAIN.with_value("cost_of_capital_per_year", 0.08))
    hours = HOURS_PER_YEAR / 2
    payment = (cost.parts.depreciation_usd + cost.parts.capital_usd) * hours
    worth = sum(payment / 1.08**year for year in range(1, 6)) + 5_000 / 1.08**5
    assert worth == pytest.approx(cost.outlay_usd_per_device)


def test_a_chip_alone_needs_a_server_around_it() -> None:
    rows = {(row.accelerator, row.covers): row for row in purchase_prices()}
    h100 = accelerator("H100-80GB")
    chip, server = rows["H100-80GB", "device"], rows["H100-80GB", "server"]
    assert server_price_usd(chip, h100, OWN) == pytest.approx(1.64 * float(chip.usd))
    assert server_price_usd(server, h100, OWN) == float(server.usd)
    given = Ownership(server_cost_over_device_cost=2.0)
    assert server_price_usd(chip, h100, given) == 2 * float(chip.usd)


def test_the_ratio_explains_the_price_of_a_dgx() -> None:
    """The price of a chip times the ratio is the price of a server of that time, within 1%."""
    a100 = accelerator("A100-40GB")
    prices = {
        row.covers: server_price_usd(row, a100, OWN)
        for row in purchase_prices()
        if row.accelerator == "A100-40GB"
    }
    assert prices["device"] == pytest.approx(prices["server"], rel=0.01)


def test_whole_servers_go_before_parts_of_them() -> None:
    found = typical_purchase(accelerator("H100-80GB"), OWN)
    assert (found.covers, found.usd) == ("server", Decimal("31904.63"))
    assert typical_purchase(accelerator("A10G-24GB"), OWN) is None
    assert own_cost("A10G-24GB", OWN) is None


def test_a_node_of_h100_costs_what_others_found() -> None:
    low, high = (float(scoped("node_price_usd", which).value) for which in ("low", "high"))
    assert low < 8 * own_cost("H100-80GB", OWN).outlay_usd_per_device < high


def test_defaults_are_those_of_the_table() -> None:
    table = {fact.kind: fact for fact in energy_facts() if fact.scope == "default"}
    assert OWN.interconnect_cost_share == float(table["interconnect_cost_share"].value)
    assert OWN.lifetime_years == float(table["server_lifetime_years"].value)
    world = OWN.with_value("facility.region", "DE")
    assert OWN.colocation_price_usd_per_kw_month() == Decimal("184.06")
    assert world.colocation_price_usd_per_kw_month() == Decimal("217.3")


@pytest.mark.parametrize(
    ("field", "value"),
    [("lifetime_years", 3), ("utilisation_share", 0.4), ("cost_of_capital_per_year", 0.2)],
)
def test_owning_gets_dearer(field: str, value: float) -> None:
    dearer = own_cost("H100-80GB", OWN.with_value(field, value))
    assert dearer.parts.total_usd > own_cost("H100-80GB", OWN).parts.total_usd


def test_a_residual_value_makes_it_cheaper() -> None:
    cheaper = own_cost("H100-80GB", OWN.with_value("residual_share", 10 ** (-0.14 * 5)))
    assert cheaper.parts.total_usd < own_cost("H100-80GB", OWN).parts.total_usd


def test_assumptions_survive_a_file() -> None:
    changed = OWN.with_values({"facility.region": "SE", "server_usd_per_device": "30000.50"})
    assert Ownership.parse(parse_toml(changed.to_toml().encode(), "own.toml")) == changed

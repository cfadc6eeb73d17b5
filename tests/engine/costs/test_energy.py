"""Energy, its price and its carbon, by hand and from the table."""

from decimal import Decimal

import pytest

from engine.costs.energy import (
    Facility,
    energy_facts,
    energy_use,
    regional,
    regions,
    scoped,
    server_peak_kw,
    sources,
)
from engine.documents import InputError
from engine.facts import accelerator

H100 = accelerator("H100-80GB")


def test_every_kind_has_one_row_for_one_thing() -> None:
    seen = [(fact.kind, fact.region, fact.scope) for fact in energy_facts()]
    assert len(seen) == len(set(seen)) >= 70
    for kind, region, scope in seen:
        assert bool(region) != bool(scope), (kind, region, scope)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("electricity_usd_per_kwh", 0.02, 0.5),
        ("grid_gco2e_per_kwh", 10, 1_000),
        ("pue", 1, 2),
        ("server_power_over_tdp", 1, 3),
        ("server_power_share", 0.2, 1),
        ("server_cost_over_device_cost", 1, 3),
        ("colocation_usd_per_kw_month", 100, 500),
    ],
)
def test_figures_are_plausible(kind: str, low: float, high: float) -> None:
    rows = [fact for fact in energy_facts() if fact.kind == kind]
    assert rows
    assert all(low <= fact.value <= high for fact in rows)


def test_one_hour_of_an_h100_by_hand() -> None:
    """A server of eight draws three quarters of 10.2 kW in a data centre with a PUE of 1.25."""
    use = energy_use(H100, 1.0, Facility())
    by_hand = 10.2 / 8 * 0.75 * 1.25
    assert use.energy_kwh == pytest.approx(by_hand, rel=1e-4)
    assert use.electricity_usd == pytest.approx(by_hand * 0.0826, rel=1e-4)
    assert use.co2e_kg == pytest.approx(by_hand * 0.369473, rel=1e-4)


def test_what_is_given_goes_before_the_table() -> None:
    given = Facility(
        region="SE",
        electricity_usd_per_kwh=Decimal("0.05"),
        grid_gco2e_per_kwh=0,
        pue=1.0,
        device_power_w=1_000,
        server_power_over_tdp=2.0,
        server_power_share=0.5,
    )
    use = energy_use(accelerator("CPU-core"), 10.0, given)
    assert (use.energy_kwh, use.electricity_usd, use.co2e_kg) == pytest.approx((10, 0.5, 0))
    assert sources(H100, given) == ()
    assert {fact.kind for fact in sources(H100, Facility())} == {
        "electricity_usd_per_kwh",
        "grid_gco2e_per_kwh",
        "pue",
        "server_power_over_tdp",
        "server_power_share",
    }


def test_a_state_has_its_own_price_and_its_countrys_grid() -> None:
    texas = Facility(region="US-TX")
    assert texas.electricity_price_usd_per_kwh() == regions()["US-TX"].value == Decimal("0.064")
    assert texas.carbon_gco2e_per_kwh() == float(regions("grid_gco2e_per_kwh")["US"].value)
    assert regional("electricity_usd_per_kwh", "US-WA").region == "US"


def test_an_unknown_grid_is_said_to_be_unknown() -> None:
    assert "BE" not in regions("grid_gco2e_per_kwh")
    assert energy_use(H100, 1.0, Facility(region="BE")).co2e_kg is None


@pytest.mark.parametrize("region", ["Texas", "XX", ""])
def test_an_unknown_region_gets_the_nearest(region: str) -> None:
    with pytest.raises(InputError, match=r"facility\.region") as refused:
        Facility.parse({"region": region}, "facility")
    assert "US-TX" in str(refused.value)
    assert Facility(region="GB", electricity_usd_per_kwh=Decimal("0.2")).carbon_gco2e_per_kwh()


def test_tpus_have_their_own_ratios() -> None:
    tpu = accelerator("TPU-v4")
    assert server_peak_kw(tpu, Facility()) == pytest.approx(0.340 * 1.56)
    assert scoped("server_power_share", tpu.arch, tpu.kind).value == Decimal("0.43")


def test_a_device_without_a_known_power_needs_one() -> None:
    with pytest.raises(InputError, match=r"facility\.device_power_w: TPU-v5e"):
        energy_use(accelerator("TPU-v5e"), 1.0, Facility())

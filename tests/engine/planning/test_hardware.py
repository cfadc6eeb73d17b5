"""The same plan on other accelerators, against its forecast and against hand counts."""

from decimal import Decimal

import pytest

from engine.costs.energy import Facility
from engine.documents import InputError
from engine.facts import accelerator, accelerators, prices_of, typical_price
from engine.forecast import forecast
from engine.plan import Plan, on_accelerator
from engine.planning.hardware import (
    COMMON,
    HardwareRow,
    cheapest,
    compare_hardware,
    fastest,
    usual_hardware,
)
from finance.company.scenario import Scenario
from tests.engine.shapes import LLAMA3_8B


def row_of(plan: Plan, name: str, facility: Facility | None = None) -> HardwareRow:
    (row,) = compare_hardware(plan, [name], facility)
    return row


def test_the_plans_own_accelerator_is_the_plan_as_it_stands(startup: Scenario) -> None:
    row = row_of(startup.plan, "H100-80GB")
    assert row.is_own
    assert row.plan == startup.plan
    assert row.forecast == forecast(startup.plan)
    assert not row.searched
    assert row.cost_usd("typical") == forecast(startup.plan).cost_usd
    assert row.typical is not None
    assert row.typical.citation == startup.plan.cluster.price_source


def test_another_accelerator_gets_the_moved_plan(startup: Scenario) -> None:
    row = row_of(startup.plan, "A100-80GB")
    moved = forecast(on_accelerator(startup.plan, "A100-80GB"))
    assert row.forecast == moved
    assert row.cost_usd("typical") == moved.cost_usd
    price = typical_price("A100-80GB")
    assert price is not None
    assert row.typical is not None
    assert row.typical.usd_per_device_hour == price.usd_per_device_hour


def test_the_cheapest_price_is_the_lowest_published_on_demand_one(startup: Scenario) -> None:
    row = row_of(startup.plan, "A100-80GB")
    published = [
        price.usd_per_device_hour
        for price in prices_of("A100-80GB")
        if price.terms == "on_demand" and price.confidence == "published"
    ]
    assert row.cheapest is not None
    assert row.cheapest.usd_per_device_hour == min(published)
    assert row.n_offers == len(published)
    assert row.forecast is not None
    cost = row.cost_usd("cheapest")
    assert cost is not None
    assert cost.high == pytest.approx(row.forecast.device_hours.high * float(min(published)))


def test_what_does_not_fit_as_planned_gets_another_layout_with_the_same_batch(
    startup: Scenario,
) -> None:
    plan = startup.plan
    assert not forecast(on_accelerator(plan, "A100-40GB")).fits
    row = row_of(plan, "A100-40GB")
    assert row.fits
    assert row.searched
    assert row.plan.cluster.n_devices == plan.cluster.n_devices
    assert row.plan.tokens_per_step == plan.tokens_per_step
    assert row.memory_headroom_share is not None
    assert row.memory_headroom_share >= 0.08 - 1e-9


def test_what_fits_nowhere_says_what_it_needs(startup: Scenario) -> None:
    plan = startup.plan.with_values(
        {"shape": LLAMA3_8B.model_dump(mode="json"), "cluster.n_devices": 1}
    )
    row = row_of(plan, "L4-24GB")
    assert not row.fits
    assert row.least_memory_bytes is not None
    assert row.least_memory_bytes > row.usable_memory_bytes
    assert row.memory_headroom_share is not None
    assert row.memory_headroom_share < 0
    assert fastest([row]) is None
    assert cheapest([row], "typical") is None


def test_an_unknown_price_is_unknown(startup: Scenario) -> None:
    name = next(
        name
        for name, device in accelerators().items()
        if device.peak_bf16_tflops and device.kind == "gpu" and typical_price(name) is None
    )
    row = row_of(startup.plan, name)
    assert row.fits
    assert row.typical is None
    assert row.cheapest is None
    assert row.cost_usd("typical") is None
    assert row.serving_usd_per_million_tokens is None
    assert cheapest([row], "typical") is None
    assert fastest([row]) is row


def test_an_own_accelerator_without_offers_has_the_plans_price(laptop: Scenario) -> None:
    row = row_of(laptop.plan, "CPU-core")
    assert row.n_offers == 0
    for offer in (row.typical, row.cheapest):
        assert offer is not None
        assert offer.usd_per_device_hour == Decimal("0.05")


def test_energy_by_hand(startup: Scenario) -> None:
    """A DGX H100 draws three quarters of 10.2 kW for eight devices, at a PUE of 1.25."""
    row = row_of(startup.plan, "H100-80GB", Facility(region="FR"))
    assert row.forecast is not None
    kwh = row.forecast.device_hours.value * 0.7 * 1.8214 * 0.75 * 1.25
    assert row.energy_kwh is not None
    assert row.energy_kwh.value == pytest.approx(kwh, rel=1e-4)
    assert row.electricity_usd is not None
    assert row.electricity_usd.value == pytest.approx(kwh * 0.134, rel=1e-4)
    assert row.co2e_kg is not None
    assert row.co2e_kg.value == pytest.approx(kwh * 0.056039, rel=1e-4)


def test_unknown_power_and_unknown_grids_are_unknown(startup: Scenario, laptop: Scenario) -> None:
    core = row_of(laptop.plan, "CPU-core")
    assert (core.energy_kwh, core.electricity_usd, core.co2e_kg) == (None, None, None)
    belgian = row_of(startup.plan, "H100-80GB", Facility(region="BE"))
    assert belgian.electricity_usd is not None
    assert belgian.co2e_kg is None


def test_rows_come_in_the_order_of_the_names_and_are_ranked(startup: Scenario) -> None:
    names = ["L40S-48GB", "B200", "H100-80GB", "A100-80GB"]
    rows = compare_hardware(startup.plan, names)
    assert [row.device.accelerator for row in rows] == names
    quick, thrifty = fastest(rows), cheapest(rows, "typical")
    assert quick is not None
    assert thrifty is not None
    assert quick.device.accelerator == "B200"
    costs = [cost.value for row in rows if (cost := row.cost_usd("typical"))]
    best = thrifty.cost_usd("typical")
    assert best is not None
    assert best.value == min(costs)


def test_equally_cheap_ones_are_ranked_by_time(startup: Scenario) -> None:
    free = startup.plan.with_value("cluster.price_usd_per_device_hour", "0")
    rows = compare_hardware(free, ["A100-80GB", "H100-80GB"])
    best = cheapest(rows, "typical")
    assert best is not None
    assert best.is_own


def test_searching_everywhere_is_never_slower(startup: Scenario) -> None:
    names = ["H100-80GB", "H200-141GB", "A100-40GB", "MI300X-192GB"]
    planned = compare_hardware(startup.plan, names)
    searched = compare_hardware(startup.plan, names, search_all=True)
    for before, after in zip(planned, searched, strict=True):
        assert before.forecast is not None
        assert after.forecast is not None
        assert after.fits
        assert after.forecast.tokens_per_s.value >= before.forecast.tokens_per_s.value
        assert after.plan.tokens_per_step == startup.plan.tokens_per_step


def test_a_precision_that_a_device_lacks_is_replaced(startup: Scenario) -> None:
    plan = startup.plan.with_value("layout.precision", "fp8")
    row = row_of(plan, "A100-80GB")
    assert row.plan.layout.precision == "bf16"
    assert row.fits


def test_what_goes_wrong_is_said_in_its_row(startup: Scenario) -> None:
    plan = startup.plan.with_values(
        {
            "cluster.n_devices": 524_288,
            "cluster.availability_share": None,
            "reliability.failures_per_device_year": 10_000,
        }
    )
    rows = compare_hardware(plan, ["H100-80GB", "CPU-core"])
    assert [row.problem is not None for row in rows] == [True, True]
    assert fastest(rows) is None


def test_an_unknown_name_is_an_input_error(startup: Scenario) -> None:
    with pytest.raises(InputError, match="names: H1000"):
        compare_hardware(startup.plan, ["H1000"])


def test_the_usual_hardware_begins_with_the_plans_own() -> None:
    usual = usual_hardware("CPU-core", ["gpu", "tpu", "asic", "cpu"])
    assert usual[0] == "CPU-core"
    assert set(usual[1:]) == set(COMMON)
    assert usual_hardware("H100-80GB", ["gpu"]).count("H100-80GB") == 1
    only_asics = usual_hardware("H100-80GB", ["asic"])
    assert all(accelerator(name).kind == "asic" for name in only_asics[1:])
    assert len(only_asics) > 3
    assert usual_hardware("H100-80GB", []) == ("H100-80GB",)


def test_common_accelerators_are_in_the_table() -> None:
    assert set(COMMON) <= set(accelerators())

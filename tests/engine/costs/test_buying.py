"""The cost of a run by each payment option, by hand and on the tables."""

from decimal import Decimal

import pytest

from engine.costs.buying import SPOT_OVERHEAD_SHARE, break_even, payment_options, summarise
from engine.costs.ownership import Ownership, own_cost
from engine.documents import InputError
from engine.facts import accelerators, cloud_prices, prices_of
from engine.units import HOURS_PER_YEAR

OWN = Ownership()
H100 = "H100-80GB"


def _options(name: str = H100, n_devices: int = 64, hours: float = 500.0):
    return payment_options(name, n_devices, n_devices * hours, hours, ownership=OWN)


def test_every_offer_is_there_with_its_source() -> None:
    found = _options()
    assert len(found) == len(prices_of(H100)) + 1
    for option in found:
        assert option.source
        assert option.as_of[:2] == "20"
        assert option.paid_device_hours >= option.device_hours
    assert [option.cost_usd for option in found] == sorted(option.cost_usd for option in found)


@pytest.mark.parametrize("name", [n for n, device in accelerators().items() if device.tdp_w])
def test_every_accelerator_can_be_asked_for(name: str) -> None:
    found = payment_options(name, 8, 80.0, 10.0, ownership=OWN)
    assert len(found) == len(prices_of(name)) + (own_cost(name, OWN) is not None)


def test_on_demand_by_hand() -> None:
    aws = next(
        option for option in _options() if option.provider == "aws" and option.terms == "on_demand"
    )
    assert aws.usd_per_device_hour == Decimal("6.88")
    assert aws.cost_usd == pytest.approx(64 * 500 * 6.88)
    assert aws.notes == ()


def test_an_instance_is_rented_whole() -> None:
    found = payment_options(H100, 10, 10 * 100.0, 100.0)
    aws = next(option for option in found if option.provider == "aws")
    assert (aws.devices_paid, aws.notes) == (16, ("whole_instances",))
    assert aws.cost_usd == pytest.approx(16 * 100 * 6.88)


def test_spot_is_paid_for_with_its_interruptions() -> None:
    found = payment_options(H100, 8, 800.0, 100.0, spot_overhead_share=0.25)
    spot = next(
        option for option in found if option.terms == "spot" and option.provider == "crusoe"
    )
    assert spot.cost_usd == pytest.approx(800 * 1.25 * 1.6)
    usual = next(
        option for option in _options() if option.terms == "spot" and option.devices_paid == 64
    )
    assert usual.paid_device_hours == pytest.approx(usual.device_hours * (1 + SPOT_OVERHEAD_SHARE))


@pytest.mark.parametrize(
    ("wall_clock_hours", "years_paid"), [(500, 1), (HOURS_PER_YEAR, 1), (9_000, 2)]
)
def test_a_commitment_is_paid_to_the_end_of_its_term(
    wall_clock_hours: float, years_paid: int
) -> None:
    found = payment_options(H100, 2, 2 * wall_clock_hours, wall_clock_hours)
    by_terms = {option.terms: option for option in found if option.provider == "gcp"}
    one_year, three_years = by_terms["commitment_1y"], by_terms["commitment_3y"]
    assert one_year.cost_usd == pytest.approx(2 * years_paid * HOURS_PER_YEAR * 7.67)
    assert three_years.cost_usd == pytest.approx(2 * 3 * HOURS_PER_YEAR * 4.86)
    assert "whole_term" in one_year.notes


def test_own_hardware_is_among_the_ways() -> None:
    own = next(option for option in _options() if option.kind == "own")
    cost = own_cost(H100, OWN)
    assert own.cost_usd == pytest.approx(64 * 500 * cost.parts.total_usd)
    assert own.usd_per_device_hour == pytest.approx(
        Decimal(cost.parts.total_usd), abs=Decimal("1e-4")
    )
    assert own.source == cost.price.source
    assert all(option.kind == "cloud" for option in payment_options(H100, 1, 1.0, 1.0))


def test_summary_leaves_out_what_is_in_doubt() -> None:
    doubtful = {p.accelerator for p in cloud_prices() if p.confidence in ("disputed", "outlier")}
    assert doubtful
    for name in doubtful | {H100}:
        for summary in summarise(_options(name)):
            same = [
                option
                for option in _options(name)
                if option.terms == summary.terms and option.confidence == "published"
            ]
            costs = sorted(option.cost_usd for option in same)
            assert summary.offers == len(same)
            assert summary.cheapest.cost_usd == costs[0]
            assert summary.median.cost_usd in costs
            below = sum(cost < summary.median.cost_usd for cost in costs)
            assert below <= len(costs) / 2


def test_break_even_is_where_both_cost_the_same() -> None:
    cost = own_cost(H100, OWN)
    checked = 0
    for option in _options():
        hours = break_even(cost, option).device_hours_per_year
        if option.terms not in ("on_demand", "spot"):
            continue
        per_hour = option.cost_usd / option.device_hours
        if hours is None:
            assert per_hour < cost.usd_per_device_hour(HOURS_PER_YEAR)
            continue
        assert cost.usd_per_device_hour(hours) == pytest.approx(per_hour)
        assert cost.usd_per_device_hour(hours * 1.01) < per_hour
        checked += 1
    assert checked > 10


def test_a_commitment_is_beaten_at_any_use_or_at_none() -> None:
    cost = own_cost(H100, OWN)
    expensive = next(option for option in _options() if option.terms == "commitment_1y")
    assert break_even(cost, expensive).device_hours_per_year == 0
    tpu = next(option for option in _options("TPU-v4") if option.terms == "commitment_3y")
    gold = Ownership(server_usd_per_device=Decimal(1_000_000))
    assert break_even(own_cost("TPU-v4", gold), tpu).device_hours_per_year is None


@pytest.mark.parametrize("rate", [0.0, 0.1])
@pytest.mark.parametrize("terms", ["on_demand", "commitment_1y"])
def test_the_savings_pay_the_outlay_back(rate: float, terms: str) -> None:
    """The savings repay the outlay month by month, like a loan."""
    cost = own_cost(H100, OWN.with_value("cost_of_capital_per_year", rate))
    option = max(
        (option for option in _options() if option.terms == terms),
        key=lambda option: option.cost_usd,
    )
    months = break_even(cost, option).payback_months
    hours = HOURS_PER_YEAR / 12
    used = hours * cost.utilisation_share
    price = float(option.usd_per_device_hour)
    saved = price * (hours if terms == "commitment_1y" else used)
    saved -= cost.fixed_running_usd_per_year / 12 + cost.electricity_usd_per_hour * used
    debt = cost.outlay_usd_per_device
    for _ in range(int(months)):
        debt = debt * (1 + rate) ** (1 / 12) - saved
    assert 0 <= debt < saved


def test_hardware_that_is_worn_out_before_has_no_payback() -> None:
    cheap = next(option for option in _options() if option.terms == "spot")
    assert break_even(own_cost(H100, OWN), cheap).payback_months is None
    short = own_cost(H100, OWN.with_value("lifetime_years", 0.25))
    expensive = max(_options(), key=lambda option: option.usd_per_device_hour)
    assert break_even(short, expensive).payback_months is None


def test_what_is_not_allowed() -> None:
    with pytest.raises(InputError, match="device_hours: 0"):
        payment_options(H100, 1, 0, 1)
    with pytest.raises(InputError, match="H100-80GB"):
        payment_options("h100 80gb", 1, 1, 1)

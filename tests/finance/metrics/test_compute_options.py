"""Test the comparison of compute options, and offers from the tables."""

from decimal import Decimal

import pytest
import pyxirr

from engine.costs.ownership import Ownership, own_cost
from engine.costs.rent_or_buy import rent_or_buy
from engine.forecast import forecast
from engine.units import HOURS_PER_MONTH
from finance.company.scenario import Scenario
from finance.compute.contracts import ComputeForEquity, OnDemand, Purchase, Reserved, Spot
from finance.metrics.compute_options import break_even_utilisation, compare_compute_options
from finance.metrics.offers import offers

D = Decimal


def reserved(price: str) -> Reserved:
    return Reserved(
        kind="reserved", name="x", first_month=1, devices=1, months=12,
        price_usd_per_device_hour=price,
    )  # fmt: skip


def test_break_even_by_hand() -> None:
    assert break_even_utilisation(reserved("1.50"), D(2)) == 0.75
    assert break_even_utilisation(reserved("2.50"), D(2)) is None
    own = Purchase(
        kind="purchase", name="x", first_month=1, devices=3, usd_per_device="30000.00",
        lifetime_months=50, residual_share="0.1", running_usd_per_device_month="60.00",
        electricity_usd_per_device_hour="0.2",
    )  # fmt: skip
    # The price is a loan at 10% a year with a balloon of 3,000; running costs are 60 a month, and
    # each used hour saves 1.80.
    yearly = -pyxirr.pmt(0.1, 50 / 12, 30_000, -3_000) + 12 * 60
    assert break_even_utilisation(own, D(2)) == pytest.approx(yearly / (12 * HOURS_PER_MONTH * 1.8))
    hourly = {"name": "x", "first_month": 1, "devices": 1, "price_usd_per_device_hour": "1.9"}
    assert break_even_utilisation(OnDemand(kind="on_demand", **hourly), D(2)) == 0
    # With 10% of the work repeated, an hour costs 2.09.
    assert break_even_utilisation(Spot(kind="spot", **hourly), D(2)) is None


def test_the_same_company_with_each_way(startup: Scenario) -> None:
    predicted = forecast(startup.plan)
    price = str(startup.plan.cluster.price_usd_per_device_hour)
    shares = [
        ComputeForEquity(kind="compute_for_equity", name="x", first_month=1, last_month=36,
                         amount_usd="1000000.00", pre_money_usd=pre_money)
        for pre_money in ("9000000", "4000000")
    ]  # fmt: skip
    dear, cheap, same, given = compare_compute_options(
        startup, predicted,
        {"dear": [reserved(price)], "cheap": [reserved("0.01")], "same": [], "given": shares},
    )  # fmt: skip
    assert [outcome.option for outcome in (dear, cheap, same, given)] == [
        "dear",
        "cheap",
        "same",
        "given",
    ]
    assert dear.cash_at_end_usd < same.cash_at_end_usd < cheap.cash_at_end_usd
    assert dear.profit_usd < same.profit_usd < cheap.profit_usd
    assert given.cash_at_end_usd > same.cash_at_end_usd
    assert given.sold_share == 1 - D("0.9") * D("0.8")
    assert (same.sold_share, same.break_even_utilisation) == (0, ())
    assert cheap.break_even_utilisation == (pytest.approx(0.01 / float(price)),)


def test_offers_come_from_the_tables(startup: Scenario) -> None:
    found = offers(startup.plan, devices=8, first_month=5)
    assert set(found) == {"on_demand", "spot", "commitment_1y", "commitment_3y", "purchase",
                          "gpu_backed_debt", "lease"}  # fmt: skip
    assert all(offer.source and offer.contract.first_month == 5 for offer in found.values())
    owned = own_cost(startup.plan.cluster.accelerator, Ownership())
    assert owned is not None
    bought = found["purchase"].contract
    assert float(bought.usd_per_device) == pytest.approx(owned.outlay_usd_per_device, abs=0.01)
    assert found["lease"].source.startswith("own assumption")
    # A lease of three of five years repays three fifths of the price, at 10% a year.
    lease = found["lease"].contract
    worth = (
        sum(float(lease.usd_per_device_month) / (1 + 0.1 / 12) ** month for month in range(1, 37))
        + 0.4 * float(bought.usd_per_device) / (1 + 0.1 / 12) ** 36
    )
    assert worth == pytest.approx(float(bought.usd_per_device), abs=1)


def test_a_purchase_at_market_terms_has_the_break_even_of_rent_or_buy(startup: Scenario) -> None:
    cluster = startup.plan.cluster
    bought = offers(startup.plan, devices=8, first_month=5)["purchase"].contract
    answer = rent_or_buy(
        cluster.accelerator, (cluster.price_usd_per_device_hour, cluster.price_source)
    )
    assert answer is not None
    assert break_even_utilisation(bought, cluster.price_usd_per_device_hour) == pytest.approx(
        answer.break_even_share, rel=1e-4
    )


def test_commitments_are_cheaper_than_the_plans_own_price(startup: Scenario) -> None:
    found = offers(startup.plan, devices=8, first_month=5)
    price = startup.plan.cluster.price_usd_per_device_hour
    for terms in ("commitment_1y", "commitment_3y", "spot"):
        offer = found[terms]
        assert offer.ratio is not None
        assert offer.contract.price_usd_per_device_hour == round(
            price * D(repr(offer.ratio.value)), 4
        )
        assert offer.contract.price_usd_per_device_hour < price


def test_there_is_no_offer_without_published_prices(laptop: Scenario) -> None:
    assert offers(laptop.plan, devices=2, first_month=1) == {}

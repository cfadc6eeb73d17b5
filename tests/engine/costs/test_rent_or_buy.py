"""Rent or buy: one answer, checked against a loan's payments and by simulation of a year."""

from decimal import Decimal

import pytest
import pyxirr

from engine.costs.ownership import Ownership, annuity_usd_per_year
from engine.costs.rent_or_buy import (
    PRICE_FACTORS,
    RESIDUAL_SHARES,
    break_even_share,
    reference_price,
    rent_or_buy,
    sensitivity,
)
from engine.facts import prices_of, typical_price
from engine.reports.rent_or_buy import rent_or_buy_sentence
from engine.text import catalog

H100 = "H100-80GB"
PLAN_PRICE = (Decimal("3.44"), "a cloud (2026-03)")


def test_the_annuity_repays_the_outlay_less_its_residual_value() -> None:
    """A loan with a balloon has the same yearly payment."""
    payment = pyxirr.pmt(0.1, 5, 30_000, -3_000)
    assert payment is not None
    assert annuity_usd_per_year(30_000, 3_000, 5, 0.1) == pytest.approx(-payment)
    assert annuity_usd_per_year(30_000, 3_000, 5, 0.0) == 5_400


def test_break_even_by_hand() -> None:
    # 5,259.60 a year of fixed costs; each hour in use saves 2.00 - 0.80: 4,383 h, half a year.
    assert break_even_share(5_259.60, 0.80, 2.00) == pytest.approx(0.5)
    assert break_even_share(5_259.60, 0.80, 1.00) is None  # 26,298 h would be needed
    assert break_even_share(5_259.60, 0.80, 0.80) is None


def test_both_cost_the_same_at_the_break_even_use() -> None:
    found = rent_or_buy(H100, PLAN_PRICE)
    assert found is not None
    assert found.break_even_share is not None
    rented, owned = found.yearly_usd(found.break_even_share)
    assert rented == pytest.approx(owned)
    rented, owned = found.yearly_usd(found.owned.utilisation_share)
    assert found.buying_is_cheaper == (owned < rented)
    hours = 8_766 * found.owned.utilisation_share
    assert owned / hours == pytest.approx(found.own_usd_per_hour)


def test_the_reference_is_the_plans_price_or_else_the_median_offer() -> None:
    plan = reference_price(H100, PLAN_PRICE)
    median = reference_price(H100)
    typical = typical_price(H100)
    assert plan is not None
    assert median is not None
    assert typical is not None
    assert (plan.usd_per_device_hour, plan.source, plan.basis) == (*PLAN_PRICE, "plan")
    assert (median.usd_per_device_hour, median.basis) == (typical.usd_per_device_hour, "median")
    published = [
        row.usd_per_device_hour
        for row in prices_of(H100)
        if row.terms == "on_demand" and row.confidence == "published"
    ]
    assert median.offers == plan.offers == len(published)
    assert (median.lowest_usd, median.highest_usd) == (min(published), max(published))
    assert reference_price("Ascend-910C") is None


def test_an_unknown_purchase_price_has_no_answer() -> None:
    assert rent_or_buy("TPU-v5e") is None


def test_sensitivity_falls_with_price_and_with_residual_value() -> None:
    found = rent_or_buy(H100, PLAN_PRICE)
    assert found is not None
    table = sensitivity(found)
    assert (len(table), len(table[0])) == (len(RESIDUAL_SHARES), len(PRICE_FACTORS))
    assert table[0][PRICE_FACTORS.index(1.0)] == found.break_even_share
    for row in table:
        shares = [1.01 if share is None else share for share in row]
        assert shares == sorted(shares, reverse=True)
    for column in zip(*table, strict=True):
        shares = [1.01 if share is None else share for share in column]
        assert shares == sorted(shares, reverse=True)
    kept = rent_or_buy(H100, PLAN_PRICE, Ownership(residual_share=0.4))
    assert kept is not None
    assert table[2][PRICE_FACTORS.index(1.0)] == kept.break_even_share


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_sentence_names_reference_and_break_even(language: str) -> None:
    found = rent_or_buy(H100, PLAN_PRICE)
    assert found is not None
    shown = rent_or_buy_sentence(catalog(language), found)
    for part in ("3.44", "a cloud (2026-03)", "47.8%", "26.5", "80%"):
        assert part in shown
    cheap = rent_or_buy(H100, (Decimal("0.60"), "x"))
    assert cheap is not None
    assert cheap.break_even_share is None
    assert "0.60" in rent_or_buy_sentence(catalog(language), cheap)

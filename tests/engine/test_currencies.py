"""Amounts of USD as text in other currencies."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal

import pytest

from engine import quantities
from engine.currencies import (
    currency_name,
    display_in,
    displayed,
    displayed_amount,
    exchange_rates,
    symbol,
    usd_per_unit,
)
from engine.paths import DATA_DIR


@pytest.fixture(autouse=True)
def _dollars_again() -> Iterator[None]:
    yield
    display_in("USD")


def test_amounts_are_in_usd_unless_a_currency_is_chosen() -> None:
    assert displayed().currency == "USD"
    assert displayed_amount(Decimal("12.34")) == 12.34


# 2026-10-30, ECB: 7.4326 CNY and 1.1172 USD per EUR, so 6.652882 CNY per USD.
@pytest.mark.parametrize(
    ("currency", "usd", "en", "zh"),
    [
        ("CNY", 1_000_000, "CN¥6.65M", "¥665万"),
        ("CNY", 100_000_000, "CN¥665M", "¥6.65亿"),
        ("CNY", 1, "CN¥6.65", "¥6.65"),
        ("CNY", -1_000_000, "-CN¥6.65M", "-¥665万"),
        ("EUR", 1_000_000, "€895K", "€89.5万"),
        ("JPY", 10, "¥1.57K", "JP¥1,573"),
        ("CHF", 1_000_000, "CHF\u00a0823K", "CHF\u00a082.3万"),
    ],
)
def test_money_in_the_display_currency(currency: str, usd: float, en: str, zh: str) -> None:
    display_in(currency)
    assert quantities.usd(usd, "en") == en
    assert quantities.usd(usd, "zh_Hans") == zh


def test_cents_are_of_the_display_currency() -> None:
    display_in("EUR")  # 100 USD / 1.1172
    assert quantities.usd_exact(Decimal(100), "en") == "€89.51"


def test_amounts_of_a_contract_keep_their_currency() -> None:
    display_in("CNY")
    assert quantities.money(4_200_000, "EUR", "en") == "€4.2M"
    assert quantities.money(4_200_000, "EUR", "zh_Hans") == "€420万"


def test_a_currency_without_a_rate_is_shown_in_usd() -> None:
    display_in("XYZ")
    assert quantities.usd(5, "en") == "$5.00"


def test_each_rate_is_the_quotient_that_its_source_states() -> None:
    with (DATA_DIR / "exchange_rates.csv").open(encoding="utf-8") as file:
        rows = {row["currency"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(exchange_rates())
    for currency in rows.keys() - {"USD"}:
        words = rows[currency]["source"].split(": ")[1].split()
        per_eur, usd_per_eur = float(words[0]), float(words[words.index("÷") + 1])
        assert float(rows[currency]["units_per_usd"]) == pytest.approx(
            per_eur / usd_per_eur, rel=1e-6
        )


def test_names_and_symbols_follow_the_language() -> None:
    assert (symbol("en", "USD"), symbol("zh_Hans", "USD")) == ("$", "US$")
    assert (symbol("en", "CNY"), symbol("zh_Hans", "CNY")) == ("CN¥", "¥")
    assert currency_name("CNY", "zh_Hans") == "人民币"


def test_the_value_of_one_unit_is_the_inverse_of_the_dated_rate() -> None:
    for currency, rate in exchange_rates().items():
        value = usd_per_unit(currency)
        assert value is not None
        assert float(value) * float(rate.units_per_usd) == pytest.approx(1, rel=1e-4)
    assert usd_per_unit("XYZ") is None

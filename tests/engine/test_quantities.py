"""Quantities as text in both languages."""

from decimal import Decimal

import pytest

from engine import quantities


@pytest.mark.parametrize(
    ("amount", "en", "zh"),
    [
        (0, "$0.00", "US$0.00"),
        (0.0071, "$0.0071", "US$0.0071"),
        (0.5, "$0.50", "US$0.50"),
        (3.44, "$3.44", "US$3.44"),
        (12.34, "$12.34", "US$12.34"),
        (99.99, "$99.99", "US$99.99"),
        (310.4, "$310", "US$310"),
        (6_309.88, "$6.31K", "US$6,310"),
        (-50, "-$50.00", "-US$50.00"),
        (63_736.9, "$63.7K", "US$6.37万"),
        (4_200_000, "$4.2M", "US$420万"),
        (120_000_000, "$120M", "US$1.2亿"),
        (-1_500_000, "-$1.5M", "-US$150万"),
    ],
)
def test_money(amount: float, en: str, zh: str) -> None:
    assert quantities.usd(amount, "en") == en
    assert quantities.usd(amount, "zh_Hans") == zh


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (999, "999", "999"),
        (9238.42, "9.24K", "9,238"),
        (1_235_814_400, "1.24B", "12.4亿"),
        (3e12, "3T", "3万亿"),
        (9.99e14, "999T", "999万亿"),
        (4.8e22, "4.80e22", "4.80e22"),
        (-1.226e16, "-1.23e16", "-1.23e16"),
    ],
)
def test_counts(value: float, en: str, zh: str) -> None:
    assert quantities.count(value, "en") == en
    assert quantities.count(value, "zh_Hans") == zh


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.171, "171 ms"), (1.34, "1.34 s"), (255, "4.25 min"), (9_000, "2.5 h"),
     (1_042_210, "12.1 days"), (1e8, "3.17 years")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert quantities.duration(seconds, "en") == shown


def test_units_and_shares() -> None:
    assert quantities.si(52.78e9, "B", "en") == "52.8 GB"
    assert quantities.si(206e9, "FLOP/s", "en") == "206 GFLOP/s"
    assert quantities.share(0.4461, "en") == "44.6%"
    assert quantities.number(1.3e23, "en") == "1.30e23"
    assert quantities.scientific(2.17e13) == "2.17e13"


@pytest.mark.parametrize(
    ("months", "shown"),
    [
        (38.6151, "38.6 months"),
        (11.96, "12 months"),
        (1.04, "1 month"),
        (0, "0 months"),
        (0.0123, "0.01 months"),
        (-8.496, "-8.5 months"),
    ],
)
def test_months_have_one_decimal(months: float, shown: str) -> None:
    assert quantities.months(months, "en") == shown


@pytest.mark.parametrize(
    ("low", "value", "high", "digits"),
    [
        (1.93, 2.05, 2.17, 3),  # a width of 0.24 reaches to the second decimal
        (0.381, 0.446, 0.502, 2),  # a width of 12 points reaches to whole points
        (15_000, 26_700, 40_000, 2),
        (2, 26, 300, 1),
        (38.61, 38.62, 38.63, 3),  # never more than three
        (5, 5, 5, 3),
        (0, 0, 0, 3),
    ],
)
def test_an_interval_sets_the_digits(low: float, value: float, high: float, digits: int) -> None:
    assert quantities.interval_digits(value, low, high) == digits


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("3T", 3 * 10**12), ("1.5b", 15 * 10**8), ("20_000", 20_000), ("2e9", 2 * 10**9),
     ("3,072,000", 3_072_000), ("3000亿", 3 * 10**11), ("3 万亿", 3 * 10**12),
     ("", None), ("many", None), ("-3", None), ("3X", None)],
)  # fmt: skip
def test_typed_counts(typed: str, meant: int | None) -> None:
    assert quantities.parse_count(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2,200,000", "2200000"),
        ("2 200 000", "2200000"),
        ("2.2M", "2200000.0"),
        ("2.2 mn", "2200000.0"),
        ("220万", "2200000"),
        ("２２０万", "2200000"),
        ("2，200，000", "2200000"),
        ("1.2亿", "120000000.0"),
        ("3千万", "30000000"),
        ("1.5e6", "1.5E+6"),
        ("2bn", "2000000000"),
        (".5", "0.5"),
        ("-12.5", "-12.5"),
        ("\N{MINUS SIGN}3", "-3"),
        ("$2.2M", "2200000.0"),
        ("2.2M USD", "2200000.0"),
    ],
)
def test_typed_numbers(typed: str, meant: str) -> None:
    assert quantities.parse_number(typed, ("USD", "$")) == Decimal(meant)


@pytest.mark.parametrize(
    "typed",
    ["", " ", "many", "1,5", "1,50", "22,0000", "1.2.3", "2M3", "5€", "e6", ".", "-", "--3",
     "1e999", "3X", "1/2", "NaN", "inf", "2,200 000", "12%"],
)  # fmt: skip
def test_text_that_is_no_number(typed: str) -> None:
    assert quantities.parse_number(typed, ("USD", "$")) is None


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2200000.00", "2,200,000"),
        ("1234.5", "1,234.5"),
        ("0.0125", "0.0125"),
        ("-0.5", "-0.5"),
        ("-12500.25", "-12,500.25"),
        ("0", "0"),
        ("1E+6", "1,000,000"),
        ("12345678901234567890.12", "12,345,678,901,234,567,890.12"),
    ],
)
def test_exact_numbers_keep_every_digit(value: str, shown: str, language: str) -> None:
    assert quantities.exact(Decimal(value), language) == shown
    assert quantities.parse_number(shown) == Decimal(value)


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (3_072_000, "3.072M", "307.2万"),
        (3 * 10**12, "3T", "3万亿"),
        (3 * 10**11, "300B", "3000亿"),
        (20_000, "20,000", "2万"),
        (1_234_567, "1,234,567", "1,234,567"),
        (999, "999", "999"),
    ],
)
def test_exact_counts(value: int, en: str, zh: str) -> None:
    assert quantities.exact_count(value, "en") == en
    assert quantities.exact_count(value, "zh_Hans") == zh
    assert quantities.parse_count(en) == quantities.parse_count(zh) == value

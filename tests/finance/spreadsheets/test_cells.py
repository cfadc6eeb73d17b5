"""Cells as people write them."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pytest

from engine.documents import InputError
from finance.spreadsheets import cells


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1200", "1200"),
        ("$1,200.50", "1200.50"),
        ("US$ 1.2M", "1200000"),
        ("12万", "120000"),
        ("¥60万", "600000"),
        ("1.5亿", "150000000"),
        ("90k", "90000"),
        ("€ 1 200", "1200"),
        ("1'200 usd", "1200"),
        (".5", "0.5"),
    ],
)
def test_amounts(cell: str, value: str) -> None:
    assert cells.amount("x", cell) == Decimal(value)


@pytest.mark.parametrize("cell", ["", "abc", "-5", "(300)", "1.2.3", "12x", "1e999", "=A1", "1e14"])
def test_other_texts_are_no_amount(cell: str) -> None:
    with pytest.raises(InputError):
        cells.amount("x", cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("5%", "0.05"), ("5 %", "0.05"), ("0.05", "0.05"), ("12", "0.12"), ("1", "1")],
)
def test_shares(cell: str, value: str) -> None:
    assert cells.share("x", cell) == Decimal(value)


def test_a_share_above_the_whole_is_refused() -> None:
    with pytest.raises(InputError):
        cells.share("x", "120%")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2027-03-09", "2027-03-09"),
        ("2027/3/9", "2027-03-09"),
        ("9.3.2027", "2027-03-09"),
        ("03/09/2027", "2027-03-09"),
        ("2027-03", "2027-03-01"),
        ("Mar 2027", "2027-03-01"),
        ("March 2027", "2027-03-01"),
        ("2027年3月", "2027-03-01"),
        ("2027年3月9日", "2027-03-09"),
    ],
)
def test_dates(cell: str, value: str) -> None:
    assert cells.date("x", cell) == datetime.date.fromisoformat(value)


@pytest.mark.parametrize("cell", ["soon", "2027-13", "32.1.2027", "2027年14月"])
def test_other_texts_are_no_date(cell: str) -> None:
    with pytest.raises(InputError):
        cells.date("x", cell)


@pytest.mark.parametrize(("cell", "month"), [("7", 7), ("2027-07", 7), ("2026-02-01", 1)])
def test_months_count_from_the_first(cell: str, month: int) -> None:
    assert cells.month("x", cell, datetime.date(2027, 1, 1)) == month

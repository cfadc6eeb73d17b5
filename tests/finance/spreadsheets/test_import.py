"""Columns are guessed in two languages, rows become entries, and bad rows are named."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.spreadsheets.applying import import_changes
from finance.spreadsheets.columns import (
    IMPORT_KINDS,
    REQUIRED,
    ImportKind,
    fields_of,
    guess_columns,
)
from finance.spreadsheets.reading import table_of_text
from finance.spreadsheets.rows import ReadRows, read_rows

FIRST = datetime.date(2027, 1, 1)

SHEETS: dict[str, tuple[ImportKind, str]] = {
    "people": (
        "people",
        "Job title,Department,Annual salary (USD),Headcount,Start date,Country\n"
        'Research engineer,R&D,"$180,000",2,2027-01,US\n'
        "Account executive,Sales,110k,1,2027-06-15,US\n"
        "Former intern,R&D,30000,1,not yet,US\n"
        "Office manager,G&A,,1,,US\n",
    ),
    "people_zh": (
        "people",
        "岗位,部门,年薪（元）,人数,入职月份\n算法工程师,研发,60万,3,2027年2月\n客户经理,销售,30万,1,5\n",
    ),
    "costs": (
        "costs",
        "Item;Category;Per month;Start\nOffice;General;5500;1\n"
        "Conference;Marketing;12,000;2027-09\n",
    ),
    "revenue": (
        "revenue",
        "Product,Annual price,Customers at launch,Monthly growth,Monthly churn,Launch month\n"
        "Law firms,30000,3,8%,1.5%,6\n",
    ),
    "cap_table": (
        "cap_table",
        "Stakeholder name\tRelationship\tSecurity type\tQuantity\tPrice per share"
        "\tAmount\tCap\tDate\n"
        "Ann\tFounder\tCommon\t4500000\t0.0001\t\t\t2025-02-01\n"
        "Bo\tFounder\tCommon\t4500000\t0.0001\t\t\t2025-02-01\n"
        "Option pool\t\tOptions\t1000000\t\t\t\t\n"
        "Angels\tAngel investors\tSAFE\t\t\t500000\t7000000\t2026-04-15\n",
    ),
}


def rows_of(name: str, **options: Decimal) -> ReadRows:
    kind, text = SHEETS[name]
    table = table_of_text(text, name)
    return read_rows(kind, table, guess_columns(kind, table.columns), FIRST, **options)


def test_every_kind_has_its_required_fields() -> None:
    for kind in IMPORT_KINDS:
        for group in REQUIRED[kind]:
            assert set(group) <= set(fields_of(kind))


def test_columns_are_guessed_in_english() -> None:
    kind, text = SHEETS["people"]
    assert guess_columns(kind, table_of_text(text, "x").columns) == {
        "title": "Job title",
        "function": "Department",
        "yearly_salary": "Annual salary (USD)",
        "people": "Headcount",
        "start": "Start date",
        "region": "Country",
    }


def test_columns_are_guessed_in_chinese() -> None:
    kind, text = SHEETS["people_zh"]
    assert guess_columns(kind, table_of_text(text, "x").columns) == {
        "title": "岗位",
        "function": "部门",
        "yearly_salary": "年薪（元）",
        "people": "人数",
        "start": "入职月份",
    }


def test_people_by_hand() -> None:
    rows = rows_of("people")
    first, second = rows.entries
    assert (first["cost_usd_per_month"], first["people"], first["function"]) == (
        "15000.00",
        2,
        "research",
    )
    assert (second["cost_usd_per_month"], second["start_month"], second["function"]) == (
        "9166.67",
        6,
        "sales",
    )
    assert [(bad.number, bad.error.field, bad.error.rule) for bad in rows.bad] == [
        (4, "Start date", "date"),
        (5, "Annual salary (USD) / monthly_cost", "missing"),
    ]


def test_amounts_in_another_currency_are_converted() -> None:
    first = rows_of("people_zh", usd_per_unit=Decimal("0.14")).entries[0]
    assert first["cost_usd_per_month"] == "7000.00"  # 600,000 × 0.14 ÷ 12
    assert first["start_month"] == 2


def test_a_file_without_the_needed_columns_is_refused() -> None:
    table = table_of_text("Job title,Start\nEngineer,1\n", "x")
    with pytest.raises(InputError) as raised:
        read_rows("people", table, guess_columns("people", table.columns), FIRST)
    assert raised.value.field == "yearly_salary"


@pytest.mark.parametrize(
    ("name", "field"),
    [("people", "people"), ("costs", "spending"), ("revenue", "revenue_lines")],
)
def test_entries_are_added_or_replace_the_present_ones(
    startup: Scenario, name: str, field: str
) -> None:
    rows = rows_of(name)
    before = getattr(startup.company, field)
    added = startup.with_values(import_changes(startup, rows, replace=False))
    replaced = startup.with_values(import_changes(startup, rows, replace=True))
    assert getattr(added.company, field)[: len(before)] == before
    assert len(getattr(added.company, field)) == len(before) + len(rows.entries)
    assert len(getattr(replaced.company, field)) == len(rows.entries)
    assert project_scenario(added).months


def test_costs_and_revenue_by_hand(startup: Scenario) -> None:
    office, conference = rows_of("costs").entries
    assert (office["amount_per_month"], office["category"]) == ("5500.00", "general")
    assert (conference["amount_per_month"], conference["category"], conference["first_month"]) == (
        "12000.00",
        "marketing",
        9,
    )
    (line,) = rows_of("revenue").entries
    assert float(line["renewal_share"]) == pytest.approx(0.985**12, abs=1e-4)
    assert line["adoption"]["growth_share_per_month"] == "0.08"


def test_a_cap_table_replaces_the_holders_and_keeps_planned_rounds(startup: Scenario) -> None:
    rows = rows_of("cap_table")
    assert rows.bad == ()
    changed = startup.with_values(import_changes(startup, rows, replace=True))
    capital = changed.company.capital
    assert capital is not None
    opening = capital.opening
    assert opening.shares_by_holder() == {"Ann": 4_500_000, "Bo": 4_500_000}
    assert opening.roles == {"Ann": "founder", "Bo": "founder", "Angels": "investor"}
    assert opening.pool / opening.fully_diluted == Fraction(1, 10)
    assert [(safe.holder, safe.amount, safe.cap) for safe in opening.safes] == [
        ("Angels", Decimal(500_000), Decimal(7_000_000))
    ]
    assert [event.kind for event in capital.events] == ["priced_round", "priced_round"]


def test_preferred_stock_has_its_price(startup: Scenario) -> None:
    text = "Holder,Class,Shares,Amount\nAnn,Common,800,0\nFund,Series A Preferred,200,400000\n"
    table = table_of_text(text, "x")
    rows = read_rows("cap_table", table, guess_columns("cap_table", table.columns), FIRST)
    changed = startup.with_values(import_changes(startup, rows, replace=True))
    assert changed.company.capital is not None
    series = changed.company.capital.opening.stock_class("Series A Preferred")
    assert series.issue_price == 2_000
    assert changed.company.capital.opening.ownership()["Fund"] == Fraction(1, 5)

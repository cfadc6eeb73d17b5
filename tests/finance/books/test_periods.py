"""Test that statements by month, quarter and year agree."""

import csv
import datetime
import io
from decimal import Decimal

import pytest

from engine.text import LANGUAGES, catalog
from finance.books.periods import Period, periods, statement_by_period
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.metrics.statement_files import statement_csv, statements_of
from tests.finance.companies import EVERYTHING, easy_rates

MAY = datetime.date(2027, 5, 1)


@pytest.fixture(scope="module")
def books() -> Books:
    company = EVERYTHING | {"first_month": "2027-05-01", "horizon_months": 26}
    return run_company(Company.parse(company), easy_rates(events=2))


def test_years_and_quarters_are_those_of_the_calendar() -> None:
    assert periods(MAY, 26, "year") == [
        Period("2027", 1, 8),
        Period("2028", 9, 20),
        Period("2029", 21, 26),
    ]
    quarters = periods(MAY, 12, "quarter")
    assert quarters[0] == Period("2027-Q2", 1, 2)
    assert quarters[-1] == Period("2028-Q2", 12, 12)
    assert [period.name for period in periods(MAY, 12, "month")][:2] == ["2027-05", "2027-06"]


@pytest.mark.parametrize("length", ["year", "quarter", "month"])
def test_flows_sum_and_balances_stay(books: Books, length: str) -> None:
    chosen = periods(MAY, 26, length)
    income = statement_by_period(books.statements.income, chosen, balances=False)
    assert sum(income["net_profit"]) * 100 == int(books.statements.income["net_profit"].sum())
    sheet = statement_by_period(books.statements.balance_sheet, chosen, balances=True)
    assert sheet["cash"][-1] * 100 == int(books.statements.balance_sheet["cash"][0, -1])
    for assets, owed, own in zip(
        sheet["total_assets"], sheet["total_liabilities"], sheet["total_equity"], strict=True
    ):
        assert assets == owed + own


def test_files_have_a_row_for_each_period_and_the_same_headers(books: Books) -> None:
    by_month, by_year = (
        list(csv.DictReader(io.StringIO(statement_csv(books, "income_statement", length))))
        for length in ("month", "year")
    )
    assert by_month[0].keys() == by_year[0].keys()
    assert [row["month"] for row in by_year] == ["8", "20", "26"]
    assert by_year[1]["date"] == "2028-12-01"
    for name in ("revenue_usd", "net_profit_usd"):
        of_2027 = sum(Decimal(row[name]) for row in by_month[:8])
        assert Decimal(by_year[0][name]) == of_2027


def test_every_line_of_every_statement_has_a_name_in_both_languages(books: Books) -> None:
    for language in LANGUAGES:
        text = catalog(language)
        for statement in statements_of(books).values():
            for line in statement:
                assert f"account.{str(line).removeprefix('change_in_')}" in text

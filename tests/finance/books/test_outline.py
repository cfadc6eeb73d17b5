"""Outlines of statements: every account once, and totals that are sums of the groups above."""

from __future__ import annotations

from decimal import Decimal

import pytest

from finance.books.outline import outline, outlined_lines
from finance.books.periods import periods, statement_by_period
from finance.company.monthly_run import Books
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.metrics.statement_files import BALANCE_SHEET, statements_of
from tests.finance.companies import EVERYTHING

NAMES = ("income_statement", "cash_flow", "operating_cash", "balance_sheet")
TOTALS = {
    "income_statement": {
        *("revenue", "gross_profit_paid_inference", "gross_profit_with_free_users"),
        *("gross_profit_with_training", "operating_profit", "profit_before_tax", "net_profit"),
    },
    "cash_flow": {"operating_cash", "investing_cash", "financing_cash", "change_in_cash"},
    "operating_cash": set(),
    "balance_sheet": {"total_assets", "total_liabilities", "total_equity"},
}


@pytest.fixture
def books(laptop: Scenario) -> Books:
    document = laptop.model_dump(mode="json") | {"company": EVERYTHING}
    return project_scenario(Scenario.parse(document)).books


def lines_of(books: Books, name: str) -> dict[str, list[Decimal]]:
    years = periods(books.company.first_month, books.ledger.n_months, "year")
    return statement_by_period(statements_of(books)[name], years, balances=name == BALANCE_SHEET)


@pytest.mark.parametrize("name", NAMES)
def test_every_account_is_in_one_group(books: Books, name: str) -> None:
    accounts = [line for line in lines_of(books, name) if line not in TOTALS[name]]
    assert sorted(outlined_lines(name)) == sorted(accounts)


@pytest.mark.parametrize(("name", "restarts"), [("income_statement", False), ("cash_flow", True)])
def test_a_total_is_the_sum_of_what_is_above_it(books: Books, name: str, restarts: bool) -> None:
    """Profit goes on from the total before; each kind of cash flow begins again at zero."""
    running = [Decimal(0)] * 5
    for row in outline(name, lines_of(books, name)):
        if row.level == "total":
            if row.name != "change_in_cash":
                assert list(row.amounts) == running, row.name
            if restarts:
                running = [Decimal(0)] * 5
        else:
            running = [before + more for before, more in zip(running, row.amounts, strict=True)]


def test_cash_flows_and_balances_add_up(books: Books) -> None:
    flow = {row.name: row.amounts for row in outline("cash_flow", lines_of(books, "cash_flow"))}
    activities = ("operating_cash", "investing_cash", "financing_cash")
    sums = [sum(column) for column in zip(*(flow[name] for name in activities), strict=True)]
    assert list(flow["change_in_cash"]) == sums
    direct = outline("operating_cash", lines_of(books, "operating_cash"))
    assert direct[-1].name == "operating_cash"
    assert direct[-1].amounts == flow["operating_cash"]
    sheet = {row.name: row.amounts for row in outline("balance_sheet", lines_of(books, NAMES[3]))}
    for assets, owed, equity in zip(
        *(sheet[f"total_{side}"] for side in ("assets", "liabilities", "equity")), strict=True
    ):
        assert assets == owed + equity


@pytest.mark.parametrize("name", NAMES)
def test_a_group_is_the_sum_of_its_accounts_and_has_some_amount(books: Books, name: str) -> None:
    groups = [row for row in outline(name, lines_of(books, name)) if row.level == "group"]
    assert groups
    for group in groups:
        assert any(group.amounts) or any(any(account.amounts) for account in group.accounts)
        if group.accounts:
            columns = zip(*(account.amounts for account in group.accounts), strict=True)
            assert list(group.amounts) == [sum(column) for column in columns]


def test_costs_are_negative(books: Books) -> None:
    rows = {row.name: row for row in outline("income_statement", lines_of(books, NAMES[0]))}
    assert all(amount < 0 for amount in rows["research"].amounts)
    assert rows["sales"].accounts[0].name == "sales_people"

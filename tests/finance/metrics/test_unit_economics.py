"""Check unit economics against the books and values computed by hand."""

import numpy as np
import pytest

from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.metrics.unit_economics import UNNAMED_LINE, revenue_by_line, token_economics
from tests.finance.companies import EVERYTHING, SMALL, easy_rates


@pytest.fixture(scope="module")
def books() -> Books:
    return run_company(Company.parse(EVERYTHING), easy_rates(events=2))


def test_the_lines_are_all_of_the_revenue(books: Books) -> None:
    found = revenue_by_line(books)
    sold = [line["name"] for line in EVERYTHING["revenue_lines"] if line["kind"] != "grants"]
    assert [line.name for line in found] == [UNNAMED_LINE, *sold]
    earned = sum(line.usd for line in found)
    assert earned == pytest.approx(books.statements.income["revenue"][0] / 100)


def test_a_company_of_one_line_by_hand() -> None:
    """100 customers pay 10 USD each for half a million tokens that cost 0.25 USD per million."""
    line = {
        "launch_month": 3, "customers_at_launch": 100, "growth_share_per_month": "0",
        "churn_share_per_month": "0", "price_usd_per_customer_month": "10.00",
        "tokens_per_customer_month": 500_000,
    }  # fmt: skip
    books = run_company(Company.parse(SMALL | {"revenue": line}), easy_rates())
    (single,) = revenue_by_line(books)
    assert single.usd.tolist() == [0.0, 0.0, *[1000.0] * 10]
    found = token_economics(books)
    assert np.isnan(found.price_usd[:2]).all()
    assert found.price_usd[2:] == pytest.approx([20.0] * 10)
    assert found.cost_usd[2:] == pytest.approx([0.25] * 10)


def test_nothing_is_sold() -> None:
    books = run_company(Company.parse(SMALL), easy_rates())
    assert revenue_by_line(books) == []
    assert np.isnan(token_economics(books).price_usd).all()

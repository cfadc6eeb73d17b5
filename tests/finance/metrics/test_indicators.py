"""Check ARR and the indicators against values computed by hand, their texts, and the files."""

import csv
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents import InputError
from engine.text import LANGUAGES, catalog
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.metrics.arr import arr_parts
from finance.metrics.indicators import Indicators
from finance.metrics.statement_files import write_statements
from tests.finance.companies import EVERYTHING, SMALL, easy_rates, usage

D = Decimal

API = {
    "kind": "api_tokens", "name": "API", "launch_month": 1,
    "adoption": {"kind": "growth", "customers_at_launch": "100", "growth_share_per_month": "0.1"},
    "retention": {"kind": "constant", "churn_share_per_month": "0.1"},
    "usage": usage(0, 1_000_000),
    "price_per_million_input_tokens": "0", "price_per_million_cached_tokens": "0",
    "price_per_million_output_tokens": "1",
    "prices": {"kind": "steps", "steps": [{"month": 3, "factor": "1.5"},
                                          {"month": 5, "factor": "0.75"}]},
}  # fmt: skip
"""Line with 100 customers, of whom 10 leave and 10 others join each month.

The price is 1 USD, then 1.50, then 0.75. A million output tokens cost 0.25 USD to serve."""


def run(**changes: object) -> Books:
    return run_company(Company.parse(SMALL | changes), easy_rates())


def test_what_moves_arr_by_hand() -> None:
    parts = arr_parts(run(revenue_lines=[API]).recurring, 12)
    in_usd = {name: (getattr(parts, name)[0, :5] / 100).tolist()
              for name in ("total", "new", "expansion", "contraction", "churned")}  # fmt: skip
    assert in_usd == {
        "total": [1200, 1200, 1800, 1800, 900],
        "new": [1200, 120, 180, 180, 90],
        "expansion": [0, 0, 90 * 0.5 * 12, 0, 0],
        "contraction": [0, 0, 0, 0, 90 * 0.75 * 12],
        "churned": [0, 120, 120, 180, 180],
    }


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.5), st.floats(0, 0.3), st.floats(-0.9, 1))
def test_parts_of_arr_sum_to_its_change(growth: float, churn: float, change: float) -> None:
    line = API | {
        "adoption": API["adoption"] | {"growth_share_per_month": f"{growth:.6f}"},
        "retention": {"kind": "constant", "churn_share_per_month": f"{churn:.6f}"},
        "prices": {"kind": "steady", "change_share_per_year": f"{change:.6f}"},
    }
    parts = arr_parts(run(revenue_lines=[line], horizon_months=24).recurring, 24)
    moved = parts.new + parts.expansion - parts.contraction - parts.churned
    assert (np.diff(parts.total, axis=1, prepend=0) == moved).all()
    assert (parts.retained_for_a_year_capped <= parts.retained_for_a_year).all()


@pytest.fixture(scope="module")
def books() -> Books:
    """Books of two years of ``API`` at a constant price, with some costs."""
    return run(
        horizon_months=24, revenue_lines=[API | {"prices": {"kind": "steady"}}],
        people=[
            {"title": "s", "people": 1, "cost_usd_per_month": "60.00", "function": "sales"},
            {"title": "h", "people": 1, "cost_usd_per_month": "5.00", "function": "support"},
        ],
        training={"first_month": 1, "runs": 6, "research_share": "0.5"},
        other_costs_usd_per_month="50.00",
    )  # fmt: skip


def test_indicators_of_a_year_by_hand(books: Books) -> None:
    found = Indicators(books).at(24)
    # Revenue is 100 and costs are 25 + 60 + 5 + 50 each month. The round brought 500, and the run
    # with its research cost 90.
    assert found["gross_burn_usd"] == 140
    assert found["net_burn_usd"] == 40
    cash = 1000 + 500 - 24 * 40 - 90
    assert found["runway_trailing_months"] == D(cash) / 40
    assert found["runway_planned_months"] is None  # not within the horizon
    assert found["burn_multiple"] is None  # no net new ARR
    assert found["arr_usd"] == 1200
    assert found["arr_new_usd"] == found["arr_churned_usd"] == 12 * 120
    assert found["net_revenue_retention"] == D("338.92") / 1200  # 0.9¹², to the cent
    assert found["net_revenue_retention"] == found["gross_revenue_retention"]
    assert found["gross_margin_paid_inference"] == D("0.7")
    assert found["gross_margin_with_training"] == D("0.7")  # trained in the year before
    assert found["acquisition_cost_usd"] == 6
    assert found["payback_months"] == D(6) / D("0.7")
    assert found["lifetime_value_usd"] == 7
    assert found["lifetime_value_to_cost"] == D(7) / 6
    assert found["magic_number"] == 0
    assert found["revenue_growth"] == 0
    assert found["rule_of_40"] == D("-0.4")
    assert found["revenue_per_gpu_hour_usd"] == 8
    assert found["cost_per_million_tokens_usd"] == D("0.25")
    assert found["training_share_of_raise"] == D(90) / 500


def test_indicators_of_the_first_year(books: Books) -> None:
    found = Indicators(books).at(3)
    assert found["burn_multiple"] == D(3 * 40 + 90) / 1200
    assert found["net_revenue_retention"] is None
    assert found["gross_margin_with_training"] == D(300 - 90 - 90) / 300
    assert (found["magic_number"], found["revenue_growth"], found["rule_of_40"]) == (None,) * 3
    assert Indicators(books).at(6)["magic_number"] == 0


def test_the_planned_runway_counts_from_its_month() -> None:
    books = run(other_costs_usd_per_month="200.00")
    # Cash is 1,000 plus 500 in month 2, which leaves 1,100 for five and a half months.
    assert Indicators(books).at(2)["runway_planned_months"] == D("5.5")
    assert Indicators(books).at(2)["runway_trailing_months"] == D("5.5")
    nothing_sold = Indicators(books).at(12)  # and the cash is gone
    assert nothing_sold["runway_trailing_months"] == 0
    assert nothing_sold["runway_planned_months"] == 0
    assert nothing_sold["gross_margin_paid_inference"] is None
    assert nothing_sold["lifetime_value_usd"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_indicator_is_defined(language: str, books: Books) -> None:
    text = catalog(language)
    keys = set(Indicators(books).at(24))
    for key in keys:
        assert text(f"indicator.{key}.label")
        assert text(f"indicator.{key}.definition")
    named = {key.split(".")[1] for key in text.keys() if key.startswith("indicator.")}  # noqa: SIM118
    assert keys <= named


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_statements_as_files(tmp_path: Path) -> None:
    company = Company.parse(EVERYTHING)
    rates = easy_rates(events=len(company.training_events))
    paths = write_statements(run_company(company, rates), tmp_path / "out")
    assert [path.name for path in paths] == [
        "income_statement.csv", "cash_flow.csv", "operating_cash.csv", "balance_sheet.csv",
        "indicators.csv",
    ]  # fmt: skip
    income, flow, direct, sheet, figures = (read(path) for path in paths)
    assert all(len(rows) == 60 for rows in (income, flow, direct, sheet, figures))
    assert (sheet[-1]["month"], sheet[-1]["date"]) == ("60", "2031-12-01")
    for month in range(60):
        both = D(sheet[month]["total_liabilities_usd"]) + D(sheet[month]["total_equity_usd"])
        assert D(sheet[month]["total_assets_usd"]) == both
        paid = sum(D(cell) for name, cell in direct[month].items() if name.endswith("_usd"))
        assert paid == D(flow[month]["operating_cash_usd"])
    cash = [D(row["cash_usd"]) for row in sheet]
    assert cash[-1] - cash[-2] == D(flow[-1]["change_in_cash_usd"])
    assert D(income[-1]["net_profit_usd"]) == D(flow[-1]["net_profit_usd"])
    assert figures[0]["net_revenue_retention"] == ""
    # The columns do not depend on the company.
    small = write_statements(run(), tmp_path / "small")
    for path, other in zip(paths, small, strict=True):
        assert path.read_text().splitlines()[0] == other.read_text().splitlines()[0]


def test_statements_need_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for folder in (file, tmp_path / "none" / "deeper"):
        with pytest.raises(InputError, match=r"^--statements: .* its folder must exist"):
            write_statements(run(), folder)

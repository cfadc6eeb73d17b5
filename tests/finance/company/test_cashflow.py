"""Check the monthly cash of a small company by hand, and invariants of any company."""

import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.forecast import Figure, Forecast, forecast
from finance.company.cashflow import (
    CASH_FLOW_LINES,
    OPERATING_LINES,
    CashMonth,
    cash_months_of_books,
)
from finance.company.company import Company
from finance.company.monthly_run import run_company
from finance.company.scenario import Scenario, sample_scenarios
from finance.compute.rates import compute_rates
from finance.costs.training import TrainingSchedule, scheduled_runs
from finance.metrics.cash_report import cash_csv
from finance.metrics.headline import burn_multiple_of, new_investors_share, runway_months
from finance.numbers.ratios import burn_multiple
from tests.finance.companies import EVERYTHING, cash_months, easy_rates

D = Decimal


def figure(value: float) -> Figure:
    return Figure(value=value, low=0.5 * value, high=2 * value)


@pytest.fixture
def company(laptop: Scenario) -> Scenario:
    """Scenario with costs of 100 USD a month, a run of 10 USD in month 2, sales from month 3."""
    return laptop.with_values(
        {
            "company.cash_usd": "365",
            "company.people": [
                {"title": "A", "people": 2, "cost_usd_per_month": "30.00", "start_month": 1},
                {"title": "B", "people": 1, "cost_usd_per_month": "20.00", "start_month": 3},
            ],
            "company.other_costs_usd_per_month": "40",
            "company.training": {
                "first_month": 2, "runs": 1, "repeat_every_months": 0, "research_share": "0.5",
            },
            "company.revenue": {
                "launch_month": 3, "customers_at_launch": 10, "growth_share_per_month": "0.2",
                "churn_share_per_month": "0.1", "price_usd_per_customer_month": "3",
                "tokens_per_customer_month": 1_000_000,
            },
            "company.equity_round": {
                "month": 4, "amount_usd": "1000", "pre_money_usd": "4000",
            },
        }
    )  # fmt: skip


@pytest.fixture
def predicted(company: Scenario) -> Forecast:
    return forecast(company.plan).model_copy(
        update={"cost_usd": figure(10.0), "serving_usd_per_million_tokens": figure(0.25)}
    )


def test_by_hand(company: Scenario, predicted: Forecast) -> None:
    first, second, third, fourth = cash_months(company, predicted)[:4]
    assert first.net_burn_usd == first.gross_burn_usd == D(100)
    assert first.cash_usd == D("265.00")
    assert second.training_usd == D("15.00")  # one run and half a run of experiments
    assert second.cash_usd == D("150.00")
    # Month 3: 10 customers pay 30 and cost 10 × 0.25 USD to serve; B has started.
    assert (third.revenue_usd, third.serving_usd, third.people_usd) == (30, D("2.50"), 80)
    assert third.cash_usd == D("150.00") + 30 - D("2.50") - 80 - 40
    # Month 4: 10 × (1 + 0.2 − 0.1) = 11 customers; the round closes.
    assert fourth.customers == 11
    assert fourth.arr_usd == 12 * 33
    assert fourth.equity_usd == 1000
    assert fourth.cash_usd == third.cash_usd + 33 - D("2.75") - 120 + 1000


def test_runway_by_hand(company: Scenario, predicted: Forecast) -> None:
    months = cash_months(company, predicted, with_round=False)
    # 57.50 USD remain after month 3 and month 4 burns 89.75.
    assert runway_months(months, company.company.cash_usd) == 3 + D("57.50") / D("89.75")
    assert runway_months(cash_months(company, predicted)[:6], D(365)) is None  # with the round
    assert runway_months(months[:3], D(365)) is None


def test_costs_at_their_bounds(company: Scenario, predicted: Forecast) -> None:
    cheap = cash_months(company, predicted, compute_cost="low")[1]
    dear = cash_months(company, predicted, compute_cost="high")[1]
    assert (cheap.training_usd, dear.training_usd) == (D("7.50"), D("30.00"))


@pytest.mark.parametrize(
    ("schedule", "paid"),
    [
        ((2, 1, 0), {2: 1}),
        ((1, 3, 1), dict.fromkeys(range(1, 7), 3)),
        ((2, 1, 2), {2: 1, 4: 1, 6: 1}),
    ],
)
def test_runs_fall_due(schedule: tuple[int, int, int], paid: dict[int, int]) -> None:
    first, runs, every = schedule
    plan = TrainingSchedule(
        first_month=first, runs=runs, repeat_every_months=every, research_share=D(0)
    )
    due = enumerate(scheduled_runs(plan, 6)[0].tolist(), 1)
    assert {month: runs for month, runs in due if runs} == paid


@given(
    cash=st.decimals(0, 10**9, places=2),
    people=st.integers(0, 50),
    runs=st.integers(0, 1000),
    growth=st.decimals(0, "0.5", places=3),
    churn=st.decimals(0, 1, places=3),
)
def test_money_in_is_money_out_to_the_cent(cash, people, runs, growth, churn) -> None:
    scenario = sample_scenarios()["laptop"].with_values(
        {
            "company.cash_usd": str(cash),
            "company.people": [{"title": "x", "people": people, "cost_usd_per_month": "999.99"}],
            "company.training.runs": runs,
            "company.revenue.growth_share_per_month": str(growth),
            "company.revenue.churn_share_per_month": str(churn),
        }
    )
    months = cash_months(scenario, forecast(scenario.plan))
    opening = cash
    for month in months:
        assert month.cash_usd == opening - month.net_burn_usd + month.raised_usd
        assert month.cash_usd == month.cash_usd.quantize(D("0.01"))
        assert month.customers >= 0
        opening = month.cash_usd


def test_dates_are_calendar_months(laptop: Scenario) -> None:
    late = laptop.with_value("company.first_month", "2027-11-30")
    dates = [month.date for month in cash_months(late, forecast(late.plan))[:3]]
    assert dates == [datetime.date(2027, 11, 1), datetime.date(2027, 12, 1),
                     datetime.date(2028, 1, 1)]  # fmt: skip


def test_burn_multiple_by_its_author() -> None:
    """Burning 3M for 1M of net new ARR gives a burn multiple of 3.0 (Sacks 2020)."""
    assert burn_multiple(D(3_000_000), D(1_000_000)) == 3
    assert burn_multiple(D(1), D(0)) is None
    assert burn_multiple(D(1), D(-5)) is None


def test_burn_multiple_over_a_year(company: Scenario, predicted: Forecast) -> None:
    months = cash_months(company, predicted)[2:15]
    burnt = sum(month.net_burn_usd for month in months[1:])
    won = 12 * (months[-1].revenue_usd - months[0].revenue_usd)
    assert burn_multiple_of(months) == burnt / won


def test_dilution(company: Scenario) -> None:
    assert new_investors_share(company.company.equity_round) == D(1000) / D(5000)


def test_csv_has_stable_headers_and_exact_cents(company: Scenario, predicted: Forecast) -> None:
    header, first, *_ = cash_csv(cash_months(company, predicted)).splitlines()
    assert header == (
        "month,date,customers,revenue_usd,training_usd,serving_usd,people_usd,other_usd,"
        "gross_burn_usd,net_burn_usd,equity_usd,cash_usd,"
        "hardware_usd,debt_service_usd,grants_usd,other_receipts_usd,convertibles_usd,debt_usd"
    )
    assert first == (
        "1,2027-01-01,0.00,0.00,0.00,0.00,60.00,40.00,100.00,100.00,0.00,265.00,"
        "0.00,0.00,0.00,0.00,0.00,0.00"
    )


def test_start_up_by_hand() -> None:
    """Check months of the sample start-up whose cash is easy to compute by hand."""
    scenario = sample_scenarios()["startup-1b"]
    months = cash_months(scenario, forecast(scenario.plan))
    # Month 1: 2 founders at 8,000 and 3 engineers at 10,500, with 21% on-costs. Other invoices are
    # due after 30 days. The bank pays 2% a year on 2,200,000 in the bank.
    first = months[0]
    assert first.people_usd == D("57475.00") == (2 * D(8000) + 3 * D(10500)) * D("1.21")
    assert first.gross_burn_usd == D("57475.00")
    assert first.other_receipts_usd == D("3666.67")
    assert first.net_burn_usd == D("53808.33")
    # Month 18: a loan of 1,500,000 with a fee of 1% and 12% interest a year; no shares are sold.
    assert (months[17].debt_usd, months[17].equity_usd) == (D(1_500_000), D(0))
    assert [month.debt_service_usd for month in months[16:19]] == [0, 15_000, 15_000]
    # The seed round of month 14 and Series A of month 33 are the only shares sold.
    assert {month.month: month.equity_usd for month in months if month.equity_usd}.keys() == {
        14,
        33,
    }
    # Month 60 brings a research credit, which does not reduce gross burn.
    last = months[59]
    assert last.grants_usd > 200_000
    assert last.gross_burn_usd > last.people_usd + last.serving_usd


def test_each_cash_flow_is_in_one_line() -> None:
    """Every purpose and every line of the cash flow statement belongs to exactly one line."""
    scenario = sample_scenarios()["startup-1b"]
    rates = compute_rates(scenario.plan, forecast(scenario.plan), scenario.company.training_events)
    statements = run_company(scenario.company, rates).statements
    purposes = [account for accounts in OPERATING_LINES.values() for account in accounts]
    assert sorted(purposes) == sorted(statements.operating_cash)
    others = [name for names in CASH_FLOW_LINES.values() for name in names]
    sections = list(statements.cash_flow)
    after = sections[sections.index("operating_cash") + 1 :]
    totals = {"investing_cash", "financing_cash", "change_in_cash"}
    assert sorted(others) == sorted(set(after) - totals)


def test_cash_of_everything_ties_to_the_cent() -> None:
    """The balance rolls forward in a company with every kind of contract and money."""
    company = Company.model_validate(EVERYTHING)
    books = run_company(company, easy_rates(events=2))
    months = cash_months_of_books(books)
    before, totals = company.cash_usd, dict.fromkeys(
        ("hardware_usd", "debt_service_usd", "grants_usd", "other_receipts_usd", "equity_usd",
         "convertibles_usd", "debt_usd"), D(0)
    )  # fmt: skip
    for month in months:
        costs = (
            month.training_usd + month.serving_usd + month.people_usd
            + month.hardware_usd + month.other_usd
        )  # fmt: skip
        assert month.gross_burn_usd == costs
        received = month.revenue_usd + month.grants_usd + month.other_receipts_usd
        raised = month.equity_usd + month.convertibles_usd + month.debt_usd
        assert month.cash_usd == before + received + raised - costs - month.debt_service_usd
        before = month.cash_usd
        for name in totals:
            totals[name] += getattr(month, name)
    assert all(totals.values())
    assert totals["equity_usd"] == 4_000_000
    assert totals["convertibles_usd"] == 800_000
    # Venture debt, and 80% of eight accelerators at 31,000.
    assert totals["debt_usd"] == 500_000 + D("0.8") * 8 * 31_000
    # Two bought and eight financed accelerators, a deposit, and 24 payments for four leased ones.
    assert totals["hardware_usd"] == 2 * 30_000 + 8 * 31_000 + 5_000 + 24 * 4 * 900


def test_a_month_is_immutable(company: Scenario, predicted: Forecast) -> None:
    month: CashMonth = cash_months(company, predicted)[0]
    with pytest.raises(AttributeError):
        month.cash_usd = D(1)  # type: ignore[misc]

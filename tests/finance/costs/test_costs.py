"""Check people, data, spending, training, taxes and inflows against values computed by hand."""

import numpy as np
import pytest

from engine.documents import InputError
from engine.forecast import forecast
from engine.units import HOURS_PER_MONTH
from finance.company.company import Company
from finance.company.monthly_run import run_company
from finance.company.scenario import Scenario
from finance.compute.rates import changed_plan, compute_rates
from finance.costs.training import TrainingEvent
from tests.finance.companies import SMALL, easy_rates
from tests.finance.revenue.test_lines import usd

SOLD = {
    "revenue": {
        "launch_month": 1, "customers_at_launch": 100, "growth_share_per_month": "0",
        "churn_share_per_month": "0", "price_usd_per_customer_month": "1",
        "tokens_per_customer_month": 0,
    },
}  # fmt: skip
"""Company document with revenue of 100 USD a month."""


def run(events: int = 0, **changes: object):
    return run_company(Company.parse(SMALL | changes), easy_rates(events=events))


def test_people_by_hand() -> None:
    role = {
        "title": "x", "people": 3, "cost_usd_per_month": "1000.00", "start_month": 2,
        "end_month": 15, "function": "research", "on_cost_share": "0.2",
        "raise_share_per_year": "0.1", "stock_usd_per_year": "1000.00",
    }  # fmt: skip
    books = run(people=[role], horizon_months=24)
    assert usd(books, "income", "research_people", 1, 2, 13, 14, 15, 16) == [
        0, 3600, 3600, 3960, 3960, 0,
    ]  # fmt: skip
    assert usd(books, "income", "stock_compensation", 2, 16) == [250, 0]
    assert usd(books, "balance_sheet", "stock_reserve", 24) == [14 * 250]
    assert usd(books, "balance_sheet", "cash", 2) == [1500 - 3600]  # stock is a non-cash cost


def test_data_is_priced_by_the_million_tokens() -> None:
    books = run(
        data=[
            {"name": "x", "kind": "labelling", "tokens": 3_000_000, "currency": "GBP",
             "price_per_million_tokens": "10.05", "month": 2, "months": 2},
        ],
        exchange_rates={"GBP": "1.3"}, payment_days=30,
    )  # fmt: skip
    # 39.195 USD, half to even at the cent.
    assert usd(books, "income", "data", 1, 2, 3, 4) == [0, 19.6, 19.6, 0]
    assert usd(books, "balance_sheet", "payables", 2, 3, 4) == [19.6, 19.6, 0]


def test_spending_follows_time_revenue_and_new_customers() -> None:
    books = run(
        spending=[
            {"name": "Ads", "category": "marketing", "first_month": 1, "last_month": 13,
             "amount_per_month": "10", "change_share_per_year": "1", "share_of_revenue": "0.05",
             "amount_per_new_customer": "2"},
            {"name": "Fees", "category": "delivery", "share_of_revenue": "0.03"},
        ],
        horizon_months=24, **SOLD,
    )  # fmt: skip
    assert usd(books, "income", "marketing", 1, 13, 14) == [10 + 5 + 200, 20 + 5, 0]
    assert usd(books, "income", "delivery", 14) == [3]


def test_a_run_and_its_research_in_their_months() -> None:
    event = {"name": "x", "month": 4, "runs": 2, "research_share": "1.5", "research_months": 3}
    books = run(1, training_events=[event])
    assert usd(books, "income", "training", 3, 4, 5) == [0, 20, 0]
    assert usd(books, "income", "research_compute", 1, 2, 3, 4, 5) == [0, 10, 10, 10, 0]
    early = event | {"month": 1}
    books = run(1, training_events=[early])  # no research before the company's first month
    assert usd(books, "income", "research_compute", 1, 2) == [30, 0]


def test_a_run_takes_as_many_months_as_the_engine_forecasts(startup: Scenario) -> None:
    plan = startup.plan.with_value("cluster.n_devices", 8)
    event = TrainingEvent(name="x", month=2, changes={"tokens": 6e12, "cluster.n_devices": 16})
    rates = compute_rates(plan, forecast(plan), [event], ("value", "high"))
    larger = forecast(changed_plan(plan, event))
    assert larger.training_flops == 2 * forecast(plan).training_flops
    (run_rates,) = rates.events
    assert run_rates.usd[:, 0].tolist() == [larger.cost_usd.value, larger.cost_usd.high]
    assert run_rates.months == -(-larger.wall_clock_hours.value // HOURS_PER_MONTH) == 3
    books = run_company(
        Company.parse(SMALL | {"training_events": [event.model_dump(mode="json")]}), rates
    )
    paid = books.statements.income["training"]
    assert (np.flatnonzero(paid[0]) + 1).tolist() == list(range(2, 2 + run_rates.months))
    assert paid[1].sum() == pytest.approx(100 * larger.cost_usd.high, abs=1)


def test_an_event_that_changes_no_field_of_the_plan_is_refused(startup: Scenario) -> None:
    event = {"name": "x", "month": 2, "changes": {"tokens": -1}}
    with pytest.raises(InputError, match=r"company\.training_events\.0\.changes\.tokens: -1"):
        startup.with_value("company.training_events", [event])
    event["changes"] = {"shapes.n_layers": 3}
    with pytest.raises(
        InputError, match=r"training_events\.0\.changes\.shapes\.n_layers: .* no such"
    ):
        startup.with_value("company.training_events", [event])
    event["changes"] = {"shape.layers": 3}
    with pytest.raises(
        InputError, match=r"training_events\.0\.changes\.shape\.layers: 3 .* no such"
    ):
        startup.with_value("company.training_events", [event])


def test_serving_costs_by_the_forecast_at_its_utilisation(startup: Scenario) -> None:
    predicted = forecast(startup.plan)
    rates = compute_rates(startup.plan, predicted, (), ("value", "low", "high"))
    figure = predicted.serving_usd_per_million_tokens
    assert rates.serving_usd.output[:, 0].tolist() == [figure.value, figure.low, figure.high]
    # Device-hours times the price of a device-hour equal the cost.
    price = float(startup.plan.cluster.price_usd_per_device_hour)
    for kind in ("new_input", "cached_input", "output"):
        money = getattr(rates.serving_usd, kind)
        assert getattr(rates.serving_hours, kind) * price == pytest.approx(money)


def test_tax_follows_losses_and_the_fiscal_year() -> None:
    """The company loses 900 in the fiscal year that ends in month 3, then earns 100 a month."""
    books = run(
        horizon_months=30, first_month="2027-04-01",
        spending=[{"name": "x", "amount_per_month": "400", "last_month": 3}],
        tax={"income_share": "0.25", "last_fiscal_month": 6, "paid_after_months": 2,
             "loss_use_share": "0.5"},
        **SOLD,
    )  # fmt: skip
    # Year 2 earns 1,200; losses offset half of it, and 600 are taxed: 50 a month at 25%.
    assert usd(books, "income", "income_tax", 3, 4, 15) == [0, 12.5, 12.5]
    assert usd(books, "balance_sheet", "tax_payable", 15, 16, 17) == [150, 162.5, 25 + 0 * 150]
    assert usd(books, "operating_cash", "income_tax", 16, 17) == [0, -150]
    # Year 3: the remaining losses of 300 are used up after 600 of profit.
    assert usd(books, "income", "income_tax", 21, 22) == [12.5, 25]


def test_research_is_credited_and_paid_out_after_the_fiscal_year() -> None:
    books = run(
        horizon_months=30,
        people=[{"title": "x", "people": 1, "cost_usd_per_month": "50.00", "function": "research"}],
        tax={"income_share": "0", "research_credit_share": "0.2",
             "research_credit_after_months": 5},
    )  # fmt: skip
    assert usd(books, "income", "tax_credits", 1, 12) == [10, 10]
    assert usd(books, "balance_sheet", "grants_receivable", 12, 16, 17) == [120, 160, 50]
    assert usd(books, "operating_cash", "tax_credits", 16, 17, 29) == [0, 120, 120]


def test_interest_on_cash_earns_interest_and_is_taxed() -> None:
    books = run(
        cash_usd="1200.00", interest_on_cash_share_per_year="0.12",
        equity_round={"month": 120, "amount_usd": "1.00", "pre_money_usd": "1.00"},
        tax={"income_share": "0.5"},
    )  # fmt: skip
    assert usd(books, "income", "interest_income", 1, 2, 3) == [12, 12.12, 12.24]
    assert usd(books, "income", "income_tax", 1, 2) == [6, 6.06]


def test_money_from_outside_by_its_kind() -> None:
    inflows = [
        {"name": "a", "month": 1, "amount_usd": "100.00", "kind": "safe", "committed": True},
        {"name": "b", "month": 1, "amount_usd": "50.00", "kind": "equity"},
        {"name": "c", "month": 1, "amount_usd": "25.00", "kind": "debt"},
    ]
    company = Company.parse(SMALL | {"inflows": inflows})
    books = run_company(company, easy_rates())
    assert usd(books, "balance_sheet", "convertibles", 1) == [100]
    assert usd(books, "balance_sheet", "paid_in", 1, 2) == [1050, 1550]
    assert usd(books, "balance_sheet", "debt", 1) == [25]
    alone = run_company(company, easy_rates(), with_planned_money=False)
    assert usd(alone, "balance_sheet", "cash", 12) == [1100]

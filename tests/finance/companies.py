"""Sample companies, and compute rates that are easy to calculate with by hand."""

from __future__ import annotations

import numpy as np

from engine.forecast import Forecast
from finance.company.cashflow import CashMonth, cash_months_of_books
from finance.company.monthly_run import run_company
from finance.company.scenario import Scenario
from finance.compute.rates import Bound, ComputeRates, RunRates, TokenRates, compute_rates


def cash_months(
    scenario: Scenario,
    predicted: Forecast,
    *,
    compute_cost: Bound = "value",
    with_round: bool = True,
) -> list[CashMonth]:
    """Return the months of a scenario's company.

    Parameters
    ----------
    predicted
        The forecast of ``scenario.plan``.
    compute_cost
        Bound of the forecast's costs to use, for training and serving alike.
    with_round
        Whether the equity round and other planned money count.
    """
    company = scenario.company
    rates = compute_rates(scenario.plan, predicted, company.training_events, (compute_cost,))
    return cash_months_of_books(run_company(company, rates, with_planned_money=with_round))


def column(value: float) -> np.ndarray:
    return np.array([[value]])


def easy_rates(
    *, run_usd: float = 10.0, run_hours: float = 5.0, months: int = 1, events: int = 0
) -> ComputeRates:
    """Return compute rates with round numbers.

    By default a run costs 10 USD and takes 5 device-hours. A million tokens cost 0.10 USD as new
    input, 0.01 as cached input and 0.25 as output. A device-hour costs 2 USD.
    """
    run = RunRates(column(run_usd), column(run_hours), months, True)
    return ComputeRates(
        run=run,
        events=(run,) * events,
        serving_usd=TokenRates(column(0.10), column(0.01), column(0.25)),
        serving_hours=TokenRates(column(0.05), column(0.005), column(0.125)),
    )


def usage(input_tokens: int, output_tokens: int, cached: str = "0.5") -> dict[str, object]:
    return {
        "input_tokens_per_month": input_tokens,
        "output_tokens_per_month": output_tokens,
        "cached_share": cached,
    }


SMALL = {
    "name": "Small",
    "first_month": "2027-01-01",
    "horizon_months": 12,
    "cash_usd": "1000.00",
    "other_costs_usd_per_month": "0.00",
    "equity_round": {"month": 2, "amount_usd": "500.00", "pre_money_usd": "1500.00"},
}
"""Company with only cash in the bank and a round."""

EVERYTHING = SMALL | {
    "name": "Everything",
    "horizon_months": 60,
    "cash_usd": "400000.00",
    "exchange_rates": {"EUR": "1.1"},
    "revenue": {
        "launch_month": 2, "customers_at_launch": 100, "growth_share_per_month": "0.05",
        "churn_share_per_month": "0.03", "price_usd_per_customer_month": "9.99",
        "tokens_per_customer_month": 1_000_000,
    },
    "revenue_lines": [
        {
            "kind": "api_tokens", "name": "API", "launch_month": 3, "payment_days": 45,
            "adoption": {
                "kind": "bass", "market": 2000, "innovation_per_year": "0.03",
                "imitation_per_year": "0.6",
            },
            "retention": {"kind": "sbg", "alpha": "0.7", "beta": "9"},
            "usage": usage(400_000_000, 90_000_000) | {"change_share_per_year": "0.3"},
            "price_per_million_input_tokens": "0.5",
            "price_per_million_cached_tokens": "0.1",
            "price_per_million_output_tokens": "2.0",
            "prices": {"kind": "steady", "change_share_per_year": "-0.4", "floor_share": "0.1"},
        },
        {
            "kind": "subscription", "name": "Chat", "launch_month": 4, "currency": "EUR",
            "adoption": {
                "kind": "logistic", "market": 300_000, "share_at_launch": "0.01",
                "growth_per_year": "1.2",
            },
            "free_usage": usage(200_000, 50_000),
            "free_churn_share_per_month": "0.08", "conversion_share_per_month": "0.01",
            "retention": {"kind": "sbg", "alpha": "1.1", "beta": "8"},
            "plans": [
                {
                    "name": "Plus", "share": "0.8", "price_per_month": "18", "yearly_share": "0.3",
                    "yearly_discount_share": "0.15", "usage": usage(3_000_000, 700_000),
                },
                {"name": "Team", "share": "0.2", "price_per_month": "60"},
            ],
        },
        {
            "kind": "enterprise", "name": "Enterprise", "launch_month": 6,
            "adoption": {
                "kind": "growth", "customers_at_launch": "2", "growth_share_per_month": "0.1",
                "market": 300,
            },
            "price_per_year": "60000", "renewal_share": "0.85", "uplift_share_at_renewal": "0.1",
            "months_invoiced": 3, "usage": usage(5_000_000_000, 900_000_000),
        },
        {
            "kind": "on_premise", "name": "On site", "launch_month": 8,
            "adoption": {
                "kind": "growth", "customers_at_launch": "1", "growth_share_per_month": "0.05",
            },
            "licence_price": "90000", "support_share_per_year": "0.2", "renewal_share": "0.9",
            "delivery_cost": "15000",
        },
        {
            "kind": "hosted_open_weights", "name": "Others' models", "launch_month": 5,
            "adoption": {
                "kind": "growth", "customers_at_launch": "50", "growth_share_per_month": "0.1",
                "market": 1000,
            },
            "retention": {"kind": "constant", "churn_share_per_month": "0.05"},
            "usage": usage(50_000_000, 9_000_000),
            "price_per_million_input_tokens": "0.3",
            "price_per_million_cached_tokens": "0.05",
            "price_per_million_output_tokens": "0.9",
            "prices": {"kind": "steps", "steps": [{"month": 20, "factor": "0.6"}]},
            "cost_per_million_tokens": "0.12",
        },
        {
            "kind": "services", "name": "Tuning", "launch_month": 6, "days_per_month": "12",
            "price_per_day": "1100", "change_share_per_year": "0.1",
            "delivery_cost_share": "0.4",
        },
        {
            "kind": "data_deals", "name": "Corpus", "delivery_cost_share": "0.1",
            "deals": [{"month": 10, "months": 24, "amount": "120000"}],
        },
        {
            "kind": "grants", "name": "State", "paid": "at_end",
            "deals": [{"month": 3, "months": 12, "amount": "80000.01"}],
        },
    ],
    "training": {
        "first_month": 3, "runs": 1000, "repeat_every_months": 6, "research_share": "0.5",
    },
    "training_events": [
        {"name": "First", "month": 5, "runs": 3000, "research_share": "1.5", "research_months": 3},
        {"name": "Second", "month": 20, "runs": 9000, "research_share": "0.7"},
    ],
    "compute": {
        "on_demand_change_share_per_year": "-0.15",
        "serving_speed_change_share_per_year": "0.3",
        "payment_days": 30,
        "contracts": [
            {
                "kind": "reserved", "name": "Term", "first_month": 4, "months": 12, "devices": 6,
                "price_usd_per_device_hour": "1.40", "prepaid_share": "0.25",
            },
            {
                "kind": "spot", "name": "Spot", "first_month": 1, "devices": 20,
                "price_usd_per_device_hour": "0.9",
            },
            {
                "kind": "lease", "name": "Lease", "first_month": 14, "months": 24, "devices": 4,
                "usd_per_device_month": "900.00", "deposit_usd": "5000.00",
                "running_usd_per_device_month": "100.00",
            },
            {
                "kind": "purchase", "name": "Own", "first_month": 16, "devices": 2,
                "usd_per_device": "30000.00", "lifetime_months": 36, "residual_share": "0.2",
                "running_usd_per_device_month": "150.00",
                "electricity_usd_per_device_hour": "0.09",
            },
            {
                "kind": "gpu_backed_debt", "name": "Borrowed", "first_month": 18, "devices": 8,
                "usd_per_device": "31000.00", "loan_share": "0.8",
                "interest_share_per_year": "0.12", "loan_months": 36,
                "covenants": {"maximum_loan_to_value": "0.9"},
            },
            {
                "kind": "on_demand", "name": "Cheaper", "first_month": 2, "devices": 10,
                "price_usd_per_device_hour": "1.75",
            },
            {
                "kind": "credits", "name": "Cloud", "first_month": 1, "amount_usd": "30000.00",
                "last_month": 18,
            },
            {
                "kind": "compute_for_equity", "name": "For shares", "first_month": 7,
                "amount_usd": "50000.00", "pre_money_usd": "5000000.00", "last_month": 24,
            },
        ],
    },
    "data": [
        {
            "name": "Books", "kind": "licence", "tokens": 2_000_000_000, "currency": "EUR",
            "price_per_million_tokens": "12.5", "month": 4, "months": 5,
        },
    ],
    "people": [
        {
            "title": "Founders", "people": 2, "cost_usd_per_month": "6000.00",
            "raise_share_per_year": "0.05",
        },
        {
            "title": "Researchers", "people": 3, "cost_usd_per_month": "9000.00",
            "start_month": 2, "function": "research", "region": "DE", "on_cost_share": "0.21",
            "stock_usd_per_year": "30000.00",
        },
        {
            "title": "Sales", "people": 2, "cost_usd_per_month": "8000.00", "start_month": 6,
            "end_month": 30, "function": "sales",
        },
        {"title": "Help", "people": 1, "cost_usd_per_month": "4000.00", "function": "support"},
    ],
    "other_costs_usd_per_month": "3500.00",
    "spending": [
        {
            "name": "Ads", "category": "marketing", "first_month": 3, "amount_per_month": "2000",
            "share_of_revenue": "0.03", "amount_per_new_customer": "5",
        },
        {"name": "Card fees", "category": "delivery", "share_of_revenue": "0.029"},
        {
            "name": "Rent", "currency": "EUR", "amount_per_month": "2500",
            "change_share_per_year": "0.03", "last_month": 48,
        },
    ],
    "payment_days": 20,
    "equity_round": {"month": 12, "amount_usd": "4000000.00", "pre_money_usd": "16000000.00"},
    "inflows": [
        {"name": "Seed", "month": 1, "amount_usd": "600000.00", "kind": "safe",
         "committed": True},
        {"name": "Bridge", "month": 9, "amount_usd": "200000.00", "kind": "note"},
    ],
    "loans": [
        {
            "name": "Venture debt", "month": 13, "amount_usd": "500000.00",
            "interest_share_per_year": "0.13", "months": 36, "interest_only_months": 6,
            "fee_share": "0.01", "covenants": {"minimum_cash_usd": "250000.00"},
        },
    ],
    "interest_on_cash_share_per_year": "0.03",
    "tax": {
        "income_share": "0.25", "losses_brought_forward_usd": "10000.00",
        "loss_use_share": "0.8", "research_credit_share": "0.1",
    },
}  # fmt: skip
"""Company with at least one of each kind of line, cost, contract and source of money."""

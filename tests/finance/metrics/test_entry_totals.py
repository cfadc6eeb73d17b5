"""Totals of entries over all months, against hand calculations and the income statement."""

from __future__ import annotations

from decimal import Decimal

from finance.books.ledger import Account
from finance.company.scenario import Scenario, sample_scenarios
from finance.metrics.entry_totals import EntryTotal, totals_by_entry
from finance.metrics.projection import project_scenario


def test_pay_of_a_role_is_that_of_a_hand_calculation(laptop: Scenario) -> None:
    role = {"title": "Engineer", "people": 2, "cost_usd_per_month": "8000", "start_month": 3,
            "on_cost_share": "0.25", "stock_usd_per_year": "12000"}  # fmt: skip
    scenario = laptop.with_values({"company.people": [role], "company.horizon_months": 12})
    totals = totals_by_entry(project_scenario(scenario).books.ledger)
    # 2 people × 8,000 × 1.25 × the 10 months from 3 to 12; stock is no payment
    assert totals["company.people.0"] == EntryTotal(Decimal(0), Decimal(200_000))


def test_a_monthly_amount_in_another_currency_is_in_usd(laptop: Scenario) -> None:
    spending = {"name": "Office", "currency": "EUR", "amount_per_month": "1000", "first_month": 2,
                "last_month": 4}  # fmt: skip
    scenario = laptop.with_values(
        {"company.exchange_rates": {"EUR": "1.1"}, "company.spending": [spending]}
    )
    totals = totals_by_entry(project_scenario(scenario).books.ledger)
    assert totals["company.spending.0"].spent_usd == 3_300


def test_all_entries_together_are_the_income_statement() -> None:
    for name, scenario in sample_scenarios().items():
        ledger = project_scenario(scenario).books.ledger
        flows = {account: int(cents[0].sum()) for account, cents in ledger.flows().items()}
        totals = totals_by_entry(ledger)
        earned = -sum(cents for account, cents in flows.items() if account.kind == "income")
        spent = sum(
            cents
            for account, cents in flows.items()
            if account.kind == "expense" and account is not Account.STOCK_COMPENSATION
        )
        assert 100 * sum(total.earned_usd for total in totals.values()) == earned, name
        assert 100 * sum(total.spent_usd for total in totals.values()) == spent, name

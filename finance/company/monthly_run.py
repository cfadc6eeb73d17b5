"""The monthly engine: a company, run through all its months, for one trial or many at once.

Everything is posted to one ledger (:mod:`finance.books.ledger`), in the order in which one thing
follows from another: sales; compute, which tokens and training need; data, people, spending; money
from outside; research credits; interest and tax.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.documents import Document
from finance.books.cents import Cents, Floats, amount_in_month, decimal_to_cents, to_cents, total
from finance.books.ledger import Account, Ledger
from finance.books.statements import REVENUE, Statements, statements
from finance.books.trials import Numbers, Trials
from finance.company.company import Company
from finance.compute.contracts import ComputeForEquity, Credits
from finance.compute.needs import INFERENCE_PURPOSES, compute_needs
from finance.compute.posting import post_contract, post_on_demand
from finance.compute.rates import ComputeRates
from finance.compute.supply import Supply, serve_needs
from finance.costs.people import post_people
from finance.costs.spending import post_data, post_spending
from finance.revenue.invoicing import Recurring, invoice
from finance.revenue.prices import REPORTING_CURRENCY
from finance.revenue.sales import Sales, sales_of, simple_sales
from finance.treasury.cash import post_inflow, post_interest_and_tax, post_research_credit
from finance.treasury.loans import post_company_loan
from finance.treasury.raising import CapTablePosting

COMPANY_PATH = "company"
"""Where the company stands in a scenario; paths of draws and of errors begin with it."""


@dataclass(frozen=True)
class Books:
    """A company in all its months."""

    company: Company
    ledger: Ledger
    sales: Mapping[str, Sales]
    """By where their lines stand in the scenario."""
    recurring: tuple[Recurring, ...]
    supply: Supply

    @cached_property
    def statements(self) -> Statements:
        return statements(self.ledger)

    @property
    def paying_customers(self) -> Floats:
        """Of all lines together, at the end of each month. Shape (trials, months)."""
        return _sum((one.customers.active for one in self.recurring), self.ledger.n_months)

    @property
    def new_customers(self) -> Floats:
        """Of all lines together, in each month. Shape (trials, months)."""
        return _sum((one.customers.new for one in self.recurring), self.ledger.n_months)

    @property
    def lost_customers(self) -> Floats:
        return _sum((one.customers.lost for one in self.recurring), self.ledger.n_months)

    @property
    def serving_hours(self) -> Floats:
        """Device-hours that serve those who pay and those who do not. Shape (trials, months)."""
        return _sum((self.supply.hours[one] for one in INFERENCE_PURPOSES), self.ledger.n_months)

    @property
    def served_million_tokens(self) -> Floats:
        """Of every kind and model, paid for or not. Shape (trials, months)."""
        counts = (
            tokens.total
            for one in self.sales.values()
            for tokens in (one.paid_tokens, one.free_tokens, one.hosted_tokens)
            if tokens is not None
        )
        return _sum(counts, self.ledger.n_months)

    @property
    def token_revenue(self) -> Cents:
        """Of the lines that the plan's model serves. Shape (trials, months)."""
        lines = {path for path, one in self.sales.items() if one.paid_tokens is not None}
        earned = (
            one.cents for one in self.ledger.entries if one.credit in REVENUE and one.line in lines
        )
        return total(earned, self.ledger.n_months)


def run_company(
    company: Company,
    rates: ComputeRates,
    trials: Trials | None = None,
    *,
    with_planned_money: bool = True,
) -> Books:
    """Run a company through its months.

    Parameters
    ----------
    rates
        Of the scenario's plan and the company's training events; one row for all trials, or one
        for each.
    trials
        How many, and the numbers that differ between them. By default one, as the documents say.
    with_planned_money
        Whether the equity round comes, what the cap table plans, and the inflows and loans that
        are not committed.

    Raises
    ------
    InputError
        If an amount grows beyond what a company can come to, or draws name no number of it.
    """
    run = _MonthlyRun(company, rates, trials or Trials(), Ledger(company.horizon_months))
    with np.errstate(over="ignore", invalid="ignore"):  # to_cents refuses what comes of it
        run.ledger.add_opening_balance(
            Account.CASH, Account.PAID_IN, decimal_to_cents(company.cash_usd)
        )
        sales, recurring = run.sell()
        books = Books(company, run.ledger, sales, recurring, run.compute(sales.values()))
        run.spend(books)
        run.finance(with_planned_money)
    run.trials.check_all_draws_were_used()
    return books


@dataclass(frozen=True, slots=True)
class _MonthlyRun:
    """What the steps of a run share."""

    company: Company
    rates: ComputeRates
    trials: Trials
    ledger: Ledger

    def numbers_of(
        self, document: Document, path: str, currency: str = REPORTING_CURRENCY
    ) -> Numbers:
        return self.trials.numbers_of(
            document, f"{COMPANY_PATH}.{path}", self.company.usd_per_unit(currency)
        )

    def sell(self) -> tuple[dict[str, Sales], tuple[Recurring, ...]]:
        company, n_months = self.company, self.ledger.n_months
        sales: dict[str, Sales] = {}
        recurring: list[Recurring] = []
        if company.revenue is not None:
            numbers = self.numbers_of(company.revenue, "revenue")
            sold = simple_sales(numbers, company.revenue, n_months)
            sales[numbers.path] = sold
            recurring += invoice(self.ledger, numbers, company.revenue, sold)
        for number, line in enumerate(company.revenue_lines):
            numbers = self.numbers_of(line, f"revenue_lines.{number}", line.currency)
            sold = sales_of(numbers, line, n_months)
            sales[numbers.path] = sold
            recurring += invoice(self.ledger, numbers, line, sold)
        return sales, tuple(recurring)

    def compute(self, sales: Iterable[Sales]) -> Supply:
        company, terms, n_months = self.company, self.company.compute, self.ledger.n_months
        training = company.training
        needs = compute_needs(
            self.numbers_of(terms, "compute"),
            self.rates,
            sales,
            schedule=None
            if training is None
            else (self.numbers_of(training, "training"), training),
            events=[
                (self.numbers_of(event, f"training_events.{number}"), event)
                for number, event in enumerate(company.training_events)
            ],
            n_months=n_months,
        )
        contracts = [
            (self.numbers_of(contract, f"compute.contracts.{number}"), contract)
            for number, contract in enumerate(terms.contracts)
        ]
        with_devices = [
            (numbers, one)
            for numbers, one in contracts
            if not isinstance(one, Credits | ComputeForEquity)
        ]
        with_money = [
            (numbers, one)
            for numbers, one in contracts
            if isinstance(one, Credits | ComputeForEquity)
        ]
        supplied = serve_needs(needs, [one for _, one in with_devices], n_months)
        for (numbers, _), served in zip(with_devices, supplied.served, strict=True):
            post_contract(self.ledger, numbers, served, terms.payment_days)
        post_on_demand(self.ledger, supplied.on_demand_usd, with_money, terms.payment_days)
        return supplied

    def spend(self, books: Books) -> None:
        company, ledger = self.company, self.ledger
        for number, role in enumerate(company.people):
            post_people(ledger, self.numbers_of(role, f"people.{number}"), role)
        for number, data in enumerate(company.data):
            numbers = self.numbers_of(data, f"data.{number}", data.currency)
            post_data(ledger, numbers, data, company.payment_days)
        numbers = self.trials.numbers_of(company, COMPANY_PATH)
        usd = numbers("other_costs_usd_per_month") + np.zeros((1, ledger.n_months))
        cents = to_cents(usd, f"{COMPANY_PATH}.other_costs_usd_per_month")
        ledger.spend(Account.OTHER_COSTS, cents, numbers.path, days=company.payment_days)
        if not company.spending:
            return
        flows = ledger.flows()
        revenue = -total((flows[one] for one in REVENUE), ledger.n_months)
        new_customers = books.new_customers
        for number, spending in enumerate(company.spending):
            post_spending(
                ledger,
                self.numbers_of(spending, f"spending.{number}", spending.currency),
                spending,
                company.payment_days,
                revenue=revenue,
                new_customers=new_customers,
            )

    def finance(self, with_planned_money: bool) -> None:
        company, ledger = self.company, self.ledger
        if company.capital is not None:
            CapTablePosting(
                ledger,
                self.trials,
                company.first_month,
                company.usd_per_unit(company.capital.opening.currency),
                f"{COMPANY_PATH}.capital.events",
                with_planned_money,
            ).post(company.capital_steps)
        if company.equity_round is not None and with_planned_money:
            numbers = self.numbers_of(company.equity_round, "equity_round")
            amount = to_cents(numbers("amount_usd"), numbers.path)
            coming = amount_in_month(amount, company.equity_round.month, ledger.n_months)
            ledger.post(Account.CASH, Account.PAID_IN, coming, numbers.path)
        for number, inflow in enumerate(company.inflows):
            if inflow.committed or with_planned_money:
                post_inflow(ledger, self.numbers_of(inflow, f"inflows.{number}"), inflow)
        for number, loan in enumerate(company.loans):
            if loan.committed or with_planned_money:
                post_company_loan(ledger, self.numbers_of(loan, f"loans.{number}"), loan)
        month = company.first_month.month
        if company.tax is not None:
            post_research_credit(ledger, self.numbers_of(company.tax, "tax"), company.tax, month)
        post_interest_and_tax(
            ledger, self.trials.numbers_of(company, COMPANY_PATH), company.tax, month
        )


def _sum(arrays: Iterable[Floats], n_months: int) -> Floats:
    summed = np.zeros((1, n_months))
    for one in arrays:
        summed = summed + one
    return summed

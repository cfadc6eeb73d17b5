"""Monthly run: compute all months of a company, for one trial or many trials at once.

All entries are posted to one ledger (:mod:`finance.books.ledger`), in the order of their
dependencies: sales; compute for tokens and training; data, people and spending; financing; research
credits; interest and tax.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
"""Path of the company in a scenario; paths of draws and of errors begin with it."""


@dataclass(frozen=True)
class Books:
    """Books of a company over all its months: the ledger, sales and compute."""

    company: Company
    ledger: Ledger
    sales: Mapping[str, Sales]
    """Sales by the path of their revenue line in the scenario."""
    recurring: tuple[Recurring, ...]
    supply: Supply

    @cached_property
    def statements(self) -> Statements:
        """Income statement, cash flow statement and balance sheet of the ledger."""
        return statements(self.ledger)

    @property
    def paying_customers(self) -> Floats:
        """Paying customers of all lines at the end of each month. Shape (trials, months)."""
        return _sum((line.customers.active for line in self.recurring), self.ledger.n_months)

    @property
    def new_customers(self) -> Floats:
        """New customers of all lines in each month. Shape (trials, months)."""
        return _sum((line.customers.new for line in self.recurring), self.ledger.n_months)

    @property
    def lost_customers(self) -> Floats:
        """Customers lost by all lines in each month. Shape (trials, months)."""
        return _sum((line.customers.lost for line in self.recurring), self.ledger.n_months)

    @property
    def serving_hours(self) -> Floats:
        """Device-hours that serve paying and free users. Shape (trials, months)."""
        hours = (self.supply.hours[purpose] for purpose in INFERENCE_PURPOSES)
        return _sum(hours, self.ledger.n_months)

    @property
    def served_million_tokens(self) -> Floats:
        """Tokens of all kinds and models, for paying and free users, in millions.

        The shape is (trials, months).
        """
        counts = (
            tokens.total
            for sales in self.sales.values()
            for tokens in (sales.paid_tokens, sales.free_tokens, sales.hosted_tokens)
            if tokens is not None
        )
        return _sum(counts, self.ledger.n_months)

    @property
    def token_revenue(self) -> Cents:
        """Revenue of the lines that the plan's model serves, in cents. Shape (trials, months)."""
        lines = {path for path, sales in self.sales.items() if sales.paid_tokens is not None}
        earned = (
            entry.cents
            for entry in self.ledger.entries
            if entry.credit in REVENUE and entry.line in lines
        )
        return total(earned, self.ledger.n_months)


def run_company(
    company: Company,
    rates: ComputeRates,
    trials: Trials | None = None,
    *,
    with_planned_money: bool = True,
    raised: Cents | None = None,
) -> Books:
    """Compute all months of a company and return its books.

    Parameters
    ----------
    rates
        Compute rates of the scenario's plan and of the company's training events. They have one
        row for all trials, or one row for each trial.
    trials
        Number of trials and the numbers that differ between them. The default is one trial with
        the numbers of the documents.
    with_planned_money
        Whether to include the equity round, planned events of the cap table, and inflows and loans
        that are not committed.
    raised
        Further equity paid in, in cents. It has a row for each trial, so that many raises are
        compared in one run. Shape (trials, months).

    Raises
    ------
    InputError
        If an amount exceeds the limits of the books, or if a draw names no number of the company.
    """
    run = _MonthlyRun(company, rates, trials or Trials(), Ledger(company.horizon_months))
    with np.errstate(over="ignore", invalid="ignore"):  # to_cents refuses the results
        books = run.operate()
        if raised is not None:
            run.ledger.post(Account.CASH, Account.PAID_IN, raised, f"{COMPANY_PATH}.raised")
        run.finance(with_planned_money)
    run.trials.check_all_draws_were_used()
    return books


def run_company_both_ways(
    company: Company, rates: ComputeRates, trials: Trials | None = None
) -> tuple[Books, Books]:
    """Compute a company's books with and without planned money; see :func:`run_company`.

    Sales and costs are the same in both, and are computed once.
    """
    run = _MonthlyRun(company, rates, trials or Trials(), Ledger(company.horizon_months))
    with np.errstate(over="ignore", invalid="ignore"):  # to_cents refuses the results
        with_money = run.operate()
        other = replace(run, ledger=run.ledger.copy())
        run.finance(with_planned_money=True)
        other.finance(with_planned_money=False)
    run.trials.check_all_draws_were_used()
    return with_money, replace(with_money, ledger=other.ledger)


@dataclass(frozen=True, slots=True)
class _MonthlyRun:
    """Inputs that the steps of a monthly run share, and the ledger that they post to."""

    company: Company
    rates: ComputeRates
    trials: Trials
    ledger: Ledger

    def operate(self) -> Books:
        """Post the opening balance, sales and costs, and return the books without financing."""
        self.ledger.add_opening_balance(
            Account.CASH, Account.PAID_IN, decimal_to_cents(self.company.cash_usd)
        )
        sales, recurring = self.sell()
        supply = self.compute(sales.values())
        books = Books(self.company, self.ledger, sales, recurring, supply)
        self.spend(books)
        return books

    def numbers_of(
        self, document: Document, path: str, currency: str = REPORTING_CURRENCY
    ) -> Numbers:
        """Return the numbers of a document that has the path ``path`` in the company."""
        return self.trials.numbers_of(
            document, f"{COMPANY_PATH}.{path}", self.company.usd_per_unit(currency)
        )

    def sell(self) -> tuple[dict[str, Sales], tuple[Recurring, ...]]:
        """Post the invoices of all revenue lines.

        Returns
        -------
        (sales, recurring)
            The sales by path of their line, and the recurring revenue with its customers.
        """
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
        """Post the costs of compute for the tokens sold and for training."""
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
        device_contracts = [
            (numbers, contract)
            for numbers, contract in contracts
            if not isinstance(contract, Credits | ComputeForEquity)
        ]
        money_contracts = [
            (numbers, contract)
            for numbers, contract in contracts
            if isinstance(contract, Credits | ComputeForEquity)
        ]
        supply = serve_needs(needs, [contract for _, contract in device_contracts], n_months)
        for (numbers, _), served in zip(device_contracts, supply.served, strict=True):
            post_contract(self.ledger, numbers, served, terms.payment_days)
        post_on_demand(self.ledger, supply.on_demand_usd, money_contracts, terms.payment_days)
        return supply

    def spend(self, books: Books) -> None:
        """Post people, data and other spending; some of it depends on sales."""
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
        revenue = -total((flows[account] for account in REVENUE), ledger.n_months)
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
        """Post rounds, inflows, loans, research credits, interest and tax."""
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
            raised = amount_in_month(amount, company.equity_round.month, ledger.n_months)
            ledger.post(Account.CASH, Account.PAID_IN, raised, numbers.path)
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
    for array in arrays:
        summed = summed + array
    return summed

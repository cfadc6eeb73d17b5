"""Income statement, cash flow and balance sheet: views on the entries of a ledger.

Each statement is a dict of lines in the order of reading, every line in whole cents of shape
(trials, months). Operating cash is there twice, from the profit and what of it is not cash
(indirect) and from the entries that touch cash (direct): both must come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from finance.books.cents import Cents, zero_cents
from finance.books.ledger import ASSETS, EQUITY, EXPENSES, INCOME, LIABILITIES, Account, Ledger

Statement = dict[str, Cents]

REVENUE = (Account.RECURRING_REVENUE, Account.OTHER_REVENUE)
COST_OF_PAID_REVENUE = (Account.PAID_INFERENCE, Account.DELIVERY, Account.SUPPORT_PEOPLE)
MODEL_COMPUTE = (
    Account.TRAINING,
    Account.RESEARCH_COMPUTE,
    Account.IDLE_COMPUTE,
    Account.EXPIRED_COMPUTE,
)
_OPERATING_COSTS = (
    Account.DATA,
    Account.RESEARCH_PEOPLE,
    Account.SALES_PEOPLE,
    Account.MARKETING,
    Account.GENERAL_PEOPLE,
    Account.OTHER_COSTS,
    Account.STOCK_COMPENSATION,
)
_OTHER_OPERATING_INCOME = (Account.GRANT_INCOME, Account.TAX_CREDITS, Account.CREDITS_USED)

_OPERATING = frozenset(
    account
    for account in Account
    if account.activity == "operating" and account is not Account.CASH
)
_OPERATING_BALANCES = tuple(one for one in (*ASSETS, *LIABILITIES) if one in _OPERATING)
_OPERATING_CASH = (*INCOME, *EXPENSES, Account.PREPAID_COMPUTE)

_NOT_CASH = {
    Account.ACCUMULATED_DEPRECIATION: "depreciation",
    Account.RIGHT_OF_USE: "depreciation_of_leases",
    Account.STOCK_RESERVE: "stock_compensation_not_paid",
    Account.PAID_IN: "compute_bought_with_shares",
    Account.LEASE_LIABILITY: "interest_added_to_leases",
    Account.DEBT: "interest_added_to_debt",
    Account.CONVERTIBLES: "interest_added_to_convertibles",
}
"""What the profit holds and cash does not, by the account that it stands against."""

_CASH_LINES = {
    (Account.EQUIPMENT, False): "equipment_bought",
    (Account.EQUIPMENT, True): "equipment_sold",
    (Account.DEPOSITS, False): "deposits_paid",
    (Account.DEPOSITS, True): "deposits_returned",
    (Account.PAID_IN, True): "shares_sold",
    (Account.CONVERTIBLES, True): "convertibles_sold",
    (Account.CONVERTIBLES, False): "convertibles_repaid",
    (Account.DEBT, True): "debt_drawn",
    (Account.DEBT, False): "debt_repaid",
    (Account.LEASE_LIABILITY, False): "leases_repaid",
}
"""Investing and financing cash by the account on its other side, and whether it came in."""
MONEY_RAISED = ("shares_sold", "convertibles_sold", "debt_drawn")


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of one ledger."""

    income: Statement
    cash_flow: Statement
    balance_sheet: Statement
    operating_cash: Statement
    """The direct view: what operations took in (or paid, below nothing), by what for."""


def statements(ledger: Ledger) -> Statements:
    """The three statements, each month of each trial."""
    flows = ledger.flows()
    income = _income(flows)
    operating, other = _cash(ledger)
    return Statements(
        income=income,
        cash_flow=_cash_flow(ledger, flows, income["net_profit"], other),
        balance_sheet=_balance_sheet(ledger, flows, income["net_profit"]),
        operating_cash=operating,
    )


def profit_before_tax(ledger: Ledger) -> Cents:
    """What income leaves over all expenses but income tax. Shape (trials, months)."""
    flows = ledger.flows()
    return -_sum(flows[one] for one in (*INCOME, *EXPENSES) if one is not Account.INCOME_TAX)


def _income(flows: dict[Account, Cents]) -> Statement:
    """Three gross profits, each with one more kind of cost taken off the one before."""
    lines: Statement = {}

    def result(name: str, before: Iterable[Cents], accounts: Sequence[Account]) -> Cents:
        for account in accounts:
            lines[account] = -flows[account] if account.kind == "income" else flows[account]
        lines[name] = _sum([*before, *(-flows[account] for account in accounts)])
        return lines[name]

    revenue = result("revenue", [], REVENUE)
    paid = result("gross_profit_paid_inference", [revenue], COST_OF_PAID_REVENUE)
    free = result("gross_profit_with_free_users", [paid], [Account.FREE_INFERENCE])
    model = result("gross_profit_with_training", [free], MODEL_COMPUTE)
    operating = result("operating_profit", [model], (*_OPERATING_COSTS, *_OTHER_OPERATING_INCOME))
    interest = (Account.INTEREST_INCOME, Account.INTEREST)
    before_tax = result("profit_before_tax", [operating], interest)
    result("net_profit", [before_tax], [Account.INCOME_TAX])
    return lines


def _balance_sheet(ledger: Ledger, flows: dict[Account, Cents], net_profit: Cents) -> Statement:
    def side(accounts: Sequence[Account], sign: int) -> Statement:
        return {
            account: sign * (np.cumsum(flows[account], axis=1) + ledger.opening.get(account, 0))
            for account in accounts
        }

    assets, liabilities, equity = side(ASSETS, 1), side(LIABILITIES, -1), side(EQUITY, -1)
    equity["retained_earnings"] = np.cumsum(net_profit, axis=1)
    return (
        assets
        | {"total_assets": _sum(assets.values())}
        | liabilities
        | {"total_liabilities": _sum(liabilities.values())}
        | equity
        | {"total_equity": _sum(equity.values())}
    )


def _cash(ledger: Ledger) -> tuple[Statement, Statement]:
    """Cash in less cash out: (of operations, by what for; of investing and financing)."""
    operating: Statement = {account: zero_cents(ledger.n_months) for account in _OPERATING_CASH}
    other: Statement = {name: zero_cents(ledger.n_months) for name in _CASH_LINES.values()}
    for entry in ledger.entries:
        received = entry.debit is Account.CASH
        if not received and entry.credit is not Account.CASH:
            continue
        account = entry.credit if received else entry.debit
        signed = entry.cents if received else -entry.cents
        if account in _OPERATING:
            operating[entry.purpose] = operating[entry.purpose] + signed
        else:
            name = _CASH_LINES[account, received]
            other[name] = other[name] + signed
    return operating, other


def _cash_flow(
    ledger: Ledger, flows: dict[Account, Cents], net_profit: Cents, other: Statement
) -> Statement:
    """Operating cash from the profit (indirect), then ``other`` by activity.

    All entries of operating accounts sum to the profit and to changes of balances; those against
    investing or financing accounts (depreciation, stock) are no cash and are put back.
    """
    not_cash = dict.fromkeys(_NOT_CASH, zero_cents(ledger.n_months))
    for entry in ledger.entries:
        if entry.credit in _NOT_CASH and entry.debit in _OPERATING:
            not_cash[entry.credit] = not_cash[entry.credit] + entry.cents
        elif entry.debit in _NOT_CASH and entry.credit in _OPERATING:
            not_cash[entry.debit] = not_cash[entry.debit] - entry.cents
    lines: Statement = {"net_profit": net_profit}
    lines |= {name: not_cash[account] for account, name in _NOT_CASH.items()}
    lines |= {f"change_in_{account}": -flows[account] for account in _OPERATING_BALANCES}
    lines["operating_cash"] = _sum(lines.values())
    for activity in ("investing", "financing"):
        found = {
            name: other[name]
            for (account, _), name in _CASH_LINES.items()
            if account.activity == activity
        }
        lines |= found | {f"{activity}_cash": _sum(found.values())}
    lines["change_in_cash"] = _sum(
        lines[f"{activity}_cash"] for activity in ("operating", "investing", "financing")
    )
    return lines


def _sum(lines: Iterable[Cents]) -> Cents:
    first, *rest = lines
    summed = first
    for line in rest:
        summed = summed + line
    return summed

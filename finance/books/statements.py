"""Income statement, cash flow statement and balance sheet, derived from the entries of a ledger.

Each statement is a dict of lines in display order; every line is in whole cents and has the shape
(trials, months). Operating cash is computed twice: from the net profit less its non-cash items (the
indirect method) and from the entries that debit or credit cash (the direct method). Both agree.
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
_OPERATING_BALANCES = tuple(account for account in (*ASSETS, *LIABILITIES) if account in _OPERATING)
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
"""Names of the profit's non-cash items, by the account on the other side of the entry."""

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
"""Names of investing and financing cash flows, by (account on the other side, cash received)."""
MONEY_RAISED = ("shares_sold", "convertibles_sold", "debt_drawn")


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements of one ledger."""

    income: Statement
    cash_flow: Statement
    balance_sheet: Statement
    operating_cash: Statement
    """Operating cash by the direct method, by purpose; payments are negative."""


def statements(ledger: Ledger) -> Statements:
    """Return the statements of a ledger, in each month of each trial."""
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
    """Return income less all expenses except income tax. Shape (trials, months)."""
    flows = ledger.flows()
    accounts = (account for account in (*INCOME, *EXPENSES) if account is not Account.INCOME_TAX)
    return -_sum(flows[account] for account in accounts)


def _income(flows: dict[Account, Cents]) -> Statement:
    """Return the income statement, with three gross profits that each deduct one more cost."""
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
    """Return cash received less cash paid: (operating, by purpose; investing and financing)."""
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
    """Return operating cash by the indirect method, then ``other`` by activity.

    All entries of operating accounts sum to the profit and to changes of balances. Entries against
    investing or financing accounts (depreciation, stock) involve no cash and are added back.
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
        cash_lines = {
            name: other[name]
            for (account, _), name in _CASH_LINES.items()
            if account.activity == activity
        }
        lines |= cash_lines | {f"{activity}_cash": _sum(cash_lines.values())}
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

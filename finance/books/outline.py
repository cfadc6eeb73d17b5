"""Statements as a reader expects them: totals, the groups of costs between them, and accounts.

The statements of :mod:`finance.books.statements` list accounts and totals. An outline puts each
account into one group, with costs as negative amounts, so that each total is the sum of the groups
above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from finance.books.ledger import LIABILITIES, Account
from finance.books.statements import COST_OF_PAID_REVENUE, MODEL_COMPUTE, REVENUE

Level = Literal["total", "group", "account"]


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A row of a statement."""

    name: str
    """Name of a line of the statement, or of a group."""
    level: Level
    amounts: tuple[Decimal, ...]
    """Amount of each period in USD; costs and payments are negative."""
    accounts: tuple[OutlineRow, ...] = ()
    """Accounts of a group of more than one."""


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    lines: tuple[str, ...]
    sign: int = 1
    """-1 if the statement lists costs as positive amounts."""


def _group(name: str, *lines: str, sign: int = 1) -> _Group:
    return _Group(name, lines, sign)


_OUTLINES: Mapping[str, tuple[_Group | str, ...]] = {
    "income_statement": (
        _Group("revenue_lines", REVENUE),
        "revenue",
        _Group("cost_of_revenue", COST_OF_PAID_REVENUE, -1),
        "gross_profit_paid_inference",
        _group("free_users", Account.FREE_INFERENCE, sign=-1),
        "gross_profit_with_free_users",
        _Group("model_compute", MODEL_COMPUTE, -1),
        "gross_profit_with_training",
        _group("research", Account.RESEARCH_PEOPLE, Account.DATA, sign=-1),
        _group("sales", Account.SALES_PEOPLE, Account.MARKETING, sign=-1),
        _group("general", Account.GENERAL_PEOPLE, Account.OTHER_COSTS, sign=-1),
        _group("stock", Account.STOCK_COMPENSATION, sign=-1),
        _group("other_income", Account.GRANT_INCOME, Account.TAX_CREDITS, Account.CREDITS_USED),
        "operating_profit",
        _group("interest_earned", Account.INTEREST_INCOME),
        _group("interest_paid", Account.INTEREST, sign=-1),
        "profit_before_tax",
        _group("tax", Account.INCOME_TAX, sign=-1),
        "net_profit",
    ),
    "cash_flow": (
        _group("profit", "net_profit"),
        _group(
            "not_in_cash", "depreciation", "depreciation_of_leases",
            "stock_compensation_not_paid", "compute_bought_with_shares",
            "interest_added_to_leases", "interest_added_to_debt",
            "interest_added_to_convertibles",
        ),
        _group(
            "working_capital", *(
                f"change_in_{account}"
                for account in (
                    Account.RECEIVABLES, Account.GRANTS_RECEIVABLE, Account.PREPAID_COMPUTE,
                    Account.COMPUTE_CREDITS, Account.PAYABLES, Account.DEFERRED_REVENUE,
                    Account.DEFERRED_GRANTS, Account.DEFERRED_CREDITS, Account.TAX_PAYABLE,
                )
            ),
        ),
        "operating_cash",
        _group("hardware", "equipment_bought", "equipment_sold"),
        _group("deposits", "deposits_paid", "deposits_returned"),
        "investing_cash",
        _group("raised", "shares_sold", "convertibles_sold", "debt_drawn"),
        _group("repaid", "convertibles_repaid", "debt_repaid", "leases_repaid"),
        "financing_cash",
        "change_in_cash",
    ),
    "operating_cash": (
        _group("customers", *REVENUE),
        _group("other_receipts", Account.GRANT_INCOME, Account.TAX_CREDITS, Account.CREDITS_USED),
        _group("interest_earned", Account.INTEREST_INCOME),
        _group(
            "compute", Account.PAID_INFERENCE, Account.FREE_INFERENCE, *MODEL_COMPUTE,
            Account.PREPAID_COMPUTE,
        ),
        _group(
            "people", Account.RESEARCH_PEOPLE, Account.SALES_PEOPLE, Account.GENERAL_PEOPLE,
            Account.SUPPORT_PEOPLE, Account.STOCK_COMPENSATION,
        ),
        _group(
            "other_payments", Account.DELIVERY, Account.DATA, Account.MARKETING,
            Account.OTHER_COSTS,
        ),
        _group("interest_paid", Account.INTEREST),
        _group("tax", Account.INCOME_TAX),
        "operating_cash",
    ),
    "balance_sheet": (
        _group("cash", Account.CASH),
        _group(
            "current_assets", Account.RECEIVABLES, Account.GRANTS_RECEIVABLE,
            Account.PREPAID_COMPUTE, Account.COMPUTE_CREDITS,
        ),
        _group(
            "fixed_assets", Account.EQUIPMENT, Account.ACCUMULATED_DEPRECIATION,
            Account.RIGHT_OF_USE, Account.DEPOSITS,
        ),
        "total_assets",
        _group(
            "owed", *(account for account in LIABILITIES if account.activity == "operating")
        ),
        _group(
            "borrowed", *(account for account in LIABILITIES if account.activity != "operating")
        ),
        "total_liabilities",
        _group("paid_in", Account.PAID_IN, Account.STOCK_RESERVE),
        _group("retained", "retained_earnings"),
        "total_equity",
    ),
}  # fmt: skip
"""The groups and the totals of each statement, in their order."""


def outline(statement: str, lines: Mapping[str, Sequence[Decimal]]) -> list[OutlineRow]:
    """Return the rows of a statement; groups and accounts without any amount are left out.

    Parameters
    ----------
    statement
        Name of the statement, such as income_statement.
    lines
        Amount of each period in USD, by line (:func:`finance.books.periods.statement_by_period`).
    """
    return list(_rows(statement, lines))


def _rows(statement: str, lines: Mapping[str, Sequence[Decimal]]) -> Iterator[OutlineRow]:
    for item in _OUTLINES[statement]:
        if isinstance(item, str):
            total = tuple(lines[item]) if item in lines else _summed(list(lines.values()))
            yield OutlineRow(item, "total", total)
            continue
        accounts = tuple(
            OutlineRow(line, "account", tuple(item.sign * amount for amount in lines[line]))
            for line in map(str, item.lines)
            if any(lines[line])
        )
        if accounts:
            group = _summed([account.amounts for account in accounts])
            # A group of a single account has nothing to open.
            inside = accounts if len(item.lines) > 1 else ()
            yield OutlineRow(item.name, "group", group, inside)


def _summed(rows: Sequence[Sequence[Decimal]]) -> tuple[Decimal, ...]:
    return tuple(sum(column, Decimal(0)) for column in zip(*rows, strict=True))


def outlined_lines(statement: str) -> list[str]:
    """Return the lines of a statement that its outline has, in order, without totals."""
    return [
        str(line)
        for item in _OUTLINES[statement]
        if not isinstance(item, str)
        for line in item.lines
    ]

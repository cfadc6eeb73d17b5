"""Totals of each entry of a company's document over all its months, from the books."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from finance.books.ledger import Account, Ledger
from finance.books.trials import one_trial


@dataclass(frozen=True, slots=True)
class EntryTotal:
    """Revenue and costs of one entry over all months, in USD."""

    earned_usd: Decimal = Decimal(0)
    """Revenue and other income."""
    spent_usd: Decimal = Decimal(0)
    """Costs that are paid in cash or in credits, without stock compensation."""


def totals_by_entry(ledger: Ledger, trial: int = 0) -> dict[str, EntryTotal]:
    """Return the totals of each entry that the ledger has postings of.

    The keys are the paths of the entries in the scenario, such as ``company.people.0``. On-demand
    compute is posted for all purposes together, under ``company.compute``.
    """
    earned: dict[str, int] = {}
    spent: dict[str, int] = {}
    for entry in ledger.entries:
        cents = int(one_trial(entry.cents, trial).sum())
        for account, sign in ((entry.debit, 1), (entry.credit, -1)):
            if account.kind == "income":
                earned[entry.line] = earned.get(entry.line, 0) - sign * cents
            elif account.kind == "expense" and account is not Account.STOCK_COMPENSATION:
                spent[entry.line] = spent.get(entry.line, 0) + sign * cents
    return {
        line: EntryTotal(Decimal(earned.get(line, 0)) / 100, Decimal(spent.get(line, 0)) / 100)
        for line in earned.keys() | spent.keys()
    }

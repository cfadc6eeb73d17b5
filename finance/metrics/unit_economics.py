"""What the parts of a business bring and cost, month by month: each line, a million tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from finance.books.cents import Cents, Floats, total
from finance.books.statements import REVENUE
from finance.books.trials import one_trial
from finance.company.monthly_run import Books
from finance.compute.needs import INFERENCE_PURPOSES

UNNAMED_LINE = ""
"""Of the one line of a small company."""


@dataclass(frozen=True, slots=True)
class LineRevenue:
    """What one line earns. Shape (months,)."""

    name: str
    usd: Floats


def revenue_by_line(books: Books, trial: int = 0) -> list[LineRevenue]:
    """Revenue of each line in the order of the company's document, those without any left out."""
    earned: dict[str, Cents] = {}
    for one in books.ledger.entries:
        if one.credit in REVENUE:
            earned[one.line] = earned.get(one.line, np.int64(0)) + one.cents
    names = _names(books)
    return [
        LineRevenue(names[path], one_trial(earned[path], trial) / 100.0)
        for path in names
        if path in earned
    ]


def _names(books: Books) -> Mapping[str, str]:
    """Names of lines by where they stand in the scenario."""
    lines = books.company.revenue_lines
    return {
        path: UNNAMED_LINE if path.endswith(".revenue") else lines[int(path.rsplit(".", 1)[1])].name
        for path in books.sales
    }


@dataclass(frozen=True, slots=True)
class TokenEconomics:
    """USD for a million tokens read and written, those of free users among them; not a number
    in months that serve none. Shape (months,)."""

    price_usd: Floats
    """What the lines that serve tokens earn with them."""
    cost_usd: Floats
    """What inference costs, at the utilisation that the plan states."""


def token_economics(books: Books, trial: int = 0) -> TokenEconomics:
    """Price and cost of a million served tokens in each month."""
    serving = {
        path
        for path, one in books.sales.items()
        if one.paid_tokens is not None or one.hosted_tokens is not None
    }
    n_months = books.ledger.n_months
    earned = total(
        (
            one.cents
            for one in books.ledger.entries
            if one.credit in REVENUE and one.line in serving
        ),
        n_months,
    )
    cost = total((books.statements.income[account] for account in INFERENCE_PURPOSES), n_months)
    tokens = one_trial(books.served_million_tokens, trial)
    served = np.where(tokens > 0, tokens, np.nan)
    return TokenEconomics(
        price_usd=one_trial(earned, trial) / 100.0 / served,
        cost_usd=one_trial(cost, trial) / 100.0 / served,
    )

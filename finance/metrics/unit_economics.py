"""Monthly unit economics: revenue by line, and price and cost per million tokens."""

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
"""Name of the single revenue line of a small company."""


@dataclass(frozen=True, slots=True)
class LineRevenue:
    """Revenue of one line."""

    name: str
    usd: Floats
    """Revenue in each month, in USD. Shape (months,)."""


def revenue_by_line(books: Books, trial: int = 0) -> list[LineRevenue]:
    """Return the revenue of each line in the document's order, without lines that earn none."""
    earned: dict[str, Cents] = {}
    for entry in books.ledger.entries:
        if entry.credit in REVENUE:
            earned[entry.line] = earned.get(entry.line, np.int64(0)) + entry.cents
    names = _names(books)
    return [
        LineRevenue(names[path], one_trial(earned[path], trial) / 100.0)
        for path in names
        if path in earned
    ]


def _names(books: Books) -> Mapping[str, str]:
    """Return the names of the lines by their path in the scenario."""
    lines = books.company.revenue_lines
    return {
        path: UNNAMED_LINE if path.endswith(".revenue") else lines[int(path.rsplit(".", 1)[1])].name
        for path in books.sales
    }


@dataclass(frozen=True, slots=True)
class TokenEconomics:
    """Price and cost per million served tokens in USD, including those of free users.

    The values are NaN in months without tokens. The shapes are (months,).
    """

    price_usd: Floats
    """Revenue per million tokens of the lines that serve tokens."""
    cost_usd: Floats
    """Cost of inference per million tokens, at the plan's utilisation."""


def token_economics(books: Books, trial: int = 0) -> TokenEconomics:
    """Return price and cost per million served tokens in each month."""
    serving = {
        path
        for path, sales in books.sales.items()
        if sales.paid_tokens is not None or sales.hosted_tokens is not None
    }
    n_months = books.ledger.n_months
    earned = total(
        (
            entry.cents
            for entry in books.ledger.entries
            if entry.credit in REVENUE and entry.line in serving
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

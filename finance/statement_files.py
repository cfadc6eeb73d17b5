"""A company's statements as CSV files, for spreadsheets and programs.

One row a month, one column a line; the headers are English and do not change. Amounts are in USD
with their cents; a figure that has no meaning in a month is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from engine.documents import InputError
from finance.cents import in_usd
from finance.indicators import Indicators
from finance.months import date_of
from finance.operating import Books
from finance.statements import Statement
from finance.trials import one_trial

INDICATORS = "indicators"
DIGITS = 6
"""Of an indicator that is no amount of money."""


def write_statements(books: Books, folder: Path, trial: int = 0) -> list[Path]:
    """Write income, cash flow (from the profit, and directly), balance sheet and indicators.

    Raises
    ------
    InputError
        If ``folder`` is no folder and cannot be made one.
    """
    if folder.is_file() or not folder.parent.is_dir():
        raise InputError("--statements", str(folder), "folder_missing")
    folder.mkdir(exist_ok=True)
    found = books.statements
    tables = {
        "income_statement": _money(found.income, trial),
        "cash_flow": _money(found.cash_flow, trial),
        "operating_cash": _money(found.operating_cash, trial),
        "balance_sheet": _money(found.balance_sheet, trial),
        INDICATORS: _figures(books, trial),
    }
    paths = [folder / f"{name}.csv" for name in tables]
    for path, columns in zip(paths, tables.values(), strict=True):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["month", "date", *columns])
            for number, cells in enumerate(zip(*columns.values(), strict=True), 1):
                date = date_of(books.company.first_month, number).isoformat()
                writer.writerow([number, date, *cells])
    return paths


def _money(statement: Statement, trial: int) -> dict[str, list[str]]:
    return {
        f"{name}_usd": [f"{in_usd(amount):f}" for amount in one_trial(cents, trial)]
        for name, cents in statement.items()
    }


def _figures(books: Books, trial: int) -> dict[str, list[str]]:
    indicators = Indicators(books, trial)
    rows: Sequence[Mapping[str, Decimal | None]] = [
        indicators.at(month) for month in range(1, books.ledger.n_months + 1)
    ]
    return {
        name: ["" if row[name] is None else f"{row[name]:.{DIGITS}f}" for row in rows]
        for name in rows[0]
    }

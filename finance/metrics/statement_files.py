"""A company's statements as CSV files, for spreadsheets and programs.

One row a month (or quarter, or year, which its last month stands for), one column a line; the
headers are English and do not change. Amounts are in USD with their cents; a figure that has no
meaning in a month is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from engine.documents import InputError
from finance.books.months import date_of_month
from finance.books.periods import Period, PeriodLength, periods, statement_by_period
from finance.books.statements import Statement
from finance.company.monthly_run import Books
from finance.metrics.indicators import Indicators

BALANCE_SHEET = "balance_sheet"
INDICATORS = "indicators"
INDICATOR_DIGITS = 6
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
    texts = {name: statement_csv(books, name, "month", trial) for name in statements_of(books)} | {
        INDICATORS: indicators_csv(books, trial)
    }
    paths = [folder / f"{name}.csv" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text, "utf-8", newline="")
    return paths


def statements_of(books: Books) -> dict[str, Statement]:
    """The statements by the names of their files."""
    found = books.statements
    return {
        "income_statement": found.income,
        "cash_flow": found.cash_flow,
        "operating_cash": found.operating_cash,
        BALANCE_SHEET: found.balance_sheet,
    }


def statement_csv(books: Books, name: str, length: PeriodLength, trial: int = 0) -> str:
    """One statement, a row for each month, quarter or year."""
    chosen = periods(books.company.first_month, books.ledger.n_months, length)
    lines = statement_by_period(
        statements_of(books)[name], chosen, balances=name == BALANCE_SHEET, trial=trial
    )
    columns = {f"{line}_usd": [f"{one:f}" for one in amounts] for line, amounts in lines.items()}
    return _period_csv(books, chosen, columns)


def indicators_csv(books: Books, trial: int = 0) -> str:
    """All indicators, a row for each month."""
    chosen = periods(books.company.first_month, books.ledger.n_months, "month")
    return _period_csv(books, chosen, _indicator_columns(books, trial))


def _period_csv(
    books: Books, chosen: Sequence[Period], columns: Mapping[str, Sequence[str]]
) -> str:
    """A row for each period, by its last month and the first day of that."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["month", "date", *columns])
    for period, *cells in zip(chosen, *columns.values(), strict=True):
        date = date_of_month(books.company.first_month, period.last_month).isoformat()
        writer.writerow([period.last_month, date, *cells])
    return file.getvalue()


def _indicator_columns(books: Books, trial: int) -> dict[str, list[str]]:
    indicators = Indicators(books, trial)
    rows: Sequence[Mapping[str, Decimal | None]] = [
        indicators.at(month) for month in range(1, books.ledger.n_months + 1)
    ]
    return {
        name: ["" if row[name] is None else f"{row[name]:.{INDICATOR_DIGITS}f}" for row in rows]
        for name in rows[0]
    }

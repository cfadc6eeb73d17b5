"""CSV files of a company's statements, for spreadsheets and programs.

There is a row for each month, quarter or year, identified by its last month, and a column for each
line. The headers are English and do not change. Amounts are in USD with cents; an indicator that is
undefined in a month is an empty cell.
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
"""Decimal places of indicators."""


def write_statements(books: Books, folder: Path, trial: int = 0) -> list[Path]:
    """Write the statements and the indicators, one CSV file each, and return the paths.

    The cash flow is written twice: by the indirect method, and operating cash by the direct method.

    Raises
    ------
    InputError
        If ``folder`` is a file, or if its parent folder does not exist.
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
    """Return the statements by the names of their files."""
    statements = books.statements
    return {
        "income_statement": statements.income,
        "cash_flow": statements.cash_flow,
        "operating_cash": statements.operating_cash,
        BALANCE_SHEET: statements.balance_sheet,
    }


def statement_csv(books: Books, name: str, length: PeriodLength, trial: int = 0) -> str:
    """Return a statement as CSV, with a row for each month, quarter or year."""
    chosen = periods(books.company.first_month, books.ledger.n_months, length)
    lines = statement_by_period(
        statements_of(books)[name], chosen, balances=name == BALANCE_SHEET, trial=trial
    )
    columns = {
        f"{line}_usd": [f"{amount:f}" for amount in amounts] for line, amounts in lines.items()
    }
    return _period_csv(books, chosen, columns)


def indicators_csv(books: Books, trial: int = 0) -> str:
    """Return all indicators as CSV, with a row for each month."""
    chosen = periods(books.company.first_month, books.ledger.n_months, "month")
    return _period_csv(books, chosen, _indicator_columns(books, trial))


def _period_csv(
    books: Books, chosen: Sequence[Period], columns: Mapping[str, Sequence[str]]
) -> str:
    """Return CSV with a row for each period: its last month, the first day of that, the columns."""
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

"""Income statement, cash flow and balance sheet by year, quarter or month.

Each shows totals and the groups between them; a group opens to its accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import streamlit as st

from engine.currencies import displayed
from finance.books.outline import OutlineRow, outline
from finance.books.periods import PeriodLength, periods, statement_by_period
from finance.company.monthly_run import Books
from finance.metrics.statement_files import BALANCE_SHEET, statement_csv, statements_of
from pages.parts.figures.ticks import currency_unit
from pages.parts.html_tables import TableRow, html_table
from pages.parts.session import scenario_session, text

_CHANGE = "change_in_"


def statement_tables(books: Books) -> None:
    """Draw the chosen statement."""
    say = text()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = _choice("statement", tuple(statements_of(books)))
        length: PeriodLength = _choice("period", ("year", "quarter", "month"))
        show_all = st.toggle(say("statement.opened"), key="statement.opened")
    chosen = periods(books.company.first_month, books.ledger.n_months, length)
    lines = statement_by_period(statements_of(books)[name], chosen, balances=name == BALANCE_SHEET)
    html_table(
        say(f"statement.{name}"),
        [currency_unit(), *(period.name for period in chosen)],
        [_table_row(row) for row in outline(name, lines)],
        is_open=show_all,
    )
    st.caption(say(f"statement.{name}_note"))
    csv_button(name, lambda: statement_csv(books, name, length))


def _table_row(row: OutlineRow) -> TableRow:
    say = text()
    return TableRow(
        head=say(f"statement_group.{row.name}") if row.level == "group" else _label(row.name),
        cells=_amounts(row.amounts),
        kind=row.level,
        inside=[_table_row(account) for account in row.accounts],
    )


def _amounts(amounts: Sequence[Decimal]) -> list[str]:
    """Return amounts in whole units of the display currency; a dash for nothing."""
    rate = displayed().units_per_usd
    whole = [(amount * rate).to_integral_value(ROUND_HALF_EVEN) for amount in amounts]
    return [f"{int(amount):,}" if amount else "–" for amount in whole]


def csv_button(name: str, content: Callable[[], str]) -> None:
    """Draw a button that downloads a table; its headers are English in every language.

    ``content`` is called when the user clicks.
    """
    st.download_button(
        text()("statement.download"),
        content,
        f"{scenario_session().stored.id}-{name.replace('_', '-')}.csv",
        "text/csv",
        key=f"download_{name}",
        icon=":material/download:",
        on_click="ignore",
    )


def _choice(name: str, options: tuple[Any, ...]) -> Any:
    say = text()
    labels = {option: say(f"{name}.{option}") for option in options}
    return st.segmented_control(
        say(f"{name}.label"),
        options,
        default=options[0],
        format_func=labels.__getitem__,
        key=f"{name}.{say.language}",
        required=True,
        label_visibility="collapsed",
    )


def _label(line: str) -> str:
    say = text()
    if f"account.{line}" not in say and line.startswith(_CHANGE):
        return say("account.change_in", account=say(f"account.{line.removeprefix(_CHANGE)}"))
    return say(f"account.{line}")


def whole_usd(amount: Decimal) -> int:
    """Return whole dollars; the file also has cents."""
    return int(amount.to_integral_value())

"""Income statement, cash flow and balance sheet by year, quarter or month.

Each shows its totals; a switch adds every account.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from finance.books.periods import PeriodLength, periods, statement_by_period
from finance.company.monthly_run import Books
from finance.metrics.statement_files import BALANCE_SHEET, statement_csv, statements_of
from pages.parts.session import scenario_session, text

_TOTALS = frozenset(
    {
        *("revenue", "gross_profit_paid_inference", "gross_profit_with_free_users"),
        *("gross_profit_with_training", "operating_profit", "profit_before_tax", "net_profit"),
        *("operating_cash", "investing_cash", "financing_cash", "change_in_cash"),
        *("total_assets", "total_liabilities", "total_equity", "cash"),
    }
)
"""Totals, which are shown without the accounts too."""
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
    shown = {
        line: amounts
        for line, amounts in lines.items()
        if line in _TOTALS or ((show_all or not _has_totals(lines)) and any(amounts))
    }
    first = say("statement.line")
    frame = pd.DataFrame(
        [[_label(line), *map(whole_usd, amounts)] for line, amounts in shown.items()],
        columns=[first, *(period.name for period in chosen)],
    )
    totals = [line in _TOTALS for line in shown]
    config: dict[str, Any] = {
        period.name: st.column_config.NumberColumn(format="localized") for period in chosen
    } | {first: st.column_config.TextColumn(pinned=True, width=260)}
    st.dataframe(
        frame.style.apply(
            lambda _: ["font-weight: 600" if is_total else "" for is_total in totals]
        ),
        hide_index=True,
        column_config=config,
        height="content",
        alt=say(f"statement.{name}"),
    )
    st.caption(say(f"statement.{name}_note"))
    csv_button(name, lambda: statement_csv(books, name, length))


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


def _has_totals(lines: dict[str, list[Decimal]]) -> bool:
    return not _TOTALS.isdisjoint(lines)


def _label(line: str) -> str:
    say = text()
    if f"account.{line}" not in say and line.startswith(_CHANGE):
        return say("account.change_in", account=say(f"account.{line.removeprefix(_CHANGE)}"))
    return say(f"account.{line}")


def whole_usd(amount: Decimal) -> int:
    """Return whole dollars; the file also has cents."""
    return int(amount.to_integral_value())

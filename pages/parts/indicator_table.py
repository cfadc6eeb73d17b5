"""Indicators at the end of each year by subject, with their trend, definition and source."""

from __future__ import annotations

from collections.abc import Sequence

from finance.metrics.indicator_report import (
    INDICATOR_GROUPS,
    indicator_row_name,
    indicator_text,
    year_ends,
)
from finance.metrics.indicators import Values
from pages.parts.html_tables import TableRow, html_table
from pages.parts.session import text


def indicator_table(rows: Sequence[Values], keys: Sequence[str] = ()) -> None:
    """Draw a row for each of ``keys``, by default all indicators in their groups.

    The definition opens below an indicator's name; the line beside it has all months.
    """
    say, months = text(), year_ends(len(rows))
    shown: list[TableRow] = []
    for group, members in INDICATOR_GROUPS.items():
        chosen = [key for key in members if not keys or key in keys]
        if chosen and not keys:
            shown.append(TableRow(head=say(f"indicator_group.{group}"), kind="section"))
        shown += [
            TableRow(
                head=indicator_row_name(say, key),
                note=say(f"indicator.{key}.definition"),
                trend=[None if row[key] is None else float(row[key] or 0) for row in rows],
                cells=[indicator_text(say, key, rows[month - 1][key]) for month in months],
            )
            for key in chosen
        ]
    html_table(
        say("business.indicator"),
        [say("business.indicator"), *(say("business.to_month", n=month) for month in months)],
        shown,
    )

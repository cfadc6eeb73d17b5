"""Charts of a comparison: the same line of all scenarios in one chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from engine import quantities
from finance.company.cashflow import CashMonth
from pages.parts.charts import in_display_currency
from pages.parts.compare.selection import Compared
from pages.parts.compare.tables import column_names
from pages.parts.figures.figure import Figure
from pages.parts.figures.ticks import currency_unit
from pages.parts.palette import COMPUTE, DATA, MONEY, OTHER, PEOPLE
from pages.parts.session import text
from pages.parts.user_text import curve_label

_COLORS = (COMPUTE, DATA, MONEY, PEOPLE)
_DASHES = ("solid", "dash", "dot", "dashdot")
LINES: dict[str, Callable[[CashMonth], Decimal]] = {
    "cash": lambda month: month.cash_usd,
    "arr": lambda month: month.arr_usd,
    "burn": lambda month: month.net_burn_usd,
}
"""Amounts of a month that are overlaid, by their key below ``compare`` in the catalogs."""


def overlay(chosen: Sequence[Compared], name: str) -> Figure:
    """Return a chart of one amount of each month, with a line for each scenario."""
    say, amount = text(), LINES[name]
    names = column_names(chosen)
    last = [
        f"{shown} {quantities.usd(amount(compared.projection.months[-1]), say.language)}"
        for shown, compared in zip(names, chosen, strict=True)
    ]
    figure = Figure(
        say("compare.alt", line=say(f"compare.{name}"), last=say("summary.comma").join(last))
    )
    for shown, compared, color, dash in zip(names, chosen, _COLORS, _DASHES, strict=False):
        months = compared.projection.months
        figure.add_scatter(
            x=[month.date.isoformat() for month in months],
            y=in_display_currency(amount(month) for month in months),
            name=curve_label(shown),
            mode="lines",
            line={"color": color, "width": 2.5, "dash": dash},
            hovertemplate="%{y:$,.0f}",
        )
    figure.add_hline(0, line={"color": OTHER, "width": 1})
    figure.scale("y", "money")
    figure.update_yaxes(title=say("axis.money", currency=currency_unit()))
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m", hoverformat="%Y-%m")
    return figure

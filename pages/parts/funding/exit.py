"""A sale of the company: its value and day, and what each holder gets and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd
import streamlit as st

from engine import quantities
from finance.capital.history import table_on
from finance.exits.curves import BreakPoint
from finance.funding.captable_report import exit_csv
from finance.funding.exit_table import (
    Exit,
    HolderPayout,
    default_exit_date,
    default_exit_value,
    exit_of,
    loans_on,
)
from finance.funding.rounds import Funding
from finance.funding.wording import (
    break_text,
    choices_text,
    holder_text,
    money_text,
    multiple_text,
    rate_text,
    terms_text,
)
from finance.metrics.projection import Projection
from pages.parts.charts import draw
from pages.parts.funding.charts import exit_chart
from pages.parts.funding.entered import effective_date, effective_field
from pages.parts.session import scenario_session, text
from pages.parts.user_text import escaped_markdown

SHOWN_BEYOND = 2
"""End of the chart as a multiple of the chosen value."""


@dataclass(frozen=True, slots=True)
class ChosenExit:
    """The sale that the page shows."""

    exit: Exit
    value: Fraction
    payouts: Sequence[HolderPayout]

    def founders_payout(self, plan: Funding) -> Fraction:
        """Return the payout of all founders, in the cap table's currency."""
        payouts = (payout.usd for payout in self.payouts if payout.holder in plan.founders)
        return sum(payouts, Fraction(0))


def chosen_exit(plan: Funding, now: Projection) -> ChosenExit | None:
    """Return the sale that the scenario states; None if there is nothing to sell."""
    if not plan.last.holdings:
        return None
    sale = now.scenario.company.sale
    value = default_exit_value(plan.steps) if sale.value is None else Fraction(sale.value)
    day = max(sale.date or default_exit_date(plan.capital), plan.capital.opening.date)
    loans = loans_on(now.books, day, text()("funding.lenders"), plan.currency)
    sold = exit_of(plan.capital, plan.steps, day, loans)
    return ChosenExit(sold, value, sold.at(value))


def _form(plan: Funding, chosen: ChosenExit) -> None:
    """Draw the fields of value and day, and what the sale assumes."""
    say = text()
    effective_field("company.sale.value", default_exit_value(plan.steps), plan.currency)
    effective_date("company.sale.date", default_exit_date(plan.capital), plan.capital.opening.date)
    founders = money_text(chosen.founders_payout(plan), plan.currency, say.language)
    st.metric(say("funding.tile.exit"), founders, help=say("funding.tile.exit_help"))
    pool = table_on(plan.capital, plan.steps, chosen.exit.sold.date).pool
    if pool:
        shares = quantities.count(float(pool), say.language)
        st.caption(say("funding.exit.pool_lapses", shares=shares))
    st.caption(say("funding.exit.no_later_round"))


def draw_exit(plan: Funding, now: Projection) -> None:
    """Draw the sale: its form beside the payouts over exit values, and the payouts at its value."""
    say, chosen = text(), chosen_exit(plan, now)
    if chosen is None:
        st.caption(say("funding.events.nothing"))
        return
    highest = SHOWN_BEYOND * chosen.value
    values, lines = chosen.exit.lines(highest)
    breaks = chosen.exit.breaks(highest)
    with st.container(horizontal=True, key="sale_beside_chart"):
        with st.container(width=260):
            _form(plan, chosen)
        with st.container(width="stretch"):
            draw(
                exit_chart(plan, values, lines, breaks, float(chosen.value)),
                "exits", right=150, height=380,
            )  # fmt: skip
    st.caption(say("funding.exit.chart_note"))
    _table(plan, chosen.payouts)
    with st.expander(say("funding.exit.breaks"), icon=":material/stacked_line_chart:"):
        _breaks(plan, breaks, chosen.exit)
    st.download_button(
        say("funding.exit.download"),
        lambda: exit_csv(chosen.payouts, plan.currency),
        f"{scenario_session().stored.id}-exit.csv",
        "text/csv",
        key="download_exit",
        icon=":material/download:",
        on_click="ignore",
    )


def _table(plan: Funding, payouts: Sequence[HolderPayout]) -> None:
    """Draw the payouts; holders who got their shares for work have no multiple."""
    say = text()

    def has_multiple(payout: HolderPayout) -> bool:
        return payout.holder not in plan.insiders

    ordered = sorted(payouts, key=lambda payout: -payout.usd)
    rows = [
        {
            "holder": _with_reason(holder_text(say, payout.holder), _why(plan, payout)),
            "payout": escaped_markdown(money_text(payout.usd, plan.currency, say.language)),
            "moic": multiple_text(payout.result, say.language) if has_multiple(payout) else "–",
            "xirr": rate_text(say, payout.result) if has_multiple(payout) else "–",
        }
        for payout in ordered
    ]
    columns = {name: say(f"funding.column.{name}") for name in rows[0]}
    st.table(pd.DataFrame(rows).rename(columns=columns), border="horizontal", hide_index=True)


def _with_reason(holder: str, reason: str) -> str:
    """Return a holder with the reason below it, so that no column is cut on a narrow screen."""
    return f"**{escaped_markdown(holder)}**  \n:small[{escaped_markdown(reason)}]"


def _why(plan: Funding, payout: HolderPayout) -> str:
    """Return the choices of the holder, and the terms that decided its shares."""
    say = text()
    parts = (choices_text(say, payout.choices), terms_text(say, payout.terms, plan.currency))
    return say("funding.semicolon").join(part for part in parts if part)


def _breaks(plan: Funding, breaks: Sequence[BreakPoint], sold: Exit) -> None:
    say = text()
    by_value: dict[str, list[str]] = {}
    for point in breaks:
        value = money_text(point.exit_usd, plan.currency, say.language)
        by_value.setdefault(value, []).append(break_text(say, point, sold.sold))
    rows = pd.DataFrame(
        {
            say("funding.exit.at"): [escaped_markdown(value) for value in by_value],
            say("funding.exit.what"): [
                escaped_markdown(say("funding.semicolon").join(dict.fromkeys(texts)))
                for texts in by_value.values()
            ],
        }
    )
    st.table(rows, border="horizontal", hide_index=True)

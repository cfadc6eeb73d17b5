"""A sale of the company: its value and day, and what each holder gets and why."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
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


def choose_exit(plan: Funding, now: Projection) -> ChosenExit | None:
    """Draw the fields of value and day, and return the exit; None if there is nothing to sell.

    If the value is not allowed, the error is shown and the default value and day are used.
    """
    say, stored = text(), scenario_session().stored.id
    st.subheader(say("funding.exit.heading"))
    if not plan.last.holdings:
        st.caption(say("funding.events.nothing"))
        return None
    left, right, _ = st.columns([1, 1, 2])
    value, day = default_exit_value(plan.steps), default_exit_date(plan.capital)
    with left:
        typed = st.text_input(
            say("funding.exit.value", currency=plan.currency),
            value=quantities.count(float(value), say.language),
            key=f"exit_value.{stored}",
            help=say("funding.exit.value_help"),
        )
    with right:
        on = st.date_input(
            say("funding.exit.day"),
            value=day,
            min_value=plan.capital.opening.date,
            max_value=plan.capital.opening.date.replace(day=1) + datetime.timedelta(days=36500),
            key=f"exit_day.{stored}.{day}",
            help=say("funding.exit.day_help"),
        )
    try:
        return _sold(plan, now, _amount(typed), on)
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return _sold(plan, now, value, day)


def _sold(plan: Funding, now: Projection, value: Fraction, on: datetime.date) -> ChosenExit:
    loans = loans_on(now.books, on, text()("funding.lenders"), plan.currency)
    sold = exit_of(plan.capital, plan.steps, on, loans)
    return ChosenExit(sold, value, sold.at(value))


def _amount(typed: str) -> Fraction:
    amount = quantities.parse_count(typed)
    if amount is None:
        raise InputError("exit_value", typed, "count")
    if amount == 0:
        raise InputError("exit_value", typed, "greater_than", limit=0)
    return Fraction(amount)


def draw_exit(plan: Funding, chosen: ChosenExit) -> None:
    """Draw the payouts over exit values, those at the chosen value, and the break points."""
    say = text()
    highest = SHOWN_BEYOND * chosen.value
    values, lines = chosen.exit.lines(highest)
    breaks = chosen.exit.breaks(highest)
    draw(
        exit_chart(plan, values, lines, breaks, float(chosen.value)),
        "exits", right=150, height=400,
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
            "holder": escaped_markdown(holder_text(say, payout.holder)),
            "payout": escaped_markdown(money_text(payout.usd, plan.currency, say.language)),
            "moic": multiple_text(payout.result, say.language) if has_multiple(payout) else "–",
            "xirr": rate_text(say, payout.result) if has_multiple(payout) else "–",
            "why": escaped_markdown(_why(plan, payout)),
        }
        for payout in ordered
    ]
    columns = {name: say(f"funding.column.{name}") for name in rows[0]}
    st.table(pd.DataFrame(rows).rename(columns=columns), border="horizontal", hide_index=True)


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

"""The sale: its value and day, what everybody gets over values and at this one, and why."""

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
"""The chart ends at so many times the chosen value."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sale that is looked at."""

    exit: Exit
    value: Fraction
    got: Sequence[HolderPayout]

    def founders_payout(self, seen: Funding) -> Fraction:
        return sum((one.usd for one in self.got if one.holder in seen.founders), Fraction(0))


def choose_exit(seen: Funding, now: Projection) -> Chosen | None:
    """The value and the day, as typed; what is not allowed is said and the usual one taken.

    None where there is nothing to sell.
    """
    say, stored = text(), scenario_session().stored.id
    st.subheader(say("funding.exit.heading"))
    if not seen.last.holdings:
        st.caption(say("funding.events.nothing"))
        return None
    left, right, _ = st.columns([1, 1, 2])
    value, day = default_exit_value(seen.steps), default_exit_date(seen.capital)
    with left:
        typed = st.text_input(
            say("funding.exit.value", currency=seen.currency),
            value=quantities.count(float(value), say.language),
            key=f"exit_value.{stored}",
            help=say("funding.exit.value_help"),
        )
    with right:
        on = st.date_input(
            say("funding.exit.day"),
            value=day,
            min_value=seen.capital.opening.date,
            max_value=seen.capital.opening.date.replace(day=1) + datetime.timedelta(days=36500),
            key=f"exit_day.{stored}.{day}",
            help=say("funding.exit.day_help"),
        )
    try:
        return _sold(seen, now, _amount(typed), on)
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return _sold(seen, now, value, day)


def _sold(seen: Funding, now: Projection, value: Fraction, on: datetime.date) -> Chosen:
    loans = loans_on(now.books, on, text()("funding.lenders"), seen.currency)
    sold = exit_of(seen.capital, seen.steps, on, loans)
    return Chosen(sold, value, sold.at(value))


def _amount(typed: str) -> Fraction:
    amount = quantities.parse_count(typed)
    if amount is None:
        raise InputError("exit_value", typed, "count")
    if amount == 0:
        raise InputError("exit_value", typed, "greater_than", limit=0)
    return Fraction(amount)


def draw_exit(seen: Funding, chosen: Chosen) -> None:
    say = text()
    highest = SHOWN_BEYOND * chosen.value
    values, lines = chosen.exit.lines(highest)
    breaks = chosen.exit.breaks(highest)
    draw(
        exit_chart(seen, values, lines, breaks, float(chosen.value)),
        "exits", right=190, height=400,
    )  # fmt: skip
    st.caption(say("funding.exit.chart_note"))
    _table(seen, chosen.got)
    with st.expander(say("funding.exit.breaks"), icon=":material/stacked_line_chart:"):
        _breaks(seen, breaks, chosen.exit)
    st.download_button(
        say("funding.exit.download"),
        exit_csv(chosen.got, seen.currency),
        f"{scenario_session().stored.id}-exit.csv",
        "text/csv",
        key="download_exit",
        icon=":material/download:",
        on_click="ignore",
    )


def _table(seen: Funding, got: Sequence[HolderPayout]) -> None:
    """Founders paid next to nothing for their stock: a multiple of it would say nothing."""
    say = text()
    ordered = sorted(got, key=lambda one: -one.usd)
    rows = [
        {
            "holder": escaped_markdown(holder_text(say, one.holder)),
            "payout": escaped_markdown(money_text(one.usd, seen.currency, say.language)),
            "moic": "–" if one.holder in seen.founders else multiple_text(one.result, say.language),
            "xirr": "–" if one.holder in seen.founders else rate_text(say, one.result),
            "why": escaped_markdown(_why(seen, one)),
        }
        for one in ordered
    ]
    columns = {name: say(f"funding.column.{name}") for name in rows[0]}
    st.table(pd.DataFrame(rows).rename(columns=columns), border="horizontal", hide_index=True)


def _why(seen: Funding, one: HolderPayout) -> str:
    """What the holder does, and what decided its shares."""
    say = text()
    parts = (choices_text(say, one.choices), terms_text(say, one.terms, seen.currency))
    return say("funding.semicolon").join(part for part in parts if part)


def _breaks(seen: Funding, breaks: Sequence[BreakPoint], sold: Exit) -> None:
    say = text()
    said: dict[str, list[str]] = {}
    for one in breaks:
        at = money_text(one.exit_usd, seen.currency, say.language)
        said.setdefault(at, []).append(break_text(say, one, sold.sold))
    rows = pd.DataFrame(
        {
            say("funding.exit.at"): [escaped_markdown(at) for at in said],
            say("funding.exit.what"): [
                escaped_markdown(say("funding.semicolon").join(dict.fromkeys(what)))
                for what in said.values()
            ],
        }
    )
    st.table(rows, border="horizontal", hide_index=True)

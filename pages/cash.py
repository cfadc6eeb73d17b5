"""Page Cash: cash month by month, the financial statements, and the indicators."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.metrics.cash_report import cash_csv, lasting_text, when_used_up
from finance.metrics.indicator_report import indicator_name, indicator_text
from finance.metrics.projection import Projection
from finance.metrics.statement_files import INDICATORS, indicators_csv
from pages.parts.charts import cash_chart, draw, month_chart
from pages.parts.entries import entries
from pages.parts.entry_lists.document_fields import optional_part
from pages.parts.fields import fields
from pages.parts.frame import run_in_frame
from pages.parts.funding.opening_cash import draw_opening_cash
from pages.parts.indicator_table import indicator_table
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.session import draft, indicators, indicators_at, projections, text
from pages.parts.statement_tables import csv_button, statement_tables
from pages.parts.tiles import Tile, runway_tile, show_answer, tiles, with_round_tile


def _answer(projection: Projection) -> str:
    say, language = text(), text().language
    next_round = projection.scenario.company.next_round
    when = when_used_up(say, projection.runway_months)
    if projection.runway_months is None:
        return say("runway.answer_lasts", horizon=projection.horizon_months)
    if next_round is None:
        return say("runway.answer_no_round", when=when)
    return say(
        "runway.answer",
        when=when,
        lasting=lasting_text(say, projection.runway_months_with_round, projection.horizon_months),
        amount=quantities.usd(next_round.amount_usd, language),
        month=next_round.month,
    )


def _trailing_tile(now: Projection) -> Tile:
    """Return the runway at the burn of the three months before the next round.

    Investors compute it in this way.
    """
    say, months = text(), now.horizon_months
    next_round = now.scenario.company.next_round
    month = months if next_round is None else max(1, min(next_round.month - 1, months))
    key = "runway_trailing_months"
    return Tile(
        label=indicator_name(say, key, month),
        value=indicator_text(say, key, indicators_at(now, month)[key]),
        note=say("runway.trailing_note"),
        help=say(f"indicator.{key}.definition"),
    )


def _lowest_cash_tile(now: Projection) -> Tile:
    say = text()
    return Tile(
        label=say("quantity.lowest_cash"),
        value=quantities.usd(now.lowest_cash.cash_usd, say.language),
        note=say("runway.in_month", n=now.lowest_cash.month),
        help=say("runway.lowest_help"),
        trend=[float(month.cash_usd) for month in now.months],
    )


_COMPANY = ("cash_usd", "name", "first_month", "horizon_months")
_ROUND = ("month", "amount_usd", "pre_money_usd")
_TAX_ADVANCED = frozenset(
    {"loss_use_share", "last_fiscal_month", "paid_after_months", "research_credit_after_months"}
)


def _cash() -> None:
    say = text()
    now, _ = projections()
    fields("company", _COMPANY, n_columns=4)
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("summary.cash_heading", n=now.horizon_months))
        draw(cash_chart(now), "cash", height=360)
    with right:
        st.header(say("runway.months_heading"))
        draw(month_chart(now.months), "months", height=360)
    csv_button("cash", lambda: cash_csv(now.months))


def _money() -> None:
    say = text()
    if draft().company.equity_round is None:
        st.caption(say("runway.round_elsewhere"))
    else:
        st.markdown(f"**{say('runway.round')}**")
        fields("company.equity_round", _ROUND, n_columns=4)
    entries("company.inflows")
    entries("company.loans")
    fields("company", ("interest_on_cash_share_per_year",), n_columns=4)


def _tax() -> None:
    optional_part("company.tax", "tax", _TAX_ADVANCED)


def _statements() -> None:
    statement_tables(projections()[0].books)


def _indicators() -> None:
    now, _ = projections()
    st.caption(text()("runway.indicators_note"))
    indicator_table(indicators(now))
    csv_button(INDICATORS, lambda: indicators_csv(now.books))


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    st.title(say("cash.question"))
    show_answer(_answer(now))
    draw_opening_cash()
    tiles(
        [
            runway_tile(now, saved),
            with_round_tile(now),
            _trailing_tile(now),
            _lowest_cash_tile(now),
        ]
    )
    drawn = {
        "cash": _cash,
        "money": _money,
        "tax": _tax,
        "statements": _statements,
        "indicators": _indicators,
    }
    lazy_tabs("cash", drawn, "cash.tab_")


run_in_frame(page)

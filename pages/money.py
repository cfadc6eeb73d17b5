"""When does the money run out? The company, month by month."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from finance.costs.people import Role
from finance.months import MOST_MONTHS
from finance.outlook import Outlook
from finance.report import LINES, cash_csv, runway_text
from pages.parts.charts import cash_chart, draw, month_chart
from pages.parts.fields import fields
from pages.parts.frame import run_in_frame
from pages.parts.session import desk, draft, outlooks, text
from pages.parts.tiles import Tile, runway_tile, tiles

_TRAINING = ("first_month", "repeat_every_months", "runs", "research_share")
_REVENUE = (
    "launch_month",
    "customers_at_launch",
    "growth_share_per_month",
    "churn_share_per_month",
    "price_usd_per_customer_month",
    "tokens_per_customer_month",
)


def _answer(seen: Outlook) -> str:
    say, language = text(), text().language
    coming = seen.scenario.company.next_round
    if seen.runway_months is None:
        key = "money.answer_lasts"
    else:
        key = "money.answer" if coming else "money.answer_no_round"
    return say(
        key,
        runway=runway_text(say, seen.runway_months, seen.horizon_months),
        with_round=runway_text(say, seen.runway_months_with_round, seen.horizon_months),
        amount=quantities.usd(coming.amount_usd, language) if coming else "",
        month=coming.month if coming else "",
        horizon=seen.horizon_months,
    )


def _tiles(now: Outlook, saved: Outlook) -> None:
    say, language = text(), text().language
    multiple = now.burn_multiple
    tiles(
        [
            runway_tile(now, saved),
            Tile(
                label=say("quantity.runway_months_with_round"),
                value=runway_text(say, now.runway_months_with_round, now.horizon_months),
                help=say("basis.runway_months"),
            ),
            Tile(
                label=say("quantity.peak_burn"),
                value=quantities.usd(now.peak_burn.net_burn_usd, language),
                note=say("money.in_month", n=now.peak_burn.month),
                help=say("basis.net_burn"),
            ),
            Tile(
                label=say("quantity.burn_multiple"),
                value="–" if multiple is None else f"{multiple:.2f}×",
                note=say("money.burn_multiple_note", n=now.burn_multiple_months),
                help=say("basis.burn_multiple"),
            ),
            Tile(
                label=say("quantity.sold_share"),
                value=quantities.share(now.sold_share, language),
                note=say("money.sold_note"),
                help=say("basis.sold_share"),
            ),
        ]
    )


def _inputs() -> None:
    say = text()
    with st.expander(say("money.company"), expanded=True, icon=":material/apartment:"):
        fields("company", ("cash_usd", "other_costs_usd_per_month"))
        fields("company", ("name", "first_month", "horizon_months"))
    company = draft().company
    if company.training is not None:
        with st.expander(say("money.training"), expanded=True, icon=":material/model_training:"):
            fields("company.training", _TRAINING)
    if company.revenue is not None:
        with st.expander(say("money.revenue"), expanded=True, icon=":material/trending_up:"):
            fields("company.revenue", _REVENUE)
    if company.equity_round is not None:
        with st.expander(say("money.round"), expanded=True, icon=":material/handshake:"):
            fields("company.equity_round", ("month", "amount_usd", "pre_money_usd"))
    if company.revenue_lines or company.training_events:
        st.caption(say("money.in_document"))


def _people() -> None:
    """People as a table that is edited in place."""
    say = text()
    names = ("title", "people", "cost_usd_per_month", "start_month")
    before = pd.DataFrame(
        [role.model_dump(mode="json") for role in draft().company.people],
        columns=list(Role.model_fields),
    )
    before["cost_usd_per_month"] = before["cost_usd_per_month"].astype(float)
    number = st.column_config.NumberColumn
    config = {
        "title": st.column_config.TextColumn(say("people.title"), width="medium", required=True),
        "people": number(say("people.people"), width="small", required=True, min_value=0, step=1),
        "cost_usd_per_month": number(
            say("people.cost_usd_per_month"),
            width="small",
            required=True,
            min_value=0,
            step=0.01,
            format="dollar",
        ),
        "start_month": number(
            say("people.start_month"),
            width="small",
            required=True,
            min_value=1,
            max_value=MOST_MONTHS,
            step=1,
        ),
    }
    st.subheader(say("people.heading"), help=say("people.help"))
    after = st.data_editor(
        before,
        column_config=config,
        column_order=names,
        num_rows="dynamic",
        hide_index=True,
        key=f"people#{desk().revision}",
    )
    if after[list(names)].isna().any(axis=None):
        return  # a row that is being filled in
    if after.equals(before):
        return
    roles = [
        {name: value for name, value in row.items() if not pd.isna(value)}
        | {
            "people": int(row["people"]),
            "cost_usd_per_month": repr(float(row["cost_usd_per_month"])),
            "start_month": int(row["start_month"]),
        }
        for row in after.to_dict("records")
    ]
    desk().change({"company.people": roles})
    desk().revision += 1  # taken or refused, the edit is over
    st.rerun()


def _table(now: Outlook) -> None:
    say = text()
    rows = pd.DataFrame(
        {
            say("table.month"): [month.date for month in now.months],
            say("line.customers"): [float(month.customers) for month in now.months],
        }
        | {
            say(f"line.{line}"): [float(getattr(month, line)) for month in now.months]
            for line in LINES
        }
    )
    config = {
        say("table.month"): st.column_config.DateColumn(format="YYYY-MM"),
        say("line.customers"): st.column_config.NumberColumn(format="%.0f"),
    } | {say(f"line.{line}"): st.column_config.NumberColumn(format="dollar") for line in LINES}
    st.dataframe(rows, hide_index=True, column_config=config, height=420)
    st.download_button(
        say("money.download"),
        cash_csv(now.months),
        f"{desk().stored.id}-cash.csv",
        "text/csv",
        key="download_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def page() -> None:
    say = text()
    now, saved = outlooks()
    st.title(say("money.question"))
    st.markdown(f"#### {_answer(now)}")
    _tiles(now, saved)
    inputs, charts = st.columns([2, 3], gap="large")
    with inputs:
        _inputs()
    with charts:
        st.subheader(say("overview.cash_heading", n=now.horizon_months))
        draw(cash_chart(now), "cash")
        st.subheader(say("money.months_heading"))
        draw(month_chart(now.months), "months")
        _people()
    st.subheader(say("money.table_heading"))
    _table(now)


run_in_frame(page)

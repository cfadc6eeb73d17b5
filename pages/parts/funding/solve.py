"""The section that answers what to raise: the goal, a round to try, and a table of rounds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import streamlit as st

from engine import quantities
from finance.books.cents import cents_to_usd
from finance.books.months import date_of_month
from finance.company.company import Company
from finance.funding.ownership import names_in
from finance.funding.proposed_round import (
    default_pre_money,
    next_planned_round,
    proposed_round,
)
from finance.funding.raise_wording import month_text, raise_caveats
from finance.funding.raises import RaiseNeeded, RaiseResult, rounded_up
from finance.funding.refusals import Refusal, refusal
from finance.funding.round_amounts import amounts_around, multiples
from finance.funding.rounds import Changes, Funding, with_moved_round
from finance.funding.wording import money_text
from finance.metrics.cash_report import runway_text
from finance.metrics.projection import Projection
from pages.parts.charts import draw
from pages.parts.fields import field, month_in_words
from pages.parts.funding.changes import tried_on_draft
from pages.parts.funding.charts import raise_chart
from pages.parts.funding.entered import effective_field
from pages.parts.funding.needed import Needed, Tried, table_of_rounds, tried
from pages.parts.session import scenario_session, text
from pages.parts.tiles import Tile, tiles
from pages.parts.user_text import escaped_markdown

GOAL = "company.funding_goal"
MOST_BUFFER_MONTHS = 24.0
FIRST_AMOUNT_USD = Decimal("1000000.00")
"""New money that is tried first if no raise is needed and none is planned."""
_AMOUNT_FACTORS = ("0.5", "0.75", "1", "1.5", "2")
_VALUATION_FACTORS = ("0.7", "1", "1.5")


def draw_solver(plan: Funding, now: Projection, found: Needed) -> None:
    """Draw the section."""
    company = now.scenario.company
    for caveat in raise_caveats(text(), company, found.buffered):
        st.markdown(f":orange[:material/info:] {escaped_markdown(caveat)}")
    _goal(company, found.buffered)
    _try_round(plan, now, found)
    st.caption(text()("funding.raise.basis"))


def _goal(company: Company, buffered: RaiseNeeded) -> None:
    say, session = text(), scenario_session()
    st.header(say("funding.raise.goal_heading"))
    goal = company.funding_goal
    target, buffer, least, pre_money = st.columns(4, vertical_alignment="top")
    with target:
        months = {month: month_in_words(month) for month in range(1, company.horizon_months + 1)}
        key = f"goal_target#{session.revision}.{company.first_month}.{len(months)}"
        st.select_slider(
            say("funding.raise.target"),
            options=list(months),
            value=buffered.target_months,
            format_func=months.__getitem__,
            key=key,
            on_change=_take_goal,
            args=("target_runway_months", key),
            help=say("funding.raise.target_help"),
            disabled=session.is_read_only,
        )
    with buffer:
        key = f"goal_buffer#{session.revision}"
        st.slider(
            say("funding.raise.buffer"),
            min_value=0.0,
            max_value=max(MOST_BUFFER_MONTHS, float(goal.buffer_months)),
            value=float(goal.buffer_months),
            step=0.5,
            format="%.1f",
            key=key,
            on_change=_take_goal,
            args=("buffer_months", key),
            help=say(
                "funding.raise.buffer_help",
                burn=quantities.usd(buffered.burn_usd_per_month, say.language),
                buffer=quantities.usd(buffered.buffer_usd, say.language),
            ),
            disabled=session.is_read_only,
        )
    with least:
        field(f"{GOAL}.minimum_cash_usd")
    with pre_money:
        effective_field(f"{GOAL}.pre_money_usd", default_pre_money(company))


def _take_goal(name: str, key: str) -> None:
    value = st.session_state[key]
    plain = str(value) if isinstance(value, float) else value
    scenario_session().change({f"{GOAL}.{name}": plain}, keep_input="if_accepted")


@st.fragment
def _try_round(plan: Funding, now: Projection, found: Needed) -> None:
    say, company = text(), now.scenario.company
    st.header(say("funding.raise.try_heading"))
    amount, pre_money, month = _choose(now, found)
    result = tried(now, amount, pre_money, month)
    _result_tiles(now, found, result)
    _put(plan, company, result.result)
    draw(raise_chart(now, result, found.buffered), "raise", height=280)
    st.markdown(f"**{say('funding.raise.grid_heading')}**")
    amounts = multiples(_first_amount(company, found), _AMOUNT_FACTORS)
    _grid(now, table_of_rounds(now, amounts, multiples(pre_money, _VALUATION_FACTORS), month))


def _choose(now: Projection, found: Needed) -> tuple[Decimal, Decimal, int]:
    """Draw the choices of amount, valuation and month, and return them."""
    say, company = text(), now.scenario.company
    first = _first_amount(company, found)
    valuation = company.funding_goal.pre_money_usd or default_pre_money(company)
    first_month = found.buffered.month or found.bare.month or 1
    # The keys hold what the first choices depend on, so that a new goal is tried first.
    made_for = f"{first}.{valuation}.{first_month}.{scenario_session().stored.id}.{say.language}"
    amounts, valuations = amounts_around(first), amounts_around(valuation)
    left, middle, right = st.columns(3)
    with left:
        amount = st.select_slider(
            say("funding.raise.amount"),
            options=amounts,
            value=first,
            format_func=lambda usd: quantities.usd(usd, say.language),
            key=f"try_amount.{made_for}",
            help=say("funding.raise.amount_help"),
        )
    with middle:
        pre_money = st.select_slider(
            say("funding.raise.pre_money"),
            options=valuations,
            value=valuation,
            format_func=lambda usd: quantities.usd(usd, say.language),
            key=f"try_valuation.{made_for}",
        )
    with right:
        month = st.selectbox(
            say("funding.raise.month"),
            range(1, company.horizon_months + 1),
            index=first_month - 1,
            format_func=month_in_words,
            key=f"try_month.{made_for}.{company.first_month}",
            help=say("funding.raise.month_help", month=month_text(found.buffered.date)),
        )
    return amount, pre_money, month


def _first_amount(company: Company, found: Needed) -> Decimal:
    """Return the raise that is needed, or else the planned one, or else a round number."""
    if found.buffered.amount_usd:
        return rounded_up(found.buffered.amount_usd)
    planned = company.next_round
    return planned.amount_usd if planned and planned.amount_usd else FIRST_AMOUNT_USD


def _result_tiles(now: Projection, found: Needed, result: Tried) -> None:
    say, language, chosen = text(), text().language, result.result
    outcome, company = chosen.outcome, now.scenario.company
    target = found.buffered.target_months
    balances = result.balances_cents[chosen.month - 1 : max(target, chosen.month)]
    lowest = min(balances)
    lowest_month = chosen.month + balances.index(lowest)
    without = runway_text(say, now.runway_months, now.horizon_months)
    tiles(
        [
            Tile(
                label=say("funding.raise.tile_runway"),
                value=runway_text(say, chosen.runway_months, now.horizon_months),
                note=say("funding.raise.tile_runway_note", without=without),
                help=say("funding.raise.tile_runway_help"),
            ),
            Tile(
                label=say("funding.raise.tile_sold"),
                value=quantities.share(float(outcome.sold), language),
                note=say(
                    "funding.raise.tile_sold_note",
                    post=quantities.usd(chosen.amount_usd + chosen.pre_money_usd, language),
                ),
                help=say("funding.raise.tile_sold_help"),
            ),
            Tile(
                label=say("funding.raise.tile_owned"),
                value=_share(outcome.founders_after, chosen),
                note=say(
                    "funding.raise.tile_owned_note", before=_share(outcome.founders_before, chosen)
                ),
                help=say("funding.raise.tile_owned_help"),
            ),
            Tile(
                label=say("funding.raise.tile_lowest"),
                value=quantities.usd(cents_to_usd(lowest), language),
                note=say(
                    "funding.raise.tile_lowest_note",
                    month=month_text(date_of_month(company.first_month, lowest_month)),
                ),
                help=say("funding.raise.tile_lowest_help"),
            ),
        ],
        key="tried_round",
    )


def _share(share: Fraction, result: RaiseResult) -> str:
    if result.outcome.refused is not None or not result.outcome.founders_before:
        return "–"
    return quantities.share(float(share), text().language)


def _put(plan: Funding, company: Company, chosen: RaiseResult) -> None:
    """Draw the button that puts the chosen round into the plan, and the round of the plan."""
    say, session = text(), scenario_session()
    changes = _changes(plan, company, chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        is_clicked = st.button(
            say("funding.raise.put"),
            key="put_round",
            type="primary",
            icon=":material/playlist_add_check:",
            help=say("funding.raise.put_help"),
            disabled=session.is_read_only or chosen.outcome.refused is not None,
        )
        st.markdown(escaped_markdown(_in_plan(plan)), width="stretch")
    refused: Refusal | None = None
    if chosen.outcome.refused is not None:
        refused = refusal(say, chosen.outcome.refused, ())
    elif is_clicked:
        outcome = tried_on_draft(changes)
        if isinstance(outcome, Refusal):
            refused = outcome
        elif session.change(changes):
            st.rerun()
    if refused is not None:
        line = say("funding.raise.refused", reason=refused.sentence)
        st.error(escaped_markdown(line), icon=":material/block:")


def _changes(plan: Funding, company: Company, chosen: RaiseResult) -> Changes:
    """Return the changes that put a round into the plan, in place of the next planned one."""
    deal = proposed_round(
        company, plan.capital, chosen.amount_usd, chosen.pre_money_usd, chosen.month,
        names=names_in(text()),
    )  # fmt: skip
    return with_moved_round(plan.capital, deal, next_planned_round(company, plan.capital))


def _in_plan(plan: Funding) -> str:
    say, planned = text(), plan.next_round
    if planned is None:
        return say("funding.raise.none_in_plan")
    deal = planned.deal
    return say(
        "funding.raise.in_plan",
        series=deal.series,
        amount=money_text(deal.new_money, deal.currency, say.language),
        pre_money=money_text(deal.pre_money, deal.currency, say.language),
        date=month_text(deal.date),
    )


def _grid(now: Projection, table: Sequence[Sequence[RaiseResult]]) -> None:
    """Draw the table of amounts and valuations; the runway depends on the amount only."""
    say = text()
    valuations = [cell.pre_money_usd for cell in table[0]]
    head = [
        say("funding.raise.grid_amount"),
        say("funding.raise.grid_runway"),
        *(
            say("funding.raise.grid_column", pre_money=quantities.usd(value, say.language))
            for value in valuations
        ),
    ]
    rows = [
        [
            quantities.usd(row[0].amount_usd, say.language),
            runway_text(say, row[0].runway_months, now.horizon_months),
            *(_cell(cell) for cell in row),
        ]
        for row in table
    ]
    _table(head, rows)


def _cell(result: RaiseResult) -> str:
    say = text()
    sold = quantities.share(float(result.outcome.sold), say.language)
    if result.outcome.refused is not None or not result.outcome.founders_before:
        return say("funding.raise.grid_cell_sold", sold=sold)
    owned = quantities.share(float(result.outcome.founders_after), say.language)
    return say("funding.raise.grid_cell", sold=sold, owned=owned)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    cells = [[escaped_markdown(cell) for cell in row] for row in rows]
    st.table(
        pd.DataFrame(cells, columns=[escaped_markdown(name) for name in head]),
        border="horizontal", hide_index=True,
    )  # fmt: skip

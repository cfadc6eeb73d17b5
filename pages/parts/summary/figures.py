"""The four figures under the verdict: runway, raise, recurring revenue, ownership."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.funding.raises import CashWithRaises, RaiseNeeded, raise_for_goal, rounded_up
from finance.funding.raises import Verdict as RaiseVerdict
from finance.funding.rounds import funding
from finance.metrics.projection import Projection
from finance.verdict.compare import founders_keep
from pages.parts.session import text
from pages.parts.tiles import Tile, runway_tile


def figure_tiles(now: Projection, saved: Projection) -> list[Tile]:
    """Return the four tiles of the summary."""
    return [runway_tile(now, saved), _raise_tile(now), _arr_tile(now, saved), _kept_tile(now)]


def _raise_tile(now: Projection) -> Tile:
    """Return the smallest raise for the company's goal, and the round that is planned."""
    say, language = text(), text().language
    needed = _raise_for_goal(now.scenario.content_hash, now)
    planned = now.scenario.company.next_round
    plan = say("summary.raise_unplanned")
    if planned is not None:
        plan = say(
            "summary.raise_planned",
            amount=quantities.usd(planned.amount_usd, language),
            month=planned.month,
        )
    note = plan
    if needed.month is None:
        value = say("summary.raise_not_needed")
    elif needed.verdict is RaiseVerdict.IMPOSSIBLE:
        value = say("summary.raise_impossible")
    else:
        value = quantities.usd(rounded_up(needed.amount_usd), language)
        note = say("summary.raise_by", month=needed.month, plan=plan)
    return Tile(
        label=say("summary.raise"),
        value=value,
        note=note,
        help=say(
            "summary.raise_help",
            target=needed.target_months,
            buffer=quantities.usd(needed.buffer_usd, language),
        ),
    )


@st.cache_data(max_entries=200, show_spinner=False)
def _raise_for_goal(content_hash: str, _projection: Projection) -> RaiseNeeded:
    """Return the raise for the goal, cached by the hash of the scenario."""
    return raise_for_goal(CashWithRaises.of(_projection.scenario, _projection.forecast))


def _arr_tile(now: Projection, saved: Projection) -> Tile:
    say, language = text(), text().language
    arr = now.months[-1].arr_usd
    launch = now.scenario.company.launch_month
    if launch is None:
        return Tile(
            label=say("summary.arr"),
            value=quantities.usd(0, language),
            note=say("summary.arr_none"),
            help=say("indicator.arr_usd.definition"),
        )
    year = now.months[min(launch + 11, now.horizon_months) - 1]
    return Tile(
        label=say("summary.arr"),
        value=quantities.usd(arr, language),
        note=say(
            "summary.arr_note",
            horizon=now.horizon_months,
            arr=quantities.usd(year.arr_usd, language),
            month=year.month,
        ),
        help=say("indicator.arr_usd.definition"),
    )


def _kept_tile(now: Projection) -> Tile:
    say, language = text(), text().language
    of_company = funding(now.scenario.company)
    today = of_company.founders_share(of_company.today)
    return Tile(
        label=say("summary.kept"),
        value=quantities.share(founders_keep(now), language),
        note=say("summary.kept_note", today=quantities.share(float(today), language)),
        help=say("summary.kept_help"),
    )

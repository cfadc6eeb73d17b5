"""Runs that have ended, in a table, and below it those that are chosen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.runs.folder import now
from engine.runs.observing.overview import all_tags, matching_runs, state_of
from engine.runs.observing.summary import Summary
from engine.units import MINUTES_PER_HOUR, SECONDS_PER_HOUR
from pages.parts.run_views.wording import STATES, local_time, show_refusal, state_name
from pages.parts.runs.chart import spending_chart
from pages.parts.runs.choice import choose, chosen_ids
from pages.parts.runs.details import details_section
from pages.parts.runs.several import several_section
from pages.parts.runs.trash import trash_section, undo_bar
from pages.parts.session import text

_MOST_ROWS_SHOWN = 8
_ROW_PX = 35
_TIME_UNITS_HOURS = {"hours": 1.0, "minutes": 1 / MINUTES_PER_HOUR, "seconds": 1 / SECONDS_PER_HOUR}


def history_section(all_summaries: Sequence[Summary]) -> None:
    """Draw the ended runs, the details of the chosen ones, and the trash."""
    say = text()
    st.header(say("runs.history"))
    undo_bar()
    show_refusal("history")
    over = [summary for summary in all_summaries if summary.is_over]
    spending_chart(all_summaries, now())
    if over:
        summaries = _matching(over)
        if summaries:
            _table(summaries)
        else:
            st.caption(say("runs.none_found"))
    else:
        st.caption(say("runs.none_over"))
        if not all_summaries:
            st.page_link("pages/calibrate.py", label=say("runs.start_one"), icon=":material/speed:")
    chosen = [summary for summary in all_summaries if summary.run_id in chosen_ids()]
    if len(chosen) == 1:
        details_section(chosen[0])
    elif chosen:
        several_section(chosen)
    elif over:
        st.caption(say("runs.choose"))
    trash_section()


def _matching(over: Sequence[Summary]) -> list[Summary]:
    """Draw the filters above the table, and return the runs that match them."""
    say = text()
    row = st.container(horizontal=True, vertical_alignment="bottom")
    words = row.text_input(
        say("runs.search"),
        key="runs.words",
        placeholder=say("runs.search_help"),
        width=300,
    )
    present = {state_of(summary) for summary in over}
    states = row.multiselect(
        say("runs.state"),
        [state for state in STATES if state in present],
        format_func=state_name,
        key=f"runs.states#{say.language}",
        placeholder=say("runs.any"),
        width=240,
    )
    tags: list[str] = []
    if known_tags := all_tags(over):
        tags = row.multiselect(
            say("runs.tags"), known_tags, key="runs.tags", placeholder=say("runs.any"), width=240
        )
    archived = False
    if any(summary.archived for summary in over):
        archived = row.toggle(say("runs.with_archived"), key="runs.archived")
    return matching_runs(over, words=words, states=states, tags=tags, archived=archived)


def _table(summaries: Sequence[Summary]) -> None:
    """Draw a row for each run.

    The choice is kept by run id, and the widget's key depends on the ids, because rows can be
    others when the page is drawn again.
    """
    ids, time_unit = [summary.run_id for summary in summaries], _time_unit(summaries)
    key = f"runs.table#{hash(tuple(ids))}"
    rows = [ids.index(run_id) for run_id in chosen_ids() if run_id in ids]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}

    def take() -> None:
        choose([ids[row] for row in st.session_state[key]["selection"]["rows"]])

    st.dataframe(
        _cells(summaries, time_unit),
        key=key,
        hide_index=True,
        height=_ROW_PX * (1 + min(len(summaries), _MOST_ROWS_SHOWN)) + 3,
        on_select=take,
        selection_mode="multi-row",
        column_config=_columns(summaries, time_unit),
        placeholder="–",
    )


def _cells(summaries: Sequence[Summary], time_unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "state": [state_of(summary)],
                "name": summary.name,
                "created_at": local_time(summary.created_at),
                "done": 100 * summary.steps_done / summary.steps if summary.steps else None,
                "held_out_loss": summary.held_out_loss,
                "cost_usd": None if summary.unreadable else summary.cost_usd,
                "disk_bytes": summary.disk.total_bytes,
                "tags": list(summary.tags),
                "steps_time": None
                if summary.unreadable
                else summary.hours / _TIME_UNITS_HOURS[time_unit],
                "n_parameters": summary.n_parameters or None,
            }
            for summary in summaries
        ]
    )


def _columns(summaries: Sequence[Summary], time_unit: str) -> dict[str, Any]:
    say, column = text(), st.column_config
    cost_decimals = _decimals(summary.cost_usd for summary in summaries)
    return {
        "state": column.MultiselectColumn(
            say("runs.column.state"),
            options=list(STATES),
            format_func=state_name,
            color=[color for _, color in STATES.values()],
            width=100,
        ),
        "name": column.TextColumn(say("runs.column.name"), width=190),
        "created_at": column.DatetimeColumn(
            say("runs.column.created_at"), format="MM-DD HH:mm", width=100
        ),
        "done": column.ProgressColumn(
            say("runs.column.done"), format="%d%%", max_value=100, width=105
        ),
        "held_out_loss": column.NumberColumn(say("runs.column.held_out_loss"), format="%.3f"),
        "cost_usd": column.NumberColumn(say("runs.column.cost_usd"), format=f"%.{cost_decimals}f"),
        "disk_bytes": column.NumberColumn(say("runs.column.disk_bytes"), format="bytes"),
        "tags": column.ListColumn(say("runs.column.tags"), width=130)
        if all_tags(summaries)
        else None,
        "steps_time": column.NumberColumn(
            say("runs.column.steps_time", unit=say(f"runs.time_unit.{time_unit}")), format="%.2f"
        ),
        "n_parameters": column.NumberColumn(say("runs.column.n_parameters"), format="compact"),
    }


def _time_unit(summaries: Sequence[Summary]) -> str:
    """Return the largest unit of which the longest run took two or more."""
    longest_hours = max(summary.hours for summary in summaries)
    fitting = (unit for unit, hours in _TIME_UNITS_HOURS.items() if longest_hours >= 2 * hours)
    return next(fitting, "seconds")


def _decimals(amounts: Iterable[float]) -> int:
    """Return the number of decimals: two, or more if most amounts need them for two digits."""
    known = [amount for amount in amounts if amount > 0]
    if not known:
        return 2
    return min(max(2, 1 - math.floor(math.log10(statistics.median(known)))), 6)

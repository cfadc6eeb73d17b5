"""The runs that are over, in a table; beneath it what was chosen of them."""

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
from pages.parts.run_views.wording import STATES, local, say_refused, state_word
from pages.parts.runs.chart import spending_chart
from pages.parts.runs.choice import choose, chosen_ids
from pages.parts.runs.details import details_section
from pages.parts.runs.several import several_section
from pages.parts.runs.trash import trash_section, undo_bar
from pages.parts.session import text

_MOST_ROWS_SHOWN = 8
_ROW_PX = 35
_TIME_UNITS_HOURS = {"hours": 1.0, "minutes": 1 / MINUTES_PER_HOUR, "seconds": 1 / SECONDS_PER_HOUR}


def history_section(seen: Sequence[Summary]) -> None:
    say = text()
    st.subheader(say("runs.history"))
    undo_bar()
    say_refused("history")
    over = [one for one in seen if one.is_over]
    spending_chart(seen, now())
    if over:
        found = _looked_for(over)
        if found:
            _table(found)
        else:
            st.caption(say("runs.none_found"))
    else:
        st.caption(say("runs.none_over"))
        if not seen:
            st.page_link("pages/calibrate.py", label=say("runs.start_one"), icon=":material/speed:")
    chosen = [one for one in seen if one.run_id in chosen_ids()]
    if len(chosen) == 1:
        details_section(chosen[0])
    elif chosen:
        several_section(chosen)
    elif over:
        st.caption(say("runs.choose"))
    trash_section()


def _looked_for(over: Sequence[Summary]) -> list[Summary]:
    """What the fields above the table ask for; fields with nothing to choose are left out."""
    say = text()
    row = st.container(horizontal=True, vertical_alignment="bottom")
    words = row.text_input(
        say("runs.search"),
        key="runs.words",
        placeholder=say("runs.search_help"),
        width=300,
    )
    here = {state_of(one) for one in over}
    states = row.multiselect(
        say("runs.state"),
        [state for state in STATES if state in here],
        format_func=state_word,
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
    if any(one.archived for one in over):
        archived = row.toggle(say("runs.with_archived"), key="runs.archived")
    return matching_runs(over, words=words, states=states, tags=tags, archived=archived)


def _table(found: Sequence[Summary]) -> None:
    """One run a row. Which are chosen is known by their ids: rows may be others at the next
    look, and so the table of other rows is another one."""
    ids, time_unit = [one.run_id for one in found], _time_unit(found)
    key = f"runs.table#{hash(tuple(ids))}"
    rows = [ids.index(run_id) for run_id in chosen_ids() if run_id in ids]
    st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": []}}

    def take() -> None:
        choose([ids[row] for row in st.session_state[key]["selection"]["rows"]])

    st.dataframe(
        _cells(found, time_unit),
        key=key,
        hide_index=True,
        height=_ROW_PX * (1 + min(len(found), _MOST_ROWS_SHOWN)) + 3,
        on_select=take,
        selection_mode="multi-row",
        column_config=_columns(found, time_unit),
        placeholder="–",
    )


def _cells(found: Sequence[Summary], time_unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "state": [state_of(one)],
                "name": one.name,
                "created_at": local(one.created_at),
                "done": 100 * one.steps_done / one.steps if one.steps else None,
                "held_out_loss": one.held_out_loss,
                "cost_usd": None if one.unreadable else one.cost_usd,
                "disk_bytes": one.disk.total_bytes,
                "tags": list(one.tags),
                "steps_time": None if one.unreadable else one.hours / _TIME_UNITS_HOURS[time_unit],
                "n_parameters": one.n_parameters or None,
            }
            for one in found
        ]
    )


def _columns(found: Sequence[Summary], time_unit: str) -> dict[str, Any]:
    say, column = text(), st.column_config
    cost_decimals = _decimals(one.cost_usd for one in found)
    return {
        "state": column.MultiselectColumn(
            say("runs.column.state"),
            options=list(STATES),
            format_func=state_word,
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
        "tags": column.ListColumn(say("runs.column.tags"), width=130) if all_tags(found) else None,
        "steps_time": column.NumberColumn(
            say("runs.column.steps_time", unit=say(f"runs.time_unit.{time_unit}")), format="%.2f"
        ),
        "n_parameters": column.NumberColumn(say("runs.column.n_parameters"), format="compact"),
    }


def _time_unit(found: Sequence[Summary]) -> str:
    """The largest of which the longest run took two or more."""
    longest_hours = max(one.hours for one in found)
    fitting = (unit for unit, hours in _TIME_UNITS_HOURS.items() if longest_hours >= 2 * hours)
    return next(fitting, "seconds")


def _decimals(amounts: Iterable[float]) -> int:
    """Cents, or as many decimals as show two digits of most amounts."""
    known = [amount for amount in amounts if amount > 0]
    if not known:
        return 2
    return min(max(2, 1 - math.floor(math.log10(statistics.median(known)))), 6)

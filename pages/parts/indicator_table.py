"""Indicators at the end of each year, with their definitions and sources."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from finance.metrics.indicator_report import indicator_rows, year_ends
from finance.metrics.indicators import Values
from pages.parts.session import text


def indicator_table(rows: Sequence[Values], keys: Sequence[str] = ()) -> None:
    """Draw a row for each of ``keys``, by default all indicators."""
    say = text()
    heads = [
        say("business.indicator"),
        *(say("business.to_month", n=month) for month in year_ends(len(rows))),
    ]
    st.dataframe(
        pd.DataFrame(indicator_rows(say, rows, keys), columns=heads),
        hide_index=True,
        column_config={heads[0]: st.column_config.TextColumn(pinned=True, width=230)},
        height="content",
        alt=say("business.indicator"),
    )
    with st.expander(say("business.definitions"), icon=":material/menu_book:"):
        for key in keys or rows[0]:
            st.markdown(
                f"- **{say(f'indicator.{key}.label')}** · {say(f'indicator.{key}.definition')}"
            )

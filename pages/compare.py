"""Page Compare: two to four scenarios or versions side by side, the differences first."""

from __future__ import annotations

import streamlit as st

from pages.parts.charts import draw
from pages.parts.compare.charts import LINES, overlay
from pages.parts.compare.selection import Compared, choose, is_enough
from pages.parts.compare.tables import draw_differences, draw_outcomes
from pages.parts.frame import run_in_frame
from pages.parts.session import text
from pages.parts.tiles import show_answer

_CHART_HEIGHT = 290


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("compare.question"))
    show_answer(say("compare.intro"))
    chosen = choose()
    if not is_enough(chosen):
        st.info(say("compare.too_few"), icon=":material/compare_arrows:")
        return
    draw_differences(chosen)
    draw_outcomes(chosen)
    st.header(say("compare.charts_heading"))
    first, *others = LINES
    _chart(chosen, first)
    for column, name in zip(st.columns(len(others)), others, strict=True):
        with column:
            _chart(chosen, name)


def _chart(chosen: list[Compared], name: str) -> None:
    st.markdown(f"**{text()(f'compare.{name}')}**")
    draw(overlay(chosen, name), f"compare_{name}", height=_CHART_HEIGHT)


run_in_frame(page)

"""Page Compare: two to four scenarios or versions side by side, the differences first."""

from __future__ import annotations

import streamlit as st

from pages.parts.charts import draw
from pages.parts.compare.charts import LINES, overlay
from pages.parts.compare.selection import choose, is_enough
from pages.parts.compare.tables import draw_differences, draw_outcomes
from pages.parts.frame import run_in_frame
from pages.parts.session import text


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("compare.question"))
    st.markdown(say("compare.intro"))
    chosen = choose()
    if not is_enough(chosen):
        st.info(say("compare.too_few"), icon=":material/compare_arrows:")
        return
    draw_differences(chosen)
    draw_outcomes(chosen)
    st.subheader(say("compare.charts_heading"))
    for name in LINES:
        st.markdown(f"**{say(f'compare.{name}')}**")
        draw(overlay(chosen, name), f"compare_{name}", height=300)


run_in_frame(page)

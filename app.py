"""The frame of the app: navigation, the scenario in hand, the language.

Start it with ``make run``.
"""

from __future__ import annotations

import streamlit as st

from pages.parts.frame import draw_frame
from pages.parts.session import text

st.set_page_config(page_title="Flopledger", page_icon=":material/account_balance:", layout="wide")

say = text()
PAGES = {
    "overview": ":material/dashboard:",
    "plan": ":material/architecture:",
    "scaling": ":material/trending_down:",
    "hardware": ":material/memory:",
    "calibrate": ":material/speed:",
    "runs": ":material/list_alt:",
    "evidence": ":material/fact_check:",
    "model": ":material/chat:",
    "business": ":material/storefront:",
    "runway": ":material/payments:",
    "funding": ":material/handshake:",
}
page = st.navigation(
    [
        st.Page(
            f"pages/{name}.py",
            title=say(f"page.{name}"),
            icon=icon,
            url_path=name,
            default=name == "overview",
        )
        for name, icon in PAGES.items()
    ],
    position="top",
)
draw_frame()
page.run()

"""Start the app: navigation between its pages, and the frame around each of them.

Run it with ``make run``.
"""

from __future__ import annotations

import streamlit as st

from engine.paths import PROJECT_DIR
from pages.parts.frame import draw_frame
from pages.parts.page_list import PAGES
from pages.parts.session import text

# A file, because browsers fetch the material icon of a tab from another host.
ICON = PROJECT_DIR / "pages" / "images" / "icon.svg"
st.set_page_config(page_title="Flopledger", page_icon=ICON, layout="wide")

say = text()
page = st.navigation(
    [
        st.Page(
            listed.script,
            title=say(listed.title_key),
            icon=listed.icon,
            url_path=listed.name,
            default=listed.is_first,
        )
        for listed in PAGES
    ],
    position="top",
)
draw_frame()
page.run()

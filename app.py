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
listed_pages = [
    st.Page(
        listed.script,
        title=say(listed.title_key),
        icon=listed.icon,
        url_path=listed.url_path,
        default=listed.is_first,
    )
    for listed in PAGES
]
first_page = listed_pages[0]


def open_first_page() -> None:
    """Open the first page; the query string, such as the scenario of a link, stays."""
    st.switch_page(first_page, query_params=st.query_params.to_dict())


# The first page is at the root of the address, but its name is natural to type.
by_name = st.Page(
    open_first_page, title=first_page.title, url_path=PAGES[0].name, visibility="hidden"
)
page = st.navigation([*listed_pages, by_name], position="top")
st.set_page_config(page_title=f"{page.title} · Flopledger")
if page is not by_name:
    draw_frame()
page.run()

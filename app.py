"""Start the app: the navigation between its pages, and the page that the address names.

Run it with ``make run``.
"""

from __future__ import annotations

from collections.abc import Callable

# Each session runs its pages in its own thread. Two threads that import parts of pandas for the
# first time can see a half-imported module; here, the second waits for the first.
import pandas  # noqa: F401
import streamlit as st

from engine.paths import PROJECT_DIR
from pages.parts.look import apply_look
from pages.parts.page_list import FIRST_PAGE, OPEN_PAGE, PAGES, SHOWS_SHARED
from pages.parts.session import scenario_session, text

# Streamlit shows a string on a line of its own in this script, so constants have comments.
NAVIGATION_PX = 232
# A file, because browsers fetch the material icon of a tab from another host.
ICON = PROJECT_DIR / "pages" / "images" / "icon.svg"
st.set_page_config(
    page_title="Flopledger", page_icon=ICON, layout="wide", initial_sidebar_state=NAVIGATION_PX
)

say = text()
apply_look(say.language)
is_shared = st.session_state[SHOWS_SHARED] = scenario_session().share is not None
listed_pages = {
    listed: st.Page(
        listed.script,
        title=say(listed.title_key),
        icon=listed.icon,
        url_path=listed.url_path,
        default=listed.is_first,
        # Links lead to hidden pages too; the frame says there why nothing is shown.
        visibility="hidden" if is_shared and not listed.is_shared else "visible",
    )
    for listed in PAGES
}


def opening(listed: st.Page) -> Callable[[], None]:
    """Return a function that opens a page and keeps the query string."""

    def open_listed() -> None:
        st.switch_page(listed, query_params=st.query_params.to_dict())

    return open_listed


# Further paths of a page, such as its name in earlier versions of the app.
redirects = [
    st.Page(opening(page), title=page.title, url_path=path, visibility="hidden")
    for listed, page in listed_pages.items()
    for path in listed.redirected_paths
]
groups: dict[str, list[st.Page]] = {}
for listed, page in listed_pages.items():
    groups.setdefault(say(f"page_group.{listed.group}"), []).append(page)
groups[say("page_group.start")] += redirects
chosen = st.navigation(groups, position="sidebar", expanded=True)
st.set_page_config(page_title=f"{chosen.title} · Flopledger", initial_sidebar_state=NAVIGATION_PX)
st.logo(ICON, size="large")
st.session_state[OPEN_PAGE] = next(
    (listed.name for listed, page in listed_pages.items() if page == chosen), FIRST_PAGE
)
chosen.run()

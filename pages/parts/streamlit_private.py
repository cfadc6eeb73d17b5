"""The parts of Streamlit that this app uses although they are not documented.

Each has its reason here. ``tests/pages/test_streamlit_private.py`` fails if Streamlit changes one
of them; no other module of the app imports from ``streamlit``'s submodules.
"""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator as Container
from streamlit.elements.lib.streamlit_plotly_theme import BG_COLOR, GRAY_90
from streamlit.runtime.pages_manager import PagesManager

__all__ = ["BG_COLOR", "GRAY_90", "Container", "page_runs_without_app"]
# ``Container`` is the type of what ``st.container``, ``st.columns`` and ``st.empty`` return.
# Streamlit has no public name for it, and functions that draw into a container need one.
#
# ``BG_COLOR`` and ``GRAY_90`` are colours that Streamlit's page replaces, wherever they are in a
# Plotly figure, by the background and the text colour of the theme in the browser. The server does
# not know that theme, and the grey of Streamlit's own axis labels has a contrast of only 3.7.


def page_runs_without_app() -> bool:
    """Return whether Streamlit runs a file of ``pages/`` by itself, without ``app.py``.

    A server does so until ``app.py`` calls ``st.navigation`` for the first time, because it takes
    a folder ``pages/`` for an app without navigation. There is no public way to find this out.
    """
    return bool(PagesManager.uses_pages_directory)

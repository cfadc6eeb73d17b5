"""The app's own style: its font, its style sheet, and the language of the document."""

from __future__ import annotations

from base64 import b64encode
from functools import cache

import streamlit as st

from engine.paths import PROJECT_DIR

_FOLDER = PROJECT_DIR / "pages" / "styles"
_LANGUAGE_TAGS = {"en": "en", "zh_Hans": "zh-Hans"}
"""Tags of BCP 47 for the languages of the catalogs."""


_SCRIPT = """<script>
document.documentElement.lang = "%s";
const mendLists = () => {
  const list = "ul[data-testid=stSidebarNavItems]";
  for (const part of document.querySelectorAll(`${list}, ${list} li`))
    part.setAttribute("role", "none");
};
mendLists();
if (!window.flopledgerMendsLists) {
  window.flopledgerMendsLists = new MutationObserver(mendLists);
  window.flopledgerMendsLists.observe(document.body, { childList: true, subtree: true });
}
</script>"""


def apply_look(language: str) -> None:
    """Put the style sheet into the page, and mend what Streamlit states about the document.

    Screen readers choose their voice, and browsers the shapes of Chinese characters, by the
    language of the document; Streamlit writes English into every page. Its navigation with groups
    is a list whose items are not its children, which screen readers announce as an empty list; the
    links are announced without it.
    """
    st.html(style_sheet())
    with st.container(key="document_language"):
        st.html(_SCRIPT % _LANGUAGE_TAGS[language], unsafe_allow_javascript=True)


@cache
def style_sheet() -> str:
    """Return the style sheets, and the font in them, so that no file is fetched for either."""
    font = b64encode((_FOLDER / "geist-latin.woff2").read_bytes()).decode("ascii")
    face = (
        "@font-face{font-family:Geist;font-weight:100 900;font-display:block;"
        f"src:url(data:font/woff2;base64,{font}) format('woff2')}}"
    )
    sheets = [face, *(file.read_text("utf-8") for file in sorted(_FOLDER.glob("*.css")))]
    return "".join(f"<style>{sheet}</style>" for sheet in sheets)

"""The pages of the app, in the order of the navigation.

The app, the tests, the screenshots and ``docs/pages.md`` all use this list. To add a page, add an
entry here, the file ``pages/<name>.py``, and the keys ``page.<name>`` (its title) and
``<name>.question`` (its heading) to the catalogs of both languages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppPage:
    """One page of the app."""

    name: str
    """Name of its file, its path in the address, and its keys in the catalogs."""
    icon: str
    """Material icon in the navigation, as Streamlit writes it."""

    @property
    def script(self) -> str:
        """Path of the page's file, relative to ``app.py``."""
        return f"pages/{self.name}.py"

    @property
    def url_path(self) -> str:
        """Path of the page in the address; the first page is at the root.

        ``app.py`` leads from the first page's name to the root.
        """
        return "" if self.is_first else self.name

    @property
    def is_first(self) -> bool:
        """Whether the app opens with this page."""
        return self.name == PAGES[0].name

    @property
    def title_key(self) -> str:
        """Catalog key of the page's title in the navigation."""
        return f"page.{self.name}"

    @property
    def question_key(self) -> str:
        """Catalog key of the page's heading, the question that it answers."""
        return f"{self.name}.question"


PAGES = (
    AppPage("overview", ":material/dashboard:"),
    AppPage("plan", ":material/architecture:"),
    AppPage("scaling", ":material/trending_down:"),
    AppPage("hardware", ":material/memory:"),
    AppPage("calibrate", ":material/speed:"),
    AppPage("runs", ":material/list_alt:"),
    AppPage("evidence", ":material/fact_check:"),
    AppPage("model", ":material/chat:"),
    AppPage("business", ":material/storefront:"),
    AppPage("runway", ":material/payments:"),
    AppPage("funding", ":material/handshake:"),
)

"""The pages of the app, in the order and the groups of the navigation.

The app, the tests, the screenshots and ``docs/pages.md`` all use this list. To add a page, add an
entry here, the file ``pages/<name>.py``, and the keys ``page.<name>`` (its title) and
``<name>.question`` (its heading) to the catalogs of both languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["start", "decide", "company", "model", "prove"]
"""Group of pages in the navigation; the catalogs have its title under ``page_group``."""

FIRST_PAGE = "summary"
"""Name of the page at the root of the address."""

OPEN_PAGE = "open_page"
"""Key in the session's state of the name of the open page."""

SHOWS_SHARED = "shows_shared"
"""Key in the session's state of whether the navigation is that of a shared scenario."""

PAGES_OF_THE_MACHINE = frozenset({"start", "compare", "calibrate", "runs", "models"})
"""Pages about runs and scenarios of this machine, which the reader of a share link does not see."""


@dataclass(frozen=True, slots=True)
class AppPage:
    """One page of the app."""

    name: str
    """Name of its file, its path in the address, and its keys in the catalogs."""
    icon: str
    """Material icon in the navigation, as Streamlit writes it."""
    group: Group
    """Group of the navigation that lists the page."""
    earlier_names: tuple[str, ...] = ()
    """Paths of earlier versions of the app that lead to this page."""

    @property
    def script(self) -> str:
        """Path of the page's file, relative to ``app.py``."""
        return f"pages/{self.name}.py"

    @property
    def url_path(self) -> str:
        """Path of the page in the address; the page that opens first is at the root."""
        return "" if self.is_first else self.name

    @property
    def is_first(self) -> bool:
        """Whether the app opens with this page."""
        return self.name == FIRST_PAGE

    @property
    def redirected_paths(self) -> tuple[str, ...]:
        """Further paths in the address that ``app.py`` leads to the page."""
        return (self.name, *self.earlier_names) if self.is_first else self.earlier_names

    @property
    def is_shared(self) -> bool:
        """Whether the reader of a share link sees the page: it is about the scenario alone."""
        return self.name not in PAGES_OF_THE_MACHINE

    @property
    def title_key(self) -> str:
        """Catalog key of the page's title in the navigation."""
        return f"page.{self.name}"

    @property
    def question_key(self) -> str:
        """Catalog key of the page's heading, the question that it answers."""
        return f"{self.name}.question"


PAGES = (
    AppPage("start", ":material/home:", "start"),
    AppPage("summary", ":material/verified:", "decide", ("overview",)),
    AppPage("compare", ":material/compare_arrows:", "decide"),
    AppPage("assumptions", ":material/rule:", "decide"),
    AppPage("revenue", ":material/storefront:", "company", ("business",)),
    AppPage("costs", ":material/groups:", "company"),
    AppPage("cash", ":material/payments:", "company", ("runway",)),
    AppPage("funding", ":material/handshake:", "company"),
    AppPage("train", ":material/model_training:", "model", ("plan", "scaling")),
    AppPage("cluster", ":material/dns:", "model", ("hardware",)),
    AppPage("serving", ":material/cloud:", "model"),
    AppPage("calibrate", ":material/speed:", "prove"),
    AppPage("runs", ":material/list_alt:", "prove"),
    AppPage("models", ":material/chat:", "prove", ("model",)),
    AppPage("evidence", ":material/fact_check:", "prove"),
)

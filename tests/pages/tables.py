"""Read the HTML tables of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from streamlit.testing.v1 import AppTest


@dataclass
class ReadTable:
    """Texts of a table, and the classes of its bodies."""

    rows: list[list[str]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    """Class of the body of each row, empty for the head."""
    n_open: int = 0
    """Number of rows that are open."""

    def row(self, head: str) -> list[str]:
        """Return the cells of the row whose name begins with ``head``."""
        return next(row[1:] for row in self.rows if row[0].startswith(head))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.table, self._kind = ReadTable(), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tbody":
            self._kind = dict(attrs).get("class") or ""
        elif tag == "tr":
            self.table.rows.append([])
            self.table.kinds.append(self._kind)
        elif tag in ("th", "td"):
            self.table.rows[-1].append("")
        elif tag == "input" and ("checked", None) in attrs:
            self.table.n_open += 1

    def handle_data(self, data: str) -> None:
        if self.table.rows and self.table.rows[-1]:
            self.table.rows[-1][-1] += data


def html_tables(app: AppTest) -> list[ReadTable]:
    """Return the tables of a page that are written as HTML."""
    found = []
    for element in app.get("html"):
        if "<table" in element.proto.body:
            reader = _Reader()
            reader.feed(element.proto.body)
            found.append(reader.table)
    return found

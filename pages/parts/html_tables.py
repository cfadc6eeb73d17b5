"""Tables of figures as HTML: rows that open, notes, and small trend lines.

Streamlit draws its own tables on a canvas, which has neither rows that open nor text that a screen
reader or the browser's search can find. Opening and closing happen in the browser, without a rerun.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import streamlit as st

from engine.paths import PROJECT_DIR

STYLE = PROJECT_DIR / "pages" / "styles" / "tables.css"
_TREND_WIDTH, _TREND_HEIGHT = 84.0, 20.0
"""Size of a trend line in pixels."""
_TREND_COLOR = "#2E86C1"
"""Colour of a trend line, which is visible on light and on dark backgrounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of a table; its texts are escaped when the table is written."""

    head: str
    cells: Sequence[str] = ()
    kind: str = ""
    """CSS class: total, group, account or section, or empty for an ordinary row."""
    note: str = ""
    """Text that opens below the row's name."""
    trend: Sequence[float | None] | None = None
    """Values for a line beside the name."""
    inside: Sequence[TableRow] = ()
    """Rows that open below this row."""


def html_table(
    label: str, heads: Sequence[str], rows: Sequence[TableRow], *, is_open: bool = False
) -> None:
    """Draw a table.

    Parameters
    ----------
    label
        Accessible name of the table.
    heads
        Names of the columns; the first is that of the rows' names.
    is_open
        Whether rows are open at first.
    """
    st.html(STYLE)
    st.html(table_text(label, heads, rows, is_open=is_open))


def table_text(
    label: str, heads: Sequence[str], rows: Sequence[TableRow], *, is_open: bool = False
) -> str:
    """Return a table as HTML."""
    columns = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in heads)
    bodies = "".join(_body(row, len(heads), is_open) for row in rows)
    theme = "".join(
        f"--{scheme}: {st.get_option(f'theme.{scheme}.backgroundColor')};"
        for scheme in ("light", "dark")
    )
    return (
        f'<div class="figures" tabindex="0" role="region" aria-label="{html.escape(label)}" '
        f'style="{theme}"><table aria-label="{html.escape(label)}">'
        f"<thead><tr>{columns}</tr></thead>{bodies}</table></div>"
    )


def _body(row: TableRow, n_columns: int, is_open: bool) -> str:
    if row.kind == "section":
        return (
            f'<tbody class="section"><tr><th scope="rowgroup" colspan="{n_columns}">'
            f"{html.escape(row.head)}</th></tr></tbody>"
        )
    first = _head(row)
    if row.inside:
        checked = " checked" if is_open else ""
        first = (
            f'<label><input type="checkbox"{checked} aria-label="{html.escape(row.head)}">'
            f"{first}</label>"
        )
    body = f'<tbody class="{row.kind or "row"}">{_line(first, row.cells)}</tbody>'
    if row.inside:
        inside = "".join(_line(_head(account), account.cells) for account in row.inside)
        body += f'<tbody class="account">{inside}</tbody>'
    return body


def _line(first: str, cells: Sequence[str]) -> str:
    shown = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{first}</th>{shown}</tr>'


def _head(row: TableRow) -> str:
    name = html.escape(row.head)
    if row.note:
        name = f"<details><summary>{name}</summary><p>{html.escape(row.note)}</p></details>"
    if row.trend is None:
        return name
    return f'<div class="with-trend">{name}{trend_line(row.trend)}</div>'


def trend_line(values: Sequence[float | None]) -> str:
    """Return a line over the values as a picture; gaps are left where a value is None."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    height = (high - low) or 1.0
    step = _TREND_WIDTH / max(len(values) - 1, 1)
    path, pen_is_down = "", False
    for place, value in enumerate(values):
        if value is not None:
            y = _TREND_HEIGHT - 2 - (_TREND_HEIGHT - 4) * (value - low) / height
            path += f"{'L' if pen_is_down else 'M'}{place * step:.1f} {y:.1f}"
        pen_is_down = value is not None
    # A picture, because the browser removes SVG elements from HTML that an app inserts.
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_TREND_WIDTH:g}" '
        f'height="{_TREND_HEIGHT:g}"><path d="{path}" fill="none" stroke="{_TREND_COLOR}" '
        'stroke-width="1.5"/></svg>'
    )
    return f'<img alt="" src="data:image/svg+xml,{quote(picture)}">'

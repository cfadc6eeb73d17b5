"""A list of documents in the scenario as a table; a click on a row opens the entry in a drawer."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import streamlit as st

from engine import quantities
from engine.document_paths import field_name, value_at
from finance.company.defaults import ONLY_KIND, kinds_of
from finance.metrics.entry_totals import EntryTotal
from pages.parts.entry_lists import changes
from pages.parts.entry_lists.cells import Context, cell, total_of
from pages.parts.entry_lists.drawer import draw_drawer
from pages.parts.entry_lists.figures import context_of
from pages.parts.entry_lists.lists import LISTS, NUMBERS, SUMMED, WIDTHS, Cell, entry_name
from pages.parts.entry_lists.opened import open_entry
from pages.parts.fields import draw_error, option_label
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.user_text import escaped_markdown

ROWS_PER_PAGE = 12
_ACTIONS: dict[str, Callable[[str, int], None]] = {
    "duplicate": changes.duplicate_entry,
    "up": lambda path, index: changes.move_entry(path, index, -1),
    "down": lambda path, index: changes.move_entry(path, index, 1),
    "remove": changes.remove_entry,
}


def entries(path: str) -> None:
    """Draw the list at ``path``: all its entries, ways to change them, and the opened entry."""
    name = field_name(path)
    documents = value_at(draft(), path)
    _head(path, name, len(documents))
    if documents:
        _table(path, name, documents)
    else:
        st.caption(text()(f"entries.{name}_none"))
    _after_changes(path)
    draw_drawer(path)


def _head(path: str, name: str, n_entries: int) -> None:
    say = text()
    with st.container(horizontal=True, vertical_alignment="center", key=f"entry_head-{name}"):
        st.markdown(f"**{say(f'entry_table.title.{name}')}**  {n_entries or ''}", width="stretch")
        kinds, is_read_only = kinds_of(name), scenario_session().is_read_only
        if kinds == (ONLY_KIND,):
            st.button(
                say("entries.add"),
                key=f"add.{path}",
                icon=":material/add:",
                on_click=changes.add_entry,
                args=(path, ONLY_KIND),
                disabled=is_read_only,
            )
        else:
            labels = {kind: option_label("kind", kind) for kind in kinds}
            st.menu_button(
                say("entries.add"),
                kinds,
                format_func=labels.__getitem__,
                key=f"add.{path}",
                icon=":material/add:",
                on_click=_add_chosen,
                args=(path,),
                disabled=is_read_only,
            )


def _add_chosen(path: str) -> None:
    changes.add_entry(path, st.session_state[f"add.{path}"])


def _table(path: str, name: str, documents: Sequence[Any]) -> None:
    say, columns = text(), LISTS[name].columns
    now, _ = projections()
    context = context_of(now, with_run_costs="cost" in columns)
    first = _first_row(path, len(documents))
    with st.container(key=f"entry_table-{name}", gap=None):
        heads = [(code, say(f"entry_table.column.{code}")) for code in columns]
        st.html(_cells_html(heads, "entry-cells entry-heads"))
        for index, entry in list(enumerate(documents))[first : first + ROWS_PER_PAGE]:
            _row(context, path, index, entry, columns, len(documents))
        _sums(context, path, len(documents), columns)


def _first_row(path: str, n_entries: int) -> int:
    """Return the first row of the open page of a long table."""
    if n_entries <= ROWS_PER_PAGE:
        return 0
    n_pages = -(-n_entries // ROWS_PER_PAGE)
    page = st.pagination(n_pages, key=f"entry_pages.{path}.{n_pages}")
    return (page - 1) * ROWS_PER_PAGE


def _row(
    context: Context, path: str, index: int, entry: Any, columns: Sequence[Cell], n_entries: int
) -> None:
    say, here = text(), f"{path}.{index}"
    is_refused = any(place.startswith(f"{here}.") for place in scenario_session().errors)
    name = entry_name(entry)
    with st.container(key=f"entry_row-{path.replace('.', '-')}-{index}"):
        st.button(
            escaped_markdown(name),
            key=f"open.{here}",
            type="tertiary",
            icon=":material/error:" if is_refused else None,
            on_click=open_entry,
            args=(here,),
        )
        texts = [(code, cell(context, code, here, entry)) for code in columns]
        st.html(_cells_html(texts, "entry-cells", labelled=True))
        left_out = {"up": index == 0, "down": index == n_entries - 1}
        labels = {
            code: say(f"entry_table.action.{code}")
            for code in _ACTIONS
            if not left_out.get(code, False)
        }
        st.menu_button(
            say("entry_table.more", name=escaped_markdown(name)),
            list(labels),
            format_func=labels.__getitem__,
            key=f"act.{here}",
            type="tertiary",
            icon=":material/more_vert:",
            on_click=_act,
            args=(path, index),
            disabled=scenario_session().is_read_only,
        )


def _act(path: str, index: int) -> None:
    _ACTIONS[st.session_state[f"act.{path}.{index}"]](path, index)


def _cells_html(cells: Sequence[tuple[Cell, str]], css: str, *, labelled: bool = False) -> str:
    """Return the cells of a row; narrow screens show the label of each cell beside it."""
    say = text()
    spans = []
    for code, content in cells:
        label = html.escape(say(f"entry_table.column.{code}"))
        small = f"<small>{label}</small>" if labelled else ""
        kinds = [
            kind for kind, holds in (("number", code in NUMBERS), ("empty", not content)) if holds
        ]
        css_class = f' class="{" ".join(kinds)}"' if kinds else ""
        spans.append(f"<span{css_class}>{small}{html.escape(content)}</span>")
    widths = " ".join(f"minmax(0,{WIDTHS.get(code, 1)}fr)" for code, _ in cells)
    return f'<div class="{css}" style="--columns:{widths}">{"".join(spans)}</div>'


def _sums(context: Context, path: str, n_entries: int, columns: Sequence[Cell]) -> None:
    """Draw the sums of the columns that have one, if there are several entries."""
    say = text()
    if n_entries < 2 or not SUMMED & set(columns):
        return
    texts: list[tuple[Cell, str]] = []
    for code in columns:
        if code in SUMMED:
            parts = (
                total_of(code, context.totals.get(f"{path}.{index}", EntryTotal()))
                for index in range(n_entries)
            )
            texts.append((code, quantities.usd(sum(parts, Decimal(0)), say.language)))
        else:
            texts.append((code, ""))
    texts[0] = (texts[0][0], say("entry_table.sum"))
    st.html(_cells_html(texts, "entry-cells entry-heads"))


def _after_changes(path: str) -> None:
    """Show why a change of the list was refused, and the offer to undo a removal."""
    say, session = text(), scenario_session()
    error = session.errors.get(path)
    if error is not None:
        draw_error(path, error)
    removed = changes.removed_name(path)
    if removed is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(say("entry_table.removed", name=escaped_markdown(removed)), width="content")
            st.button(
                say("entry_table.undo"),
                key=f"undo_removal.{path}",
                type="tertiary",
                icon=":material/undo:",
                on_click=session.undo,
            )

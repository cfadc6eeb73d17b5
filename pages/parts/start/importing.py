"""Import of a spreadsheet: file, columns, a preview with the refused rows, and one change."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal

import pandas as pd
import streamlit as st

from engine.documents import InputError
from finance.spreadsheets.applying import import_changes
from finance.spreadsheets.columns import IMPORT_KINDS, ImportKind, fields_of, guess_columns
from finance.spreadsheets.reading import Table, read_table, table_of_text
from finance.spreadsheets.rows import ReadRows, read_rows
from pages.parts.fields import option_label
from pages.parts.session import scenario_session, text
from pages.parts.start.inputs import show_amount, show_percent
from pages.parts.start.state import start_state

SHOWN_ROWS = 20
"""Rows that the preview shows."""
_PREVIEW = {
    "people": ("title", "people", "cost_usd_per_month", "start_month", "function", "region"),
    "costs": ("name", "category", "amount_per_month", "first_month", "share_of_revenue"),
    "revenue": ("name", "price_per_year", "launch_month", "renewal_share"),
    "cap_table": ("holder", "role", "security", "shares", "price", "amount", "cap"),
}
"""Fields of the entries that the preview shows."""
_AMOUNTS = frozenset(
    {"cost_usd_per_month", "amount_per_month", "price_per_year", "shares", "amount", "cap"}
)
_SHARES = frozenset({"share_of_revenue", "renewal_share"})


@st.fragment
def draw_import() -> None:
    """Draw the import of a table into the scenario that is open."""
    say = text()
    session = scenario_session()
    if st.button(say("start.back"), key="import.leave", icon=":material/arrow_back:"):
        start_state().show("home")
        st.rerun()
    st.header(say("import.title", name=session.draft.name), anchor=False)
    kind: ImportKind = st.segmented_control(
        say("import.kind_label"),
        IMPORT_KINDS,
        default="people",
        format_func=lambda name: say(f"import.kind.{name}"),
        key="import.kind",
        required=True,
    )
    st.caption(say(f"import.kind_note.{kind}"))
    table = _table(kind)
    if table is None:
        return
    mapped = _columns(kind, table)
    rate = _currency()
    try:
        rows = read_rows(kind, table, mapped, session.draft.company.first_month, rate)
    except InputError as error:
        st.warning(error.in_language(say.language), icon=":material/table_chart:")
        return
    _preview(rows)
    _apply(rows)


def _table(kind: ImportKind) -> Table | None:
    say = text()
    uploaded = st.file_uploader(
        say("import.file"), type=["csv", "xlsx", "tsv", "txt"], key=f"import.file.{kind}"
    )
    pasted = st.text_area(say("import.paste"), key=f"import.pasted.{kind}", height=90)
    try:
        if uploaded is not None:
            return read_table(uploaded.getvalue(), uploaded.name)
        if pasted.strip():
            return table_of_text(pasted, say("start.pasted_name"))
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
    return None


def _columns(kind: ImportKind, table: Table) -> Mapping[str, str]:
    """Draw a list of the file's columns for each field, with the guess chosen."""
    say = text()
    guessed = guess_columns(kind, table.columns)
    mapped: dict[str, str] = {}
    st.markdown(f"**{say('import.columns')}**")
    names = list(fields_of(kind))
    shape = hash(table.columns)
    for start in range(0, len(names), 4):
        for column, name in zip(st.columns(4), names[start : start + 4], strict=False):
            with column:
                options = ["", *table.columns]
                chosen = st.selectbox(
                    say(f"import.field.{name}"),
                    options,
                    index=options.index(guessed.get(name, "")),
                    format_func=lambda label: label or say("import.no_column"),
                    key=f"import.column.{kind}.{name}.{shape}",
                )
                if chosen:
                    mapped[name] = chosen
    return mapped


def _currency() -> Decimal:
    """Return the value of one unit of the file's currency in USD."""
    say = text()
    rates = {"USD": Decimal(1)} | scenario_session().draft.company.exchange_rates
    if len(rates) == 1:
        return Decimal(1)
    chosen = st.selectbox(say("import.currency"), list(rates), key="import.currency")
    return rates[chosen]


def _preview(rows: ReadRows) -> None:
    say = text()
    st.markdown(f"**{say('import.preview', n=len(rows.entries))}**")
    names = _PREVIEW[rows.kind]
    shown = [
        {"#": number}
        | {say(f"import.entry.{name}"): _cell(name, entry.get(name)) for name in names}
        for number, entry in zip(rows.numbers, rows.entries, strict=True)
    ]
    if shown:
        st.table(pd.DataFrame(shown[:SHOWN_ROWS]).set_index("#"))
    if len(shown) > SHOWN_ROWS:
        st.caption(say("import.more", n=len(shown) - SHOWN_ROWS))
    if rows.bad:
        st.markdown(f":red[{say('import.bad', n=len(rows.bad))}]")
        lines = [
            say("start.bad_row", n=bad.number, reason=bad.error.in_language(say.language))
            for bad in rows.bad[:SHOWN_ROWS]
        ]
        st.code("\n".join(lines), language=None)


def _cell(name: str, value: object) -> str:
    """Return a value of an entry as the preview shows it."""
    say = text()
    if value is None or value == "":
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if name in ("function", "category"):
        return option_label(name, value)
    if name in ("security", "role"):
        return say(f"import.code.{value}")
    if name in _AMOUNTS:
        return show_amount(value)
    if name in _SHARES:
        return show_percent(value)
    return str(value)


def _apply(rows: ReadRows) -> None:
    session, say = scenario_session(), text()
    replace = True
    if rows.kind != "cap_table":
        replace = (
            st.segmented_control(
                say("import.how"),
                ("add", "replace"),
                default="add",
                format_func=lambda how: say(f"import.how_{how}"),
                key="import.how",
                required=True,
            )
            == "replace"
        )
    apply = st.button(
        say("import.apply", n=len(rows.entries)),
        key="import.apply",
        type="primary",
        icon=":material/download_done:",
        disabled=not rows.entries,
    )
    if not apply:
        return
    try:
        changes = import_changes(session.draft, rows, replace=replace)
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/block:")
        return
    if session.change(changes, by="imported"):
        st.toast(say("import.done", n=len(rows.entries)), icon=":material/check:")
        start_state().show("home")
        st.rerun()
    elif session.error is not None:
        st.error(session.error.in_language(say.language), icon=":material/block:")

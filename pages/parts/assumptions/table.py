"""The register of assumptions as a table with filters, a download, and a way to each field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine.text import Catalog
from finance.company.provenance import OriginKind
from finance.verdict.ranges import InputKind, InputRange, input_ranges
from finance.verdict.register import Assumption
from pages.parts.input_words import (
    input_page,
    input_place,
    range_in_words,
    unit_in_words,
    value_in_words,
)
from pages.parts.session import draft, scenario_session, text

ALL = "all"
ORIGINS: tuple[OriginKind, ...] = ("user", "measured", "imported", "default")
_HEIGHT = 560


def draw_table(rows: Sequence[Assumption]) -> None:
    """Draw the filters and the table; a selected row opens the page of its field."""
    say = text()
    data = draft().model_dump(mode="json")
    shown = sorted(_filtered(say, data, rows), key=_strength, reverse=True)
    if not shown:
        st.info(say("assumptions.nothing_found"), icon=":material/search_off:")
        return
    link = st.empty()
    frame = register_frame(say, data, shown)
    chosen = st.dataframe(
        frame,
        hide_index=True,
        height=min(_HEIGHT, 38 + 35 * len(frame)),
        key=f"register#{scenario_session().revision}",
        on_select="rerun",
        selection_mode="single-row",
        column_config=_columns(say),
        alt=say("assumptions.question"),
    )
    selected = chosen["selection"]["rows"]
    if not selected:
        link.caption(say("assumptions.select_hint"))
        return
    row = shown[selected[0]]
    page = input_page(row.input.path)
    link.page_link(
        f"pages/{page}.py",
        label=f"{input_place(say, data, row.input.path)}: "
        + say("assumptions.open", page=say(f"page.{page}")),
        icon=":material/arrow_forward:",
    )


def _strength(row: Assumption) -> tuple[float, float]:
    if row.driver is None:
        return -1.0, -1.0
    return row.driver.runway_spread_months, row.driver.cash_spread_usd


def _filtered(say: Catalog, data: dict[str, Any], rows: Sequence[Assumption]) -> list[Assumption]:
    unstated = sum(not row.counts for row in rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            say("assumptions.search"),
            key="register.search",
            help=say("assumptions.search_help"),
            icon=":material/search:",
            width=260,
        )
        origin = st.segmented_control(
            say("assumptions.set_by"),
            [ALL, *ORIGINS],
            format_func=lambda code: say(
                "assumptions.all" if code == ALL else f"input_origin.{code}"
            ),
            default=ALL,
            key=f"register.origin#{say.language}",
            required=True,
        )
        with_unstated = st.toggle(
            say("assumptions.unstated", n=unstated),
            key="register.unstated",
            disabled=not unstated,
        )
    return [
        row
        for row in rows
        if (row.counts or with_unstated)
        and origin in (ALL, row.origin.by)
        and _matches(say, data, row, typed)
    ]


def _matches(say: Catalog, data: dict[str, Any], row: Assumption, typed: str) -> bool:
    if not typed.strip():
        return True
    words = " ".join((input_place(say, data, row.input.path), row.input.path, row.origin.source))
    return all(word in words.casefold() for word in typed.casefold().split())


def register_frame(say: Catalog, data: dict[str, Any], rows: Sequence[Assumption]) -> pd.DataFrame:
    """Return a row for each assumption; numbers of effects stay numbers, so that they sort."""
    return pd.DataFrame(
        [_row(say, data, row) for row in rows],
        columns=[
            "input", "value", "unit", "set_by", "moves", "moves_cash", "range", "basis", "source",
            "as_of", "page",
        ],
    ).astype({"moves": "Float64", "moves_cash": "Float64"})  # fmt: skip


def _row(say: Catalog, data: dict[str, Any], row: Assumption) -> list[Any]:
    path, driver = row.input.path, row.driver
    return [
        input_place(say, data, path, with_page=True),
        value_in_words(say, path, row.input.value, row.unit),
        unit_in_words(say, row.unit),
        say(f"input_origin.{row.origin.by}"),
        None if driver is None else round(driver.runway_spread_months, 2),
        None if driver is None else round(driver.cash_spread_usd),
        "" if driver is None else range_in_words(say, driver, row.unit),
        "" if driver is None else range_basis(say, input_ranges()[driver.kind]),
        row.origin.source,
        None if row.origin.as_of is None else row.origin.as_of.isoformat(),
        say(f"page.{input_page(path)}"),
    ]


def range_basis(say: Catalog, span: InputRange) -> str:
    """Return what a range rests on."""
    if span.is_assumption:
        return say("driver.assumed")
    return say("driver.price_table" if span.kind is InputKind.COMPUTE_PRICE else "driver.interval")


def _columns(say: Catalog) -> dict[str, Any]:
    text_columns = ("input", "value", "unit", "set_by", "range", "source", "as_of", "page")
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(say(f"assumptions.{name}")) for name in text_columns
    }
    for name, width in (("input", 300), ("value", 110), ("unit", 150), ("range", 220)):
        columns[name] = st.column_config.TextColumn(say(f"assumptions.{name}"), width=width)
    columns["basis"] = st.column_config.TextColumn(say("assumptions.range_basis"))
    columns["moves"] = st.column_config.NumberColumn(
        say("assumptions.moves"), help=say("assumptions.moves_help"), format="%.1f"
    )
    columns["moves_cash"] = st.column_config.NumberColumn(
        say("assumptions.moves_cash"), format="localized"
    )
    return columns

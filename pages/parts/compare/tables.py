"""Tables of a comparison: the inputs that differ by page, and the outcomes side by side."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from engine import quantities
from engine.text import Catalog
from engine.units import SECONDS_PER_HOUR
from finance.scenarios.alignment import name_of
from finance.verdict.compare import ABSENT, Difference, Measure, Outcome, differences, outcomes
from finance.verdict.units import unit_of
from pages.parts.compare.selection import Compared
from pages.parts.input_words import input_page, input_place, unit_in_words, value_in_words
from pages.parts.page_list import PAGES
from pages.parts.session import text

Rows = list[list[str]]
_ROW_HEIGHT, _MOST_HEIGHT = 35, 460


def draw_differences(chosen: Sequence[Compared]) -> None:
    """Draw the inputs that differ, in groups by the page on which they are edited."""
    say = text()
    found = differences([compared.scenario for compared in chosen])
    if not found:
        st.info(say("compare.no_differences"), icon=":material/check:")
        return
    st.header(say("compare.differences_heading", n=len(found)))
    head = [
        say("compare.page"),
        say("compare.input"),
        *column_names(chosen),
        say("compare.unit"),
    ]
    rows = difference_rows(say, chosen, found)
    st.dataframe(
        _frame(head, rows),
        hide_index=True,
        height=min(_MOST_HEIGHT, _ROW_HEIGHT * (len(rows) + 1) + 3),
        alt=say("compare.differences_heading", n=len(found)),
    )
    st.download_button(
        say("compare.download_differences"),
        _csv(head, rows),
        "differences.csv",
        key="compare.differences",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )


def difference_rows(say: Catalog, chosen: Sequence[Compared], found: Sequence[Difference]) -> Rows:
    """Return rows of texts, in the order of the navigation: page, place, values and unit."""
    data = [compared.scenario.model_dump(mode="json") for compared in chosen]
    order = [page.name for page in PAGES]
    rows = []
    for difference in sorted(found, key=lambda entry: order.index(input_page(entry.path))):
        owner = difference.owner
        unit = "" if difference.is_entry else unit_of(chosen[owner].scenario, difference.path)
        rows.append(
            [
                say(f"page.{input_page(difference.path)}"),
                input_place(say, data[owner], difference.path),
                *(_value(say, difference, value, unit) for value in difference.values),
                unit_in_words(say, unit),
            ]
        )
    return rows


def _value(say: Catalog, difference: Difference, value: Any, unit: str) -> str:
    if value is ABSENT:
        return say("compare.absent")
    if isinstance(value, Mapping):
        return name_of(value) or str(value.get("kind") or say("compare.present"))
    if isinstance(value, list):
        return say("summary.comma").join(str(part) for part in value) or say("compare.absent")
    return value_in_words(say, difference.path, _number(value, unit), unit)


def _number(value: Any, unit: str) -> Any:
    """Return a decimal that plain data holds as a text, so that it is written as a number."""
    if unit and isinstance(value, str):
        return Decimal(value)
    return value


def draw_outcomes(chosen: Sequence[Compared]) -> None:
    """Draw the figures of all scenarios side by side, with the best of each row marked."""
    say = text()
    st.header(say("compare.outcomes_heading"))
    found = outcomes([compared.projection for compared in chosen])
    horizon = max(compared.projection.horizon_months for compared in chosen)
    head = [say("compare.outcome"), *column_names(chosen)]
    rows = [outcome_row(say, outcome, horizon) for outcome in found]
    st.dataframe(
        _frame(head, rows),
        hide_index=True,
        height="content",
        alt=say("compare.outcomes_heading"),
    )
    st.caption(say("compare.best_note"))
    st.download_button(
        say("compare.download_outcomes"),
        _csv(head, rows),
        "outcomes.csv",
        key="compare.outcomes",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )


def outcome_row(say: Catalog, outcome: Outcome, horizon: int) -> list[str]:
    """Return the name of a figure and its values as texts."""
    return [
        say(f"outcome.{outcome.name}"),
        *(
            _measure(say, outcome.name, value, horizon) + (" ●" if place in outcome.best else "")
            for place, value in enumerate(outcome.values)
        ),
    ]


def _measure(say: Catalog, name: str, value: Measure, horizon: int) -> str:
    language = say.language
    if value is None:
        return say("compare.absent")
    if isinstance(value, bool):
        return say("compare.yes" if value else "compare.no")
    if isinstance(value, Decimal) and math.isinf(value):
        return say("compare.beyond", n=horizon)
    if name.endswith("_usd"):
        return quantities.usd(value, language)
    if name.endswith("_months"):
        return quantities.months(value, language)
    if name.endswith("_share"):
        return quantities.share(value, language)
    if name.endswith("_hours"):
        return quantities.duration(float(value) * SECONDS_PER_HOUR, language)
    if name in ("parameters", "tokens"):
        return quantities.count(float(value), language)
    return quantities.number(value, language)


def column_names(chosen: Sequence[Compared]) -> list[str]:
    """Return a different name for each scenario, for the heads of columns."""
    names: list[str] = []
    for compared in chosen:
        name, number = compared.name, 2
        while name in names:
            name, number = f"{compared.name} ({number})", number + 1
        names.append(name)
    return names


def _frame(head: Sequence[str], rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(head))


def _csv(head: Sequence[str], rows: Rows) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([head, *rows])
    return file.getvalue().encode("utf-8-sig")

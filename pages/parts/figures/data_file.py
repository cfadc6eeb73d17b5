"""The data of a figure as CSV, as it is drawn: in the reader's currency and language."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from engine.text import Catalog
from pages.parts.figures.figure import Figure


def figure_csv(figure: Figure, say: Catalog) -> bytes:
    """Return the drawn values as CSV in UTF-8 with a byte order mark, which Excel needs.

    ``say`` is a parameter because the file is written on a thread without a session.
    Series over the same places share a row for each place. Otherwise each point has a row with
    the name of its series, and its bounds if it has any.
    """
    rows = _heat_map(figure) or _wide(figure) or _long(figure, say)
    file = io.StringIO()
    csv.writer(file).writerows([[_text(cell) for cell in row] for row in rows])
    return file.getvalue().encode("utf-8-sig")


Rows = list[list[Any]]


def _wide(figure: Figure) -> Rows:
    """Return a column for each series; nothing if the series are not over the same places."""
    series = [trace for trace in figure.data if trace.get("x") and trace.get("y")]
    places = series[0]["x"] if series else []
    if len(series) < 2 or any(
        trace["x"] != places or _has_bounds(trace) or not trace.get("name") for trace in series
    ):
        return []
    head = [_title(figure, series[0], "x"), *(_series_name(figure, trace) for trace in series)]
    return [head, *zip_longest(places, *(trace["y"] for trace in series))]  # type: ignore[list-item]


def _series_name(figure: Figure, trace: dict[str, Any]) -> str:
    return f"{_name(trace)}: {_title(figure, trace, 'y')}"


def _name(trace: dict[str, Any]) -> str:
    """Return the name of a series; ``meta`` has it where the legend names something else."""
    return str(trace.get("meta") or trace.get("name", ""))


def _long(figure: Figure, say: Catalog) -> Rows:
    """Return a row for each point."""
    series = [trace for trace in figure.data if trace.get("x") and trace.get("y")]
    bounded = any(_has_bounds(trace) for trace in series)
    labelled = any(_labels(trace) for trace in series)
    head = [say("chart.series")]
    if labelled:
        head.append(say("chart.label"))
    if series:
        head += [_title(figure, series[0], "x"), _title(figure, series[0], "y")]
    if bounded:
        head += [say("chart.low"), say("chart.high")]
    rows: Rows = [head]
    for trace in series:
        bounds = _bounds(trace)
        labels = _labels(trace)
        for place, (x, y) in enumerate(zip(trace["x"], trace["y"], strict=False)):
            row: list[Any] = [_name(trace)]
            if labelled:
                row.append(labels[place] if place < len(labels) else "")
            row += [x, y]
            if bounded:
                row += bounds[place] if bounds else ["", ""]
            rows.append(row)
    return rows


def _heat_map(figure: Figure) -> Rows:
    """Return a table of a heat map; nothing for other figures."""
    for trace in figure.data:
        if trace["type"] == "heatmap":
            across, down = (
                figure.layout.get(f"{letter}axis", {}).get("ticktext", trace[letter])
                for letter in "xy"
            )
            return [
                ["", *across],
                *([name, *row] for name, row in zip(down, trace["z"], strict=True)),
            ]
    return []


def _has_bounds(trace: dict[str, Any]) -> bool:
    return bool(trace.get("error_x") or trace.get("error_y"))


def _bounds(trace: dict[str, Any]) -> list[list[float]]:
    for letter in "xy":
        if error := trace.get(f"error_{letter}"):
            below = error.get("arrayminus", error["array"])
            return [
                [value - low, value + high]
                for value, low, high in zip(trace[letter], below, error["array"], strict=True)
            ]
    return []


def _labels(trace: dict[str, Any]) -> Sequence[str]:
    labels = trace.get("hovertext") or trace.get("text") or ()
    return () if isinstance(labels, str) else labels


def _title(figure: Figure, trace: dict[str, Any], letter: str) -> str:
    axis = str(trace.get(f"{letter}axis", letter))
    properties = figure.layout.get(f"{letter}axis{axis[1:]}", {})
    return str(properties.get("title", {}).get("text", letter))


def _text(cell: Any) -> Any:
    """Return a cell without the markup of labels."""
    if not isinstance(cell, str):
        return cell
    return html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip()

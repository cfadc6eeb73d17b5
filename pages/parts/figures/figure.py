"""A Plotly figure as plain data.

The methods have the names and arguments of ``plotly.graph_objects.Figure``, for the few that the
app uses. Plotly checks each property at each call, which made a chart cost 5 to 27 ms of CPU;
here a test checks the figures of all pages instead, and a chart costs less than 1 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from pages.parts.figures.ticks import Scale, axis_ticks


class Figure:
    """A chart: its marks, its layout, and a description for readers who do not see it.

    Parameters
    ----------
    alt
        The subject of the chart and its main numbers, as one sentence in the reader's language.
    """

    def __init__(self, alt: str = "") -> None:
        self.alt = alt
        self.data: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = {"shapes": [], "annotations": []}
        self.rows_above = 0
        """Rows of labels above the plot."""
        self._scales: dict[str, tuple[Scale, bool, str | None]] = {}

    def add_scatter(self, **trace: Any) -> None:
        """Add a line or points."""
        self._add("scatter", trace)

    def add_bar(self, **trace: Any) -> None:
        """Add bars."""
        self._add("bar", trace)

    def add_heatmap(self, **trace: Any) -> None:
        """Add a heat map."""
        self._add("heatmap", trace)

    def _add(self, kind: str, trace: dict[str, Any]) -> None:
        self.data.append({"type": kind} | {name: _plain(value) for name, value in trace.items()})

    def add_vline(self, x: Any, *, line: dict[str, Any]) -> None:
        """Add a line over the whole height at ``x``."""
        self.add_shape(x0=x, x1=x, y0=0, y1=1, yref="paper", line=line)

    def add_hline(self, y: float, *, line: dict[str, Any], axis: str = "y") -> None:
        """Add a line over the whole width at ``y`` of a vertical axis."""
        self.add_shape(x0=0, x1=1, xref="paper", y0=y, y1=y, yref=axis, line=line)

    def add_vrect(self, x0: Any, x1: Any, *, color: str) -> None:
        """Fill the whole height between ``x0`` and ``x1``, behind the marks."""
        self.add_shape(
            kind="rect", x0=x0, x1=x1, y0=0, y1=1, yref="paper", line={"width": 0},
            fillcolor=color, layer="below",
        )  # fmt: skip

    def add_shape(self, kind: str = "line", **shape: Any) -> None:
        """Add a line or a rectangle."""
        plain = {name: _plain(value) for name, value in shape.items()}
        self.layout["shapes"].append({"type": kind} | plain)

    def add_annotation(self, **annotation: Any) -> None:
        """Add a text without an arrow."""
        plain = {name: _plain(value) for name, value in annotation.items()}
        self.layout["annotations"].append({"showarrow": False} | plain)

    def update_layout(self, **layout: Any) -> None:
        """Set parts of the layout; parts of parts that are not named stay."""
        _merge(self.layout, layout)

    def update_xaxes(self, axis: str = "x", /, **properties: Any) -> None:
        """Set properties of a horizontal axis; ``title`` is its text."""
        self._update_axis(axis, properties)

    def update_yaxes(self, axis: str = "y", /, **properties: Any) -> None:
        """Set properties of a vertical axis; ``title`` is its text."""
        self._update_axis(axis, properties)

    def _update_axis(self, axis: str, properties: dict[str, Any]) -> None:
        if isinstance(properties.get("title"), str):
            properties["title"] = {"text": properties["title"]}
        plain = {name: _plain(value) for name, value in properties.items()}
        _merge(self.layout.setdefault(_property(axis), {}), plain)

    def scale(
        self, axis: str, scale: Scale, *, log: bool = False, currency: str | None = None
    ) -> None:
        """Label an axis with amounts of money, counts or powers of ten in the reader's words.

        The ticks are those of the whole extent of the marks, so the axis cannot be zoomed unless
        it is logarithmic. Money is in ``currency``, by default the display currency.
        """
        self._scales[axis] = (scale, log, currency)

    def content(self) -> dict[str, Any]:
        """Return the figure as Plotly reads it."""
        for axis, (scale, log, currency) in self._scales.items():
            properties = self.layout.setdefault(_property(axis), {})
            if log:
                properties["type"] = "log"
            else:
                properties["fixedrange"] = True
            extent = properties.get("range")
            if extent and log:
                extent = [10.0 ** float(end) for end in extent]
            low, high = extent or self.extent(axis)
            values, texts = axis_ticks(low, high, scale, log=log, currency=currency)
            properties |= {"tickmode": "array", "tickvals": values, "ticktext": texts}
        return {"data": self.data, "layout": self.layout}

    def extent(self, axis: str) -> tuple[float, float]:
        """Return the least and the greatest value on an axis, with bars stacked and bounds."""
        letter = axis[0]
        ends: list[float] = []
        stacks: dict[tuple[Any, bool], float] = {}
        stacked = self.layout.get("barmode") in ("stack", "relative")
        for trace in self.data:
            if trace.get(f"{letter}axis", letter) != axis or letter not in trace:
                continue
            values = [float(value) for value in trace[letter] if value is not None]
            values_are_lengths = (trace.get("orientation") == "h") == (letter == "x")
            if trace["type"] == "bar" and values_are_lengths:
                ends.append(0.0)
                if stacked:
                    places = trace["y" if letter == "x" else "x"]
                    for place, value in zip(places, trace[letter], strict=True):
                        key = (place, (value or 0) > 0)
                        stacks[key] = stacks.get(key, 0.0) + float(value or 0)
                    continue
            ends += values
            bounds = trace.get(f"error_{letter}")
            if bounds:
                above = bounds["array"]
                below = bounds.get("arrayminus", above)
                ends += [v + float(b) for v, b in zip(values, above, strict=True)]
                ends += [v - float(b) for v, b in zip(values, below, strict=True)]
        ends += stacks.values()
        ends = [end for end in ends if np.isfinite(end)]
        return (min(ends), max(ends)) if ends else (0.0, 1.0)


def _property(axis: str) -> str:
    """Return the name of an axis in the layout, such as yaxis2 for y2."""
    return f"{axis[0]}axis{axis[1:]}"


def _merge(target: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value


def _plain(value: Any) -> Any:
    """Return dates, decimals, arrays and tuples as JSON has them."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Sequence):
        return [part if isinstance(part, float | int | str) else _plain(part) for part in value]
    return value

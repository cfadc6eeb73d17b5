"""Draw charts, and the charts that several pages show.

Measured values are solid, forecasts hollow. Every chart has a description for readers who do not
see it, a picture and its data to download, and takes text and background colours from the theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import streamlit as st
from plotly.basedatatypes import BaseFigure

from engine import quantities
from engine.currencies import displayed_amount, symbol
from engine.forecast import Forecast
from engine.units import BYTES_PER_GB
from finance.books.months import date_of_month
from finance.company.cashflow import CashMonth
from finance.company.milestones import milestones
from finance.metrics.projection import Projection
from pages.parts import palette
from pages.parts.figures.data_file import figure_csv
from pages.parts.figures.figure import Figure
from pages.parts.figures.lanes import in_lanes
from pages.parts.figures.ticks import currency_unit
from pages.parts.palette import COMPUTE, MONEY, OTHER, WARNING, faint
from pages.parts.session import scenario_session, text
from pages.parts.streamlit_private import BG_COLOR, GRAY_90
from pages.parts.user_text import curve_label

LABEL_SIZE = 12
"""Size of labels in a chart, in pixels."""
_ROW_HEIGHT = 16
"""Height of a row of labels above a plot, in pixels."""
_BUTTONS_REMOVED = [
    *("zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"),
    *("resetScale2d", "toggleSpikelines", "hoverClosestCartesian", "hoverCompareCartesian"),
]
_LEGEND = {
    "orientation": "h",
    "y": 1.02,
    "yanchor": "bottom",
    "x": 0,
    "font": {"size": LABEL_SIZE},
}
_TRANSPARENT = "rgba(0,0,0,0)"
_MONEY_HOVER = "$,.0f"
"""Format of an amount when the mouse is over it; ``$`` is the display currency."""


class _PlainFigure(BaseFigure):  # type: ignore[misc]
    """A figure that Streamlit serializes as it is, without Plotly's check of each property."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def to_dict(self) -> dict[str, Any]:
        return self._content


def draw(
    figure: Figure,
    key: str,
    *,
    height: int = 340,
    hover: str = "x unified",
    right: int = 10,
    with_data: bool = True,
) -> None:
    """Show a chart, with buttons for its picture and its data.

    Parameters
    ----------
    figure
        The chart with its description; the rest of its layout is set here.
    key
        Key of the widget, unique on the page, and the end of the files' names.
    height
        Height in pixels.
    hover
        Plotly's hover mode.
    right
        Right margin in pixels; curves have their labels there.
    with_data
        Whether a button for the data is below the chart.
    """
    say = text()
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": right, "t": 30 + _ROW_HEIGHT * figure.rows_above, "b": 10},
        legend=_LEGEND | figure.layout.get("legend", {}),
        hovermode=hover,
        hoverlabel={"align": "left"},
        paper_bgcolor=_TRANSPARENT,
        plot_bgcolor=_TRANSPARENT,
        modebar={"bgcolor": _TRANSPARENT},
    )
    _color_text(figure)
    file_name = f"{scenario_session().stored.id}-{key.replace('_', '-').replace('.', '-')}"
    with st.container(gap=None, horizontal_alignment="right"):
        st.plotly_chart(
            _PlainFigure(figure.content()), key=key, config=_config(file_name), alt=figure.alt
        )
        if with_data:
            st.download_button(
                say("chart.data"),
                partial(figure_csv, figure, say),
                f"{file_name}.csv",
                "text/csv",
                key=f"data.{key}",
                help=say("chart.data_help"),
                icon=":material/table_view:",
                on_click="ignore",
                type="tertiary",
            )


def _color_text(figure: Figure) -> None:
    """Give texts without a colour that of the theme's text, and put labels on the background."""
    layout = figure.layout
    figure.update_layout(font={"color": GRAY_90})
    for axis in {"xaxis", "yaxis"} | {name for name in layout if name[1:5] == "axis"}:
        font = {"color": GRAY_90, "size": LABEL_SIZE}
        ends = {"tickfont": dict(font), "title": {"font": font}}
        figure.update_layout(**{axis: ends})
    for annotation in layout["annotations"]:
        annotation["font"] = {"color": GRAY_90} | annotation.get("font", {})


def _config(file_name: str) -> dict[str, Any]:
    """Return Plotly's settings: a button for a picture, and the words and currency of the page."""
    say = text()
    tag = "zh-CN" if say.language == "zh_Hans" else "en-US"
    return {
        "modeBarButtonsToRemove": _BUTTONS_REMOVED,
        "toImageButtonOptions": {"format": "png", "scale": 2, "filename": file_name},
        "locale": tag,
        "locales": {
            tag: {
                "dictionary": {"Download plot as a PNG": say("chart.picture")},
                "format": {"currency": [symbol(say.language), ""]},
            }
        },
    }


def in_display_currency(usd: Iterable[Any]) -> list[float | None]:
    """Return amounts in USD converted to the display currency; None stays."""
    rate = displayed_amount(1)
    return [None if amount is None else float(amount) * rate for amount in usd]


def cash_chart(projection: Projection, *, is_small: bool = False) -> Figure:
    """Return a chart of cash at the end of each month, with the band of the forecast's costs.

    A small chart marks rounds only, and leaves the titles of the axes and the band out of the
    legend; its heading has the unit.
    """
    say, months = text(), projection.months
    figure = Figure(_cash_described(projection))
    dates = [month.date.isoformat() for month in months]
    low, high = _cash(projection.months_at_high_cost), _cash(projection.months_at_low_cost)
    for name, amounts, fill in (
        (say("chart.cash_at_low_cost"), high, None),
        (say("chart.cash_at_high_cost"), low, "tonexty"),
    ):
        figure.add_scatter(
            x=dates,
            y=amounts,
            name=name if fill is None else say("chart.cost_band"),
            meta=name,
            line={"width": 0},
            showlegend=fill is not None and not is_small,
            fill=fill,
            fillcolor=faint(MONEY),
            hoverinfo="skip",
        )
    for name, amounts, line in (
        (
            "cash_without_round",
            _cash(projection.months_without_round),
            {"color": WARNING, "dash": "dot", "width": 2},
        ),
        ("cash_with_round", _cash(months), {"color": MONEY, "width": 3}),
    ):
        figure.add_scatter(
            x=dates,
            y=amounts,
            name=say(f"chart.{name}"),
            mode="lines",
            line=line,
            hovertemplate=f"%{{y:{_MONEY_HOVER}}}",
        )
    figure.add_hline(0, line={"color": OTHER, "width": 1})
    _mark_events(figure, projection, only_rounds=is_small)
    figure.scale("y", "money")
    figure.update_xaxes(tickformat="%Y-%m", hoverformat="%Y-%m")
    if not is_small:
        figure.update_yaxes(title=say("axis.cash", currency=currency_unit()))
        figure.update_xaxes(title=say("axis.month"))
    return figure


def _cash_described(projection: Projection) -> str:
    say, months = text(), projection.months
    lowest = min(months, key=lambda month: month.cash_usd)
    return say(
        "alt.cash",
        first_month=f"{months[0].date:%Y-%m}",
        last_month=f"{months[-1].date:%Y-%m}",
        first=quantities.usd(months[0].cash_usd, say.language),
        last=quantities.usd(months[-1].cash_usd, say.language),
        lowest=quantities.usd(lowest.cash_usd, say.language),
        lowest_month=f"{lowest.date:%Y-%m}",
        without=quantities.usd(projection.months_without_round[-1].cash_usd, say.language),
    )


_LANE_SHARE = 0.075
"""Height of a row of labels as a share of the chart's height."""
_SMALL_LANE_SHARE = 0.14
"""Height of a row of labels as a share of the height of a small chart."""


def _mark_events(figure: Figure, projection: Projection, *, only_rounds: bool) -> None:
    """Mark training runs and money received, with labels above the curves in rows."""
    say = text()
    company = projection.scenario.company
    lane_share = _SMALL_LANE_SHARE if only_rounds else _LANE_SHARE
    marked = (event for event in milestones(company) if event.kind == "round" or not only_rounds)
    events = sorted(marked, key=lambda milestone: milestone.month)
    labels = [curve_label(milestone.name or say(f"chart.{milestone.kind}")) for milestone in events]
    places = [(milestone.month - 1) / projection.horizon_months for milestone in events]
    lanes = in_lanes(places, labels)
    for milestone, label, (lane, is_left) in zip(events, labels, lanes, strict=True):
        day = date_of_month(company.first_month, milestone.month).isoformat()
        color = COMPUTE if milestone.kind == "training" else MONEY
        figure.add_vline(day, line={"color": color, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=day,
            y=1 - lane * lane_share,
            yref="paper",
            text=label,
            xanchor="right" if is_left else "left",
            yanchor="top",
            xshift=-2 if is_left else 2,
            bgcolor=BG_COLOR,
            borderpad=0,
            font={"size": LABEL_SIZE},
        )
    low, high = figure.extent("y")
    rows = 1 + max((lane for lane, _ in lanes), default=-1)
    room = (high - low) * rows * lane_share / (1 - rows * lane_share)
    figure.update_yaxes(range=[low - 0.03 * (high - low), high + room + 0.03 * (high - low)])


def month_chart(months: Sequence[CashMonth]) -> Figure:
    """Return a chart of stacked costs, which sum to gross burn, and of revenue, by month."""
    say = text()
    dates = [month.date.isoformat() for month in months]
    costs = {line: [float(getattr(month, line)) for month in months] for line in palette.COSTS}
    revenue = [float(month.revenue_usd) for month in months]
    figure = Figure(
        say(
            "alt.months",
            first_month=dates[0][:7],
            last_month=dates[-1][:7],
            costs_first=quantities.usd(sum(amounts[0] for amounts in costs.values()), say.language),
            costs_last=quantities.usd(sum(amounts[-1] for amounts in costs.values()), say.language),
            revenue_first=quantities.usd(revenue[0], say.language),
            revenue_last=quantities.usd(revenue[-1], say.language),
        )
    )
    for line, color in palette.COSTS.items():
        if not any(costs[line]):
            continue
        figure.add_bar(
            x=dates,
            y=in_display_currency(costs[line]),
            name=say(f"line.{line}"),
            marker={"color": color},
            hovertemplate=f"%{{y:{_MONEY_HOVER}}}",
        )
    figure.add_scatter(
        x=dates,
        y=in_display_currency(revenue),
        name=say("line.revenue_usd"),
        mode="lines",
        line={"color": MONEY, "width": 3},
        hovertemplate=f"%{{y:{_MONEY_HOVER}}}",
    )
    figure.update_layout(barmode="relative", bargap=0.25)
    figure.scale("y", "money")
    figure.update_yaxes(title=say("axis.per_month", currency=currency_unit()))
    figure.update_xaxes(title=say("axis.month"), tickformat="%Y-%m", hoverformat="%Y-%m")
    return figure


def memory_chart(predicted: Forecast) -> Figure:
    """Return a chart of the memory used on one device by its uses, and of what it has."""
    say = text()
    sizes = {name: size / BYTES_PER_GB for name, size in predicted.memory_parts_bytes.items()}
    limit, used = predicted.device_memory_bytes / BYTES_PER_GB, sum(sizes.values())
    figure = _stack(sizes, "memory", palette.MEMORY, "GB")
    figure.update_yaxes(range=[-0.5, 0.8])
    figure.alt = say(
        "alt.memory",
        used=quantities.number(used, say.language),
        limit=quantities.number(limit, say.language),
        parts=_parts_text(sizes, "memory", "GB"),
    )
    figure.add_vline(limit, line={"color": WARNING, "width": 2})
    figure.add_annotation(
        x=limit,
        y=_ABOVE_BAR,
        text=say("chart.device_memory"),
        font={"color": WARNING, "size": LABEL_SIZE},
        xanchor="right",
        xshift=-5,
    )
    figure.update_xaxes(title=say("axis.memory_gb"), range=[0, max(limit, used) * 1.06])
    return figure


def step_chart(predicted: Forecast) -> Figure:
    """Return a chart of the time of one step by its parts."""
    say = text()
    parts = predicted.step_parts_s
    in_ms = sum(parts.values()) < 1
    scale, unit = (1e3, "ms") if in_ms else (1.0, "s")
    shown = {name: scale * seconds for name, seconds in parts.items()}
    figure = _stack(shown, "step", palette.STEP, unit)
    figure.alt = say(
        "alt.step",
        all=f"{quantities.number(sum(shown.values()), say.language)} {unit}",
        parts=_parts_text(shown, "step", unit),
    )
    figure.update_xaxes(title=say("axis.step_ms" if in_ms else "axis.step_s"))
    return figure


_PARTS_DESCRIBED = 3
_ABOVE_BAR = 0.62
"""Height of a label above the only bar, which is at 0 and has a height of 0.9."""


def _parts_text(parts: dict[str, float], catalog_key: str, unit: str) -> str:
    """Return the largest parts with their sizes, in words."""
    say = text()
    largest = sorted(parts, key=lambda name: -parts[name])[:_PARTS_DESCRIBED]
    return say("funding.comma").join(
        f"{say(f'{catalog_key}.{name}')} {quantities.number(parts[name], say.language)} {unit}"
        for name in largest
    )


def _stack(parts: dict[str, float], catalog_key: str, colors: dict[str, str], unit: str) -> Figure:
    """Return one horizontal bar of stacked parts."""
    say = text()
    figure = Figure()
    for name, size in parts.items():
        if size > 0:
            figure.add_bar(
                y=[0],
                x=[size],
                orientation="h",
                name=say(f"{catalog_key}.{name}"),
                marker={"color": colors[name]},
                width=0.9,
                hovertemplate=f"%{{x:.3g}} {unit}<extra>%{{fullData.name}}</extra>",
            )
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, range=[-0.5, 0.5])
    return figure


def _cash(months: Sequence[CashMonth]) -> list[float | None]:
    return in_display_currency([month.cash_usd for month in months])

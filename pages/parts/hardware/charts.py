"""Charts that compare accelerators. All figures are forecasts, so all marks are hollow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine import quantities
from engine.currencies import displayed_amount
from engine.forecast import Figure
from engine.planning.hardware import HardwareRow, PriceBasis
from engine.reports.forecast_tables import show, show_figure
from engine.units import HOURS_PER_DAY, MINUTES_PER_HOUR, SECONDS_PER_HOUR
from pages.parts.charts import LABEL_SIZE
from pages.parts.figures.figure import Figure as Chart
from pages.parts.figures.lanes import label_width
from pages.parts.figures.ticks import currency_unit
from pages.parts.hardware.wording import marked, show_co2, show_energy
from pages.parts.palette import COMPUTE, DATA, OTHER, WARNING
from pages.parts.session import text

TIME_UNITS = {
    "days": float(HOURS_PER_DAY),
    "hours": 1.0,
    "minutes": 1 / MINUTES_PER_HOUR,
    "seconds": 1 / SECONDS_PER_HOUR,
}
"""Length of each unit in hours, the largest first."""
_ENERGY_UNITS = {"mwh": 1_000.0, "kwh": 1.0, "wh": 1e-3}
"""Size of each unit in kWh."""

_COLORS = {"own": DATA, "known": COMPUTE, "unverified": OTHER}
_SYMBOLS = {"own": "star-open", "known": "circle-open", "unverified": "diamond-open"}

# Sizes in pixels by which labels are kept apart; the plot is at least this large.
_PLOT_WIDTH, _PLOT_HEIGHT = 560.0, 330.0
_LINE_HEIGHT = 16.0
_MARKER = 10.0
_BESIDE = 30.0
"""Greatest length of a label to the right of the plot, in pixels."""
_POSITIONS = {
    "top center": (0.0, 1.0),
    "bottom center": (0.0, -1.0),
    "middle right": (1.0, 0.0),
    "middle left": (-1.0, 0.0),
    "top right": (1.0, 1.0),
    "bottom left": (-1.0, -1.0),
    "bottom right": (1.0, -1.0),
    "top left": (-1.0, 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A row in the chart of cost against time."""

    row: HardwareRow
    hours: Figure
    usd: Figure


def time_unit(rows: Sequence[HardwareRow]) -> str:
    """Return the largest unit of which the slowest run takes two or more."""
    longest = max((row.forecast.wall_clock_hours.value for row in rows if row.forecast), default=0)
    return next((unit for unit, hours in TIME_UNITS.items() if longest >= 2 * hours), "seconds")


def points_of(rows: Sequence[HardwareRow], basis: PriceBasis) -> list[Point]:
    """Return a point for each run that fits and has a known price above zero."""
    return [
        Point(row=row, hours=row.forecast.wall_clock_hours, usd=usd)
        for row in rows
        if row.forecast and row.fits and (usd := row.cost_usd(basis)) and usd.low > 0
    ]


def cost_time_chart(points: Sequence[Point], unit: str) -> Chart:
    """Return a chart of cost against time on log axes, with the forecast's bounds as lines."""
    say = text()
    times = [point.hours * (1 / TIME_UNITS[unit]) for point in points]
    costs = [point.usd * displayed_amount(1) for point in points]
    cheapest = min(points, key=lambda point: point.usd.value)
    fastest = min(points, key=lambda point: point.hours.value)
    figure = Chart(
        say(
            "alt.cost_time",
            n=len(points),
            cheapest=marked(cheapest.row),
            cost=quantities.usd(cheapest.usd.value, say.language),
            fastest=marked(fastest.row),
            time=show("wall_clock_hours", fastest.hours.value, say.language),
        )
    )
    for point, time, cost in zip(points, times, costs, strict=True):
        figure.add_scatter(
            x=[time.low, time.high],
            y=[cost.low, cost.high],
            name=marked(point.row),
            mode="lines",
            line={"color": _COLORS[_group(point.row)], "width": 2},
            opacity=0.4,
            showlegend=False,
            hoverinfo="skip",
        )
    x_low, x_high = _bounds(times)
    y_low, y_high = _bounds(costs)

    def place(hours: float, usd: float) -> tuple[float, float]:
        return (
            _PLOT_WIDTH * math.log(hours / x_low) / math.log(x_high / x_low),
            _PLOT_HEIGHT * math.log(usd / y_low) / math.log(y_high / y_low),
        )

    ends = [
        (place(time.low, cost.low), place(time.high, cost.high))
        for cost, time in zip(costs, times, strict=True)
    ]
    positions = _label_positions(
        [place(time.value, cost.value) for cost, time in zip(costs, times, strict=True)],
        [marked(point.row) for point in points],
        _most_important_first(points),
        [_between(*both) for both in ends],
    )
    for group in _SYMBOLS:
        chosen = [index for index, point in enumerate(points) if _group(point.row) == group]
        if not chosen:
            continue
        names = [marked(points[index].row) for index in chosen]
        figure.add_scatter(
            x=[times[index].value for index in chosen],
            y=[costs[index].value for index in chosen],
            mode="markers+text",
            name=say(f"hardware.chart.{group}"),
            marker={
                "size": 15 if group == "own" else 11,
                "color": _COLORS[group],
                "symbol": _SYMBOLS[group],
                "line": {"width": 2},
            },
            text=[
                name if positions[index] else "" for index, name in zip(chosen, names, strict=True)
            ],
            textposition=[positions[index] or "top center" for index in chosen],
            cliponaxis=False,
            hovertext=[_hover(points[index]) for index in chosen],
            hoverinfo="text",
        )
    figure.scale("x", "count", log=True)
    figure.scale("y", "money", log=True)
    figure.update_xaxes(
        range=[math.log10(x_low), math.log10(x_high)], title=say(f"hardware.axis.{unit}")
    )
    figure.update_yaxes(
        range=[math.log10(y_low), math.log10(y_high)],
        title=say("hardware.axis.cost", currency=currency_unit()),
    )
    return figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A horizontal bar of an accelerator."""

    row: HardwareRow
    figure: Figure
    label: str
    """Text below the accelerator's name."""
    hover: str


def energy_chart(rows: Sequence[HardwareRow]) -> Chart:
    """Return a chart of the energy of one run, the least first."""
    say, language = text(), text().language
    known = [(row, energy) for row in rows if row.fits and (energy := row.energy_kwh)]
    largest = max((energy.high for _, energy in known), default=0.0)
    unit = next((unit for unit, kwh in _ENERGY_UNITS.items() if largest >= 2 * kwh), "wh")
    bars = [
        Bar(
            row=row,
            figure=energy * (1 / _ENERGY_UNITS[unit]),
            label=show_energy(energy.value, language),
            hover=say(
                "tile.interval",
                low=show_energy(energy.low, language),
                high=show_energy(energy.high, language),
            )
            + f"<br>{show_co2(row.co2e_kg)}",
        )
        for row, energy in known
    ]
    figure = _bars(bars)
    figure.alt = say("alt.energy", n=len(bars), **_ends(bars))
    figure.update_xaxes(
        title=say(f"hardware.axis.{unit}"), range=[0, 1.05 * largest / _ENERGY_UNITS[unit]]
    )
    return figure


def memory_chart(rows: Sequence[HardwareRow]) -> Chart:
    """Return a chart of the used share of each device's memory, the least first."""
    say, language = text(), text().language
    bars = []
    for row in rows:
        if forecast := row.forecast:
            used, size = forecast.memory_bytes_per_device, forecast.device_memory_bytes
            bars.append(
                Bar(
                    row=row,
                    figure=used * (100 / size),
                    label=say(
                        "hardware.memory_used",
                        used=show("memory_bytes", used.value, language),
                        all=show("memory_bytes", size, language),
                    ),
                    hover=show_figure("memory_bytes", used, language),
                )
            )
    figure = _bars(bars)
    figure.alt = say(
        "alt.hardware_memory", n=len(rows), fit=sum(row.fits for row in rows), **_ends(bars)
    )
    figure.add_vline(100, line={"color": WARNING, "width": 2})
    figure.add_annotation(
        x=100,
        y=1,
        yref="paper",
        yanchor="bottom",
        text=say("hardware.chart.full"),
        font={"color": WARNING, "size": LABEL_SIZE},
    )
    largest = max((bar.figure.high for bar in bars), default=0.0)
    figure.update_xaxes(title=say("hardware.axis.memory"), range=[0, 1.1 * max(largest, 100)])
    return figure


def bars_height(rows: Sequence[HardwareRow]) -> int:
    """Return the height in pixels of a chart with a bar for each row."""
    return 110 + 42 * len(rows)


def _ends(bars: Sequence[Bar]) -> dict[str, str]:
    """Return the names and values of the smallest and the largest bar, for a description."""
    if not bars:
        return dict.fromkeys(("least", "least_value", "most", "most_value"), "–")
    rising = sorted(bars, key=lambda bar: bar.figure.value)
    return {
        "least": marked(rising[0].row),
        "least_value": rising[0].label,
        "most": marked(rising[-1].row),
        "most_value": rising[-1].label,
    }


def _bars(bars: Sequence[Bar]) -> Chart:
    """Return a chart of horizontal bars with their bounds, the smallest first."""
    rising = sorted(bars, key=lambda bar: bar.figure.value)
    names = [f"<b>{marked(b.row)}</b>" if b.row.is_own else marked(b.row) for b in rising]
    chart = Chart()
    chart.add_bar(
        x=[bar.figure.value for bar in rising],
        y=[f"{name}<br>{bar.label}" for name, bar in zip(names, rising, strict=True)],
        orientation="h",
        marker={
            "color": "rgba(0,0,0,0)",
            "line": {"color": [_bar_color(bar.row) for bar in rising], "width": 2},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [bar.figure.high - bar.figure.value for bar in rising],
            "arrayminus": [bar.figure.value - bar.figure.low for bar in rising],
            "color": OTHER,
            "thickness": 1.5,
            "width": 3,
        },
        showlegend=False,
        hovertext=[bar.hover for bar in rising],
        hoverinfo="text+y",
    )
    chart.update_layout(bargap=0.45)
    chart.update_yaxes(autorange="reversed")
    return chart


def _bar_color(row: HardwareRow) -> str:
    if not row.fits:
        return WARNING
    return _COLORS["own"] if row.is_own else COMPUTE


def _group(row: HardwareRow) -> str:
    if row.is_own:
        return "own"
    return "known" if row.figures_are_read else "unverified"


def _hover(point: Point) -> str:
    language = text().language
    return "<br>".join(
        (
            f"<b>{marked(point.row)}</b>",
            show_figure("wall_clock_hours", point.hours, language),
            show_figure("cost_usd", point.usd, language),
        )
    )


def _bounds(figures: Sequence[Figure]) -> tuple[float, float]:
    """Return the range of a log axis for the figures, with room for labels on both sides."""
    low = min(figure.low for figure in figures)
    high = max(figure.high for figure in figures)
    room = max((high / low) ** 0.15, 1.15)
    return low / room, high * room


_SPOTS = 25
"""Places on a line that a label avoids."""


def _between(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Return evenly spaced places on a line."""
    shares = [number / (_SPOTS - 1) for number in range(_SPOTS)]
    return [
        (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
        for share in shares
    ]


def _label_positions(
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    order: Sequence[int],
    lines: Sequence[Sequence[tuple[float, float]]],
) -> list[str | None]:
    """Return a position for each label that covers no marker and no other label, or None.

    Labels are placed in ``order``, so the first ones are the least likely to get None. A label
    avoids the ``lines`` as well where it can.
    """
    on_lines = [(x - 2, x + 2, y - 2, y + 2) for line in lines for x, y in line]
    taken = [(x - _MARKER, x + _MARKER, y - _MARKER, y + _MARKER) for x, y in points]
    positions: list[str | None] = [None] * len(points)
    for index in order:
        x, y = points[index]
        width = label_width(labels[index])
        free: list[tuple[bool, int, str, _Box]] = []
        for position, (right, up) in _POSITIONS.items():
            left = x + right * (_MARKER + width / 2) - width / 2
            bottom = y + up * (_MARKER + _LINE_HEIGHT / 2) - _LINE_HEIGHT / 2
            box = (left, left + width, bottom, bottom + _LINE_HEIGHT)
            fits = left >= 0 and box[1] <= _PLOT_WIDTH + _BESIDE
            if fits and not any(_overlap(box, other) for other in taken):
                free.append(
                    (any(_overlap(box, spot) for spot in on_lines), len(free), position, box)
                )
        if free:
            _, _, positions[index], box = min(free)
            taken.append(box)
    return positions


def _most_important_first(points: Sequence[Point]) -> list[int]:
    """Return the order of labels: the plan's own, then by rank in cost or time."""
    by_cost = sorted(range(len(points)), key=lambda index: points[index].usd.value)
    by_time = sorted(range(len(points)), key=lambda index: points[index].hours.value)
    rank = {index: min(by_cost.index(index), by_time.index(index)) for index in range(len(points))}
    return sorted(rank, key=lambda index: (not points[index].row.is_own, rank[index]))


_Box = tuple[float, float, float, float]


def _overlap(box: _Box, other: _Box) -> bool:
    return box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3]

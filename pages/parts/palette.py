"""Colours of charts. A colour means the same thing on every page.

The base is the palette of Okabe and Ito (2008), which people with any kind of colour blindness can
distinguish. Fonts, grid and background come from the theme, so that charts follow light and dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

COMPUTE = "#0072B2"
LIGHT_COMPUTE = "#56B4E9"
MONEY = "#009E73"
PEOPLE = "#CC79A7"
DATA = "#E69F00"
WARNING = "#D55E00"
OTHER = "#8C8C8C"

MEMORY = {
    "weights": COMPUTE,
    "gradients": LIGHT_COMPUTE,
    "optimizer": PEOPLE,
    "activations": DATA,
    "logits": MONEY,
    "runtime": OTHER,
}
"""Colour of each use of a device's memory."""
STEP = {
    "matmul": COMPUTE,
    "attention": LIGHT_COMPUTE,
    "elementwise": DATA,
    "recompute": PEOPLE,
    "tensor_communication": WARNING,
    "context_communication": "#E0813F",
    "expert_communication": "#B84A00",
    "pipeline_bubble": "#F0E442",
    "pipeline_communication": "#C9BE2B",
    "data_communication": "#8A3300",
    "optimizer": MONEY,
    "accumulation": "#66C2A5",
    "overhead": OTHER,
}
"""Colour of each part of a training step; communication is in shades of orange."""
COSTS = {
    "people_usd": PEOPLE,
    "training_usd": COMPUTE,
    "serving_usd": LIGHT_COMPUTE,
    "hardware_usd": "#6A3D9A",
    "other_usd": OTHER,
}
"""Colour of each kind of cost."""
REVENUE_LINES = (
    MONEY,
    "#8FD3BC",
    "#00523B",
    "#B5CF4A",
    "#1B9E9E",
    "#5E8C31",
    "#C7E9C0",
    "#3D7A6A",
)
"""Shades of green for revenue lines, because money is green on every page."""
RUNS = (COMPUTE, DATA, MONEY, PEOPLE, LIGHT_COMPUTE, OTHER)
"""Colours of training runs in one chart; warnings have another colour."""

FOUNDERS = ("#AA4499", "#F2A7CF", "#7B3F99", "#D65C94")
STAFF = ("#E69F00", "#8A5A00", "#F7D58A", "#BF7B12")
INVESTORS = (
    "#009E73",
    "#56B4E9",
    "#3B6FC4",
    "#A6D96A",
    "#00857F",
    "#7F8FD9",
    "#5E8C31",
    "#9ADBD0",
)
SOURCES = (
    ("#0072B2", "circle"),
    ("#E69F00", "diamond"),
    ("#009E73", "square"),
    ("#CC79A7", "triangle-up"),
    ("#56B4E9", "star"),
    ("#D55E00", "x"),
    ("#6A3D9A", "triangle-down"),
    ("#8A5A00", "pentagon"),
    ("#5E8C31", "hexagon"),
    ("#1B1B7A", "cross"),
    ("#E31A5B", "bowtie"),
    ("#8C8C8C", "hourglass"),
    ("#00B3B3", "diamond-tall"),
    ("#B3A100", "star-diamond"),
)
"""Colour and symbol of each source of measurements; no two share either."""


def holder_colors(
    holders: Iterable[str], founders: Sequence[str], staff: Sequence[str], pool: str
) -> dict[str, str]:
    """Return a colour for each holder by group: founders, staff with options, investors, pool."""
    by_group = {name: cycle(shades) for name, shades in _GROUPS.items()}
    colors = {pool: OTHER}
    for holder in holders:
        if holder != pool:
            group = "founder" if holder in founders else "staff" if holder in staff else "investor"
            colors[holder] = next(by_group[group])
    return colors


_GROUPS = {"founder": FOUNDERS, "staff": STAFF, "investor": INVESTORS}


def faint(color: str, opacity: float = 0.18) -> str:
    """Return a colour #RRGGBB with an opacity, as CSS."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def ink_on(color: str) -> str:
    """Return black or white: the colour with the higher contrast on a colour #RRGGBB."""
    return "#000000" if luminance(color) > 0.179 else "#FFFFFF"


def luminance(color: str) -> float:
    """Return the relative luminance of a colour from 0 to 1 (WCAG 2.2)."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

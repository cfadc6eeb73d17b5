"""Labels that do not overlap: their widths, and rows or heights for those that would."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

NARROW_PLOT = 330.0
"""Width of a plot on a phone, in pixels: labels that do not overlap there never do."""
_WIDE_CHARACTER, _CHARACTER = 12.5, 6.7
_BETWEEN = 10.0


def label_width(label: str) -> float:
    """Return the approximate width of a label of 12 px in pixels."""
    return sum(
        _WIDE_CHARACTER if unicodedata.east_asian_width(character) in "WF" else _CHARACTER
        for character in label
    )


def in_lanes(
    places: Sequence[float], labels: Sequence[str], plot_width: float = NARROW_PLOT
) -> list[tuple[int, bool]]:
    """Return for each label its row, and whether it is to the left of its place.

    ``places`` are shares of the plot's width, in rising order. A label is to the left of its place
    where it would leave the plot at the right.
    """
    ends: list[list[tuple[float, float]]] = []
    found = []
    for place, label in zip(places, labels, strict=True):
        width, x = label_width(label) + _BETWEEN, place * plot_width
        is_left = x + width > plot_width and x > width
        box = (x - width, x) if is_left else (x, x + width)
        lane = 0
        while lane < len(ends) and any(
            box[0] < taken[1] and taken[0] < box[1] for taken in ends[lane]
        ):
            lane += 1
        if lane == len(ends):
            ends.append([])
        ends[lane].append(box)
        found.append((lane, is_left))
    return found


def spread_heights(heights: Sequence[float], least: float) -> list[float]:
    """Return heights between 0 and 1 moved so that they are at least ``least`` apart.

    Heights are moved up from the lowest on, and down again from the top if they would leave the
    chart.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + least)
    if order:
        moved[order[-1]] = min(moved[order[-1]], 1.0)
    for above, below in pairwise(reversed(order)):
        moved[below] = min(moved[below], moved[above] - least)
    return moved

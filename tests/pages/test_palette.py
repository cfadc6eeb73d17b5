"""Colours of charts can be distinguished, and stay with their holder."""

from __future__ import annotations

import itertools

import pytest

from pages.parts import palette


def lab(color: str) -> tuple[float, float, float]:
    """Return a colour in CIELAB (D65), by the formulas of CIE 15."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (
        t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(first: str, second: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(first), lab(second), strict=True)) ** 0.5


@pytest.mark.parametrize(
    "group",
    [palette.FOUNDERS, palette.STAFF, palette.INVESTORS, palette.REVENUE_LINES, palette.RUNS],
)
def test_colours_of_a_group_differ_by_far_more_than_one_can_just_see(group) -> None:
    """A difference of 2.3 is just visible; neighbouring areas need several times that."""
    for first, second in itertools.combinations(group, 2):
        assert distance(first, second) > 15, (first, second)


def test_no_two_sources_share_a_colour_or_a_symbol() -> None:
    colors, symbols = zip(*palette.SOURCES, strict=True)
    assert len(set(colors)) == len(set(symbols)) == len(palette.SOURCES) >= 12


def test_a_holder_keeps_its_colour_when_others_of_its_group_follow() -> None:
    before = palette.holder_colors(["A", "pool", "Fund"], ["A"], [], "pool")
    after = palette.holder_colors(["A", "B", "pool", "Fund", "Eve"], ["A", "B"], ["Eve"], "pool")
    assert before.items() <= after.items()
    assert distance(after["A"], after["B"]) > 40
    assert after["pool"] == palette.OTHER


def test_ink_on_a_colour_is_readable() -> None:
    for color in (*palette.FOUNDERS, *palette.STAFF, *palette.INVESTORS, palette.OTHER):
        ink = palette.luminance(palette.ink_on(color))
        light, dark = sorted((ink, palette.luminance(color)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, color

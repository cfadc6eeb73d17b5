"""Labels of charts: no label overlaps another label."""

from __future__ import annotations

import itertools
import random

from pages.parts.figures.lanes import NARROW_PLOT, in_lanes, label_width


def test_chinese_characters_are_wider() -> None:
    assert label_width("风险贷款") > 1.5 * label_width("loan")


def test_labels_in_one_row_do_not_overlap_and_stay_in_the_plot() -> None:
    dice = random.Random(3)
    for _ in range(200):
        places = sorted(dice.random() for _ in range(8))
        labels = [dice.choice(["Seed", "Series A", "风险贷款", "Harbor 3B"]) for _ in places]
        boxes = []
        for place, label, (lane, is_left) in zip(
            places, labels, in_lanes(places, labels), strict=True
        ):
            x, width = place * NARROW_PLOT, label_width(label)
            start = x - width if is_left else x
            assert start >= 0
            assert is_left or start + width <= NARROW_PLOT or x < width
            boxes.append((lane, start, start + width))
        for first, second in itertools.combinations(boxes, 2):
            same_row = first[0] == second[0]
            assert not (same_row and first[1] < second[2] and second[1] < first[2])


def test_labels_far_apart_share_the_first_row() -> None:
    assert in_lanes([0.1, 0.5, 0.95], ["Seed", "Loan", "Series A"]) == [
        (0, False),
        (0, False),
        (0, True),
    ]

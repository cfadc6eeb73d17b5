"""Accuracy, precision, recall and F1 against values computed by hand."""

import pytest

from engine.scores import precision_recall_f1, score_questions, wilson_interval


@pytest.mark.parametrize(
    ("n_right", "n", "low", "high"),
    [
        # Newcombe 1998, table I, method 3 (Wilson's score method).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_newcombe_tabulates_it(n_right: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(n_right, n) == pytest.approx((low, high), abs=5e-5)


def test_one_class_by_hand() -> None:
    truths, answers = [1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0]
    assert precision_recall_f1(truths, answers, 1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert precision_recall_f1(truths, [1] * 6, 1) == pytest.approx((1 / 2, 1, 2 / 3))
    assert precision_recall_f1(truths, [0] * 6, 1) == (
        0,
        0,
        0,
    )  # no answer is positive: nothing is divided by 0


def test_real_or_shuffled_counts_the_real_ones() -> None:
    score = score_questions("shuffled", [1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0])
    assert (score.accuracy, score.precision, score.recall, score.f1) == (0.75, 0.75, 0.75, 0.75)
    assert score.chance == 0.5
    skewed = score_questions("shuffled", [1, 1, 0, 0], [1, 1, 1, 0])
    assert (skewed.precision, skewed.recall) == pytest.approx((2 / 3, 1))
    assert skewed.f1 == pytest.approx(0.8)


def test_choices_are_averaged_over_their_places() -> None:
    """The result is that of scikit-learn's ``precision_recall_fscore_support``, macro average."""
    truths, answers = [0, 0, 1, 1, 2, 3], [0, 1, 1, 1, 0, 2]
    score = score_questions("cloze", truths, answers)
    # Position 0: 1 of 2 answers right, 1 of 2 found; 1: 2 of 3, 2 of 2; 2: 0 of 1, 0 of 1; 3: none.
    assert score.accuracy == pytest.approx(3 / 6)
    assert score.precision == pytest.approx((1 / 2 + 2 / 3 + 0 + 0) / 4)
    assert score.recall == pytest.approx((1 / 2 + 1 + 0 + 0) / 4)
    assert score.f1 == pytest.approx((1 / 2 + 4 / 5 + 0 + 0) / 4)
    assert score.chance == 0.25
    assert (score.accuracy_low, score.accuracy_high) == wilson_interval(3, 6)

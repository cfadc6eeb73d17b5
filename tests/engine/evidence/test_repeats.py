"""Differences between measurements of the same configuration."""

import pytest

from engine.evidence.heldout import evidence
from engine.evidence.repeats import SAME, repeatability
from tests.engine.evidence.rows import LLAMA3_8B_ROW


def test_pairs_by_hand() -> None:
    rows = [LLAMA3_8B_ROW | {"tokens_per_sec_per_gpu": speed} for speed in ("100", "110", "125")]
    rows.append(LLAMA3_8B_ROW | {"tokens_per_sec_per_gpu": "500", "tp": "8"})
    found = repeatability(rows)
    assert found is not None
    assert found.n_pairs == 3
    # 100 to 110, 100 to 125 and 110 to 125
    assert found.median == pytest.approx(1 - 110 / 125)
    assert found.p90 == pytest.approx(1 - 100 / 125)


def test_no_pair_is_no_figure() -> None:
    assert repeatability([LLAMA3_8B_ROW | {"tokens_per_sec_per_gpu": "100"}]) is None


def test_shipped_runs_repeat_within_a_few_percent() -> None:
    rows = evidence().rows
    assert set(SAME) <= set(rows[0])
    found = repeatability(rows)
    assert found is not None
    assert found.n_pairs > 100
    assert found.median < 0.05 < found.p90 < 0.3

"""Sources in ``data/``: no row rests on memory or on an unnamed document."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.paths import DATA_DIR
from engine.predictor.efficiency import efficiency_parameters

TABLES = sorted(DATA_DIR.rglob("*.csv"))
FORBIDDEN = ("recalled", "re-read", "from memory", "project brief")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_no_source_is_a_recollection(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            for column, cell in row.items():
                found = [words for words in FORBIDDEN if words in (cell or "").lower()]
                assert not found, f"{path.name}, line {number}, {column}: {found}"


def test_a_prior_is_sourced_counted_defined_or_called_an_assumption() -> None:
    for row in efficiency_parameters():
        stated = (
            "arXiv", "NVIDIA/", "counted", "by definition", "our own runs", "none:", "Adam reads",
            "operands and result each cross",
        )  # fmt: skip
        assert row.is_assumption or any(words in row.prior_source for words in stated), row.key

"""The command ``compare`` prints what differs between scenario files, and their outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from tests.finance.cli.commands import answer, refused, run


@pytest.fixture
def files(startup: Scenario, tmp_path: Path) -> list[Path]:
    """Return the files of the start-up, and of a copy with more cash and no loan."""
    other = startup.with_values({"company.cash_usd": "3000000", "company.loans": []})
    paths = [tmp_path / "first.toml", tmp_path / "second.toml"]
    for path, scenario in zip(paths, (startup, other), strict=True):
        path.write_text(scenario.to_toml(), "utf-8")
    return paths


def test_differences_and_outcomes(files: list[Path], startup: Scenario) -> None:
    found = answer("compare", *files)
    by_path = {row["path"]: row["values"] for row in found["differences"]}
    assert set(by_path) == {"company.cash_usd", "company.loans.0"}
    assert by_path["company.cash_usd"] == ["2200000.00", "3000000.00"]
    assert by_path["company.loans.0"][1] is None
    runways = found["outcomes"]["runway_months"]
    assert runways[0] == str(project_scenario(startup).runway_months)
    assert found["outcomes"]["runway_with_round_months"][0] == "beyond"


def test_the_tables_name_the_files(files: list[Path]) -> None:
    printed = run("compare", *files)
    for part in ("first", "second", "company.cash_usd", "Runway without planned money"):
        assert part in printed


def test_one_file_and_five_files_are_refused(files: list[Path]) -> None:
    assert refused("compare", files[0]).startswith("scenarios: 1 is not allowed")
    assert refused("compare", *([files[0]] * 5)).startswith("scenarios: 5 is not allowed")

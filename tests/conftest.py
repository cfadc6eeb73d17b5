"""Fixtures for all tests: a home folder for each test, and the sample scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from finance.company.scenario import Scenario, sample_scenarios

# Property tests have no deadline, so that a busy machine does not make them fail.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


OTHER_MARKERS = ("slow", "browser", "runs", "cluster")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test ``fast`` that has none of the other markers."""
    for item in items:
        if not any(item.get_closest_marker(name) for name in OTHER_MARKERS):
            item.add_marker("fast")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty home folder for the runs, corpora and database of a single test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("FLOPLEDGER_HOME", str(folder))
    monkeypatch.setenv("FLOPLEDGER_LANG", "en")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return folder


@pytest.fixture
def laptop() -> Scenario:
    return sample_scenarios()["laptop"]


@pytest.fixture
def startup() -> Scenario:
    return sample_scenarios()["startup-1b"]

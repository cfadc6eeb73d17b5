"""What many tests stand on: a home folder of their own, and the sample scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from finance.company.scenario import Scenario, sample_scenarios

# A busy machine is no failure: properties have no deadline.
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
    """Runs, corpora and the database of this test alone."""
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

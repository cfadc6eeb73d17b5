"""Fixtures for tests of training and of runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.runs.launching import queue, recovery
from tests.engine.runs.faked import StandIns

_WORDS = ["the", "people", "of", "our", "nation", "ask", "congress", "to", "act", "for", "peace"]


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a few texts, which is prepared in a second."""
    folder = tmp_path_factory.mktemp("texts")
    chance = random.Random(0)
    for number in range(30):
        words = [chance.choice(_WORDS) + chance.choice(["", "s"]) for _ in range(800)]
        (folder / f"{number}.txt").write_text(" ".join(words), "utf-8")
    return folder


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIns]:
    """List of the runs that were started, without real processes."""
    stand_ins = StandIns()
    for module in (queue, recovery):
        monkeypatch.setattr(module, "start_supervisor", stand_ins.start)
    yield stand_ins
    stand_ins.kill_all()


@pytest.fixture(scope="session")
def shared_corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpora")


@pytest.fixture
def prepared_corpora(home: Path, shared_corpora: Path) -> Path:
    """Token files that all real runs share once the first has prepared them."""
    (home / "corpora").symlink_to(shared_corpora)
    return shared_corpora

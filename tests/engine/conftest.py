"""What tests of training and of runs share."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

_WORDS = ["the", "people", "of", "our", "nation", "ask", "congress", "to", "act", "for", "peace"]


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of texts that is prepared in a second."""
    folder = tmp_path_factory.mktemp("texts")
    chance = random.Random(0)
    for number in range(30):
        words = [chance.choice(_WORDS) + chance.choice(["", "s"]) for _ in range(800)]
        (folder / f"{number}.txt").write_text(" ".join(words), "utf-8")
    return folder

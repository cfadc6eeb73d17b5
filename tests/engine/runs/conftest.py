"""Runs without what they would start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.runs import processes, queue
from tests.engine.runs.faked import StandIns


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIns]:
    """Those that were started, none of them for real."""
    stand_ins = StandIns()
    for module in (queue, processes):
        monkeypatch.setattr(module, "start_supervisor", stand_ins.start)
    yield stand_ins
    stand_ins.kill_all()

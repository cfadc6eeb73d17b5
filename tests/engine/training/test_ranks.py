"""Collectives of ranks, heartbeats during slow work, and timeouts of cut links."""

import os
import signal
import time
from pathlib import Path

import pytest
import torch
from torch import distributed

from engine.machine import this_machine
from engine.training import ranks
from tests.engine.ranks import Ranks

pytestmark = [
    pytest.mark.runs,
    pytest.mark.skipif(this_machine().n_devices < 2, reason="needs two devices"),
]

LIMIT_S = 8.0
"""Timeout of a collective, in seconds; a busy machine must not exceed it between heartbeats."""


def join_with_limit() -> torch.device:
    os.environ[ranks.LINK_TIMEOUT_VARIABLE] = str(LIMIT_S)
    return ranks.join_ranks()


def work_long(rank: int) -> None:
    device = join_with_limit()

    def work() -> str:
        time.sleep((1 - rank) * 1.5 * LIMIT_S)
        return f"of {rank}"

    assert ranks.run_with_heartbeat(work, device) == f"of {rank}"


def fall_silent(rank: int, in_group: bool) -> None:
    join_with_limit()
    # DeepSpeed creates its groups like this, without a timeout.
    group = distributed.new_group() if in_group else distributed.group.WORLD
    distributed.barrier(group)
    if rank == 1:
        time.sleep(600)
    distributed.barrier(group)


def fail_on_rank_0(rank: int) -> None:
    device = ranks.join_ranks()

    def work() -> int:
        return 1 // rank

    with pytest.raises(ranks.RankWorkError) as failed:
        ranks.run_with_heartbeat(work, device)
    assert isinstance(failed.value.__cause__, ZeroDivisionError) == (rank == 0)
    assert ranks.run_with_heartbeat(lambda: 2 * rank, device) == 2 * rank
    assert ranks.all_gather_object(rank) == [0, 1]
    assert ranks.broadcast_object({"rank": rank}) == {"rank": 0}


def test_what_one_does_alone_may_take_long(tmp_path: Path) -> None:
    both = Ranks(tmp_path / "log", work_long, n_ranks=2)
    assert both.exit_codes() == [0, 0], (tmp_path / "log").read_text()


@pytest.mark.parametrize("in_group", [False, True])
def test_a_silent_rank_is_given_up(tmp_path: Path, in_group: bool) -> None:
    both = Ranks(tmp_path / "log", fall_silent, in_group, n_ranks=2)
    assert not both.wait_until(lambda: False)
    both.kill()
    assert both.exit_codes() == [1, -signal.SIGKILL]
    assert "Timed out" in (tmp_path / "log").read_text()


def test_all_hear_of_a_failure(tmp_path: Path) -> None:
    both = Ranks(tmp_path / "log", fail_on_rank_0, n_ranks=2)
    assert both.exit_codes() == [0, 0], (tmp_path / "log").read_text()

"""Reading runs changes nothing; reconciling them makes their states true and starts queued runs."""

from pathlib import Path

import pytest

from engine.runs.folder import Phase, Run
from engine.runs.launching import queue
from engine.runs.launching.reconcile import reconcile_all, reconcile_run
from engine.runs.launching.recovery import recover_unfinished
from engine.runs.observing.index import readable_runs, summaries, summary_of
from engine.runs.observing.progress import Progress
from engine.runs.observing.watch import Watch
from tests.engine.runs.faked import StandIns, alive, faked_run, queued

pytestmark = pytest.mark.usefixtures("supervisors")


@pytest.fixture(autouse=True)
def _four_slots(home: Path) -> None:
    (home / "settings.toml").write_text("slots = 4\n")


def documents(*runs: Run) -> list[dict[str, bytes]]:
    """Content of each file in the folders of ``runs``."""
    return [{path.name: path.read_bytes() for path in run.folder.iterdir()} for run in runs]


def test_reading_changes_no_run_and_starts_none(supervisors: StandIns) -> None:
    lost, waits = faked_run([3.0], phase=Phase.TRAINING, steps=5), queued(n_ranks=1)
    before = documents(lost, waits)
    seen = summaries()
    assert {summary.phase for summary in seen} == {Phase.TRAINING, Phase.QUEUED}
    assert Watch(seen, {}).read() is not None
    assert len(readable_runs()) == 2
    assert summary_of(lost).phase is Phase.TRAINING
    assert Progress(lost).update().steps_done == 1
    # The lock shows that the run's supervisor is lost, so its slots are free and it is not ahead.
    (position,) = queue.positions()
    assert (position.run.id, position.n_ahead) == (waits.id, 0)
    slots = queue.slots_of("local", queue.settings())
    assert slots is not None
    assert slots.taken == {}
    assert documents(lost, waits) == before
    assert supervisors.started == []


def test_all_runs_are_reconciled(supervisors: StandIns) -> None:
    lost, waits = faked_run([3.0], phase=Phase.TRAINING, steps=5), queued(n_ranks=1)
    phases = {summary.run_id: summary.phase for summary in reconcile_all()}
    assert phases == {lost.id: Phase.FAILED, waits.id: Phase.STARTING}
    assert len(supervisors.started) == 1
    assert {summary.run_id: summary.phase for summary in summaries()} == phases


def test_recovery_starts_no_queued_run(supervisors: StandIns) -> None:
    lost, waits = faked_run([3.0], phase=Phase.TRAINING, steps=5), queued(n_ranks=1)
    assert recover_unfinished(summaries()) == {}
    assert (lost.state.phase, waits.state.phase) == (Phase.FAILED, Phase.QUEUED)
    assert supervisors.started == []


def test_a_run_with_a_supervisor_is_left_as_it_is() -> None:
    run = faked_run([3.0], phase=Phase.TRAINING, steps=5)
    with alive(run):
        before = documents(run)
        assert not run.has_lost_supervisor()
        assert reconcile_run(run) is Phase.TRAINING
        assert [summary.phase for summary in reconcile_all()] == [Phase.TRAINING]
        assert documents(run) == before
    assert run.has_lost_supervisor()

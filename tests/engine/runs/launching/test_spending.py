"""Spending limits, before runs start and while they are live."""

import datetime
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.runs.folder import Phase, Run, all_runs, now
from engine.runs.job import Job
from engine.runs.launching import control, queue
from engine.runs.launching.reconcile import reconcile_all
from engine.runs.launching.spending import RunSpending, month_spending, monthly_limit_reached
from tests.engine.runs.faked import alive, faked_run, queued, report_step
from tests.engine.runs.scripted import Act, ScriptedBackEnd, stops_if_asked, supervise

pytestmark = pytest.mark.usefixtures("supervisors")
SECOND_USD = 0.05 / 3600
"""Price of a core in USD per second."""


def limit(home: Path, usd: str) -> None:
    (home / "settings.toml").write_text(f'monthly_spending_limit_usd = "{usd}"\n')


def cost(usd: float, **changes: object) -> Run:
    """Return a run on one core whose hundred steps have cost ``usd``."""
    seconds = usd / SECOND_USD / 100
    return faked_run([5.0] * 100, step_times_s=[seconds] * 100, n_ranks=1, **changes)


def forecast_usd(run: Run) -> float:
    return run.forecast.cost_usd.value


def trains(seconds: float) -> Act:
    """Return an act that reports a step of the given duration."""

    def act(run: Run) -> None:
        steps_done = len(run.metrics().new().lines)
        report_step(run, steps_done + 1, 5.0, seconds, time=now().timestamp())

    return act


def test_a_run_that_is_forecast_to_pass_its_limit_does_not_start() -> None:
    long = {"n_ranks": 1, "steps": 100_000_000}
    run = queued(Job(spending_limit_usd="0.01"), **long)
    with pytest.raises(InputError) as refused:
        control.start(run)
    said = refused.value.in_language("en")
    assert said.startswith("spending_limit_usd: $0.01 is not allowed: must be at least $")
    assert refused.value.in_language("zh_Hans") != said
    assert all_runs() == []
    queued(Job(spending_limit_usd="1000000"), **long)
    reconcile_all()
    assert [run.state.phase for run in all_runs()] == [Phase.STARTING]


def test_this_months_runs_count_and_earlier_ones_do_not() -> None:
    cost(2.0)
    cost(3.0, phase=Phase.FAILED)
    before = cost(5.0)
    before.set_state(ended_at=now() - datetime.timedelta(days=32))
    waiting = queued(n_ranks=1)
    month = month_spending(excluding=waiting)
    assert month.spent_usd == pytest.approx(5.0)
    assert month.remaining_usd == 0


def test_of_live_runs_what_they_have_cost_and_what_is_to_come() -> None:
    run = cost(4.0, phase=Phase.TRAINING, steps=400)
    with alive(run):
        month = month_spending(excluding=queued(n_ranks=1))
        assert month.spent_usd == pytest.approx(4.0)
        # 400 steps of 1,600 have cost 4 USD; the forecast does not matter.
        assert month.remaining_usd == pytest.approx(12.0)
        assert month_spending(excluding=run).remaining_usd == 0


def test_a_run_that_would_pass_the_months_limit_is_refused_with_the_figures(home: Path) -> None:
    cost(2.0)
    limit(home, "2.00")
    with pytest.raises(InputError) as refused:
        control.start(queued(n_ranks=1))
    said = refused.value.in_language("en")
    assert said.startswith("monthly_spending_limit_usd: $2.00 is not allowed: ")
    assert "$2.00 is spent this month" in said
    limit(home, "2.01")
    control.start(queued(n_ranks=1))


def test_a_queued_run_for_which_no_money_is_left_waits_and_lets_others_by(home: Path) -> None:
    dear = queued(n_ranks=1, steps=100_000_000)
    cheap = queued(n_ranks=1)
    limit(home, f"{forecast_usd(cheap) * 2 + 0.01:.2f}")
    reconcile_all()
    assert (dear.state.phase, cheap.state.phase) == (Phase.QUEUED, Phase.STARTING)
    (waits,) = queue.positions()
    assert waits.run.id == dear.id
    assert waits.held_by is not None
    assert waits.held_by.field == "monthly_spending_limit_usd"
    limit(home, "1000000")
    reconcile_all()
    assert dear.state.phase is Phase.STARTING


def test_a_run_stops_at_its_limit_with_a_checkpoint_and_goes_on_when_that_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = queued(Job(spending_limit_usd="0.05"), n_ranks=1)
    acts = [trains(1_000.0)] * 3 + [trains(601.0), stops_if_asked, stops_if_asked]
    outcome = supervise(monkeypatch, run, ScriptedBackEnd([acts]))
    assert outcome.phase is Phase.STOPPED
    assert run.stopped_step == 1
    assert outcome.failure is not None
    assert "This run has cost $0.05; its limit is $0.05" in outcome.failure.in_language("en")

    with pytest.raises(InputError, match=r"spending_limit_usd: \$0.05 is not allowed"):
        control.resume(run)
    assert run.state.phase is Phase.STOPPED
    control.resume(run, Job(spending_limit_usd="1.00"))
    assert run.state.phase is Phase.STARTING
    assert run.stop_reason is None


def test_a_run_stops_at_the_months_limit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cost(1.95)
    limit(home, "2.00")
    run = queued(n_ranks=1)
    assert monthly_limit_reached(run) is None
    monkeypatch.setattr("engine.runs.launching.supervisor.MONTH_TICK_S", 0.0)
    acts = [trains(1_800.0), trains(1_801.0), stops_if_asked, stops_if_asked]
    outcome = supervise(monkeypatch, run, ScriptedBackEnd([acts]))
    assert outcome.phase is Phase.STOPPED
    assert outcome.failure is not None
    assert "All runs of this month have cost $2.00" in outcome.failure.in_language("en")


def test_settings_that_are_being_edited_end_no_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_settings(_: Run) -> None:
        (home / "settings.toml").write_text("monthly_spending_limit_usd = \n")

    monkeypatch.setattr("engine.runs.launching.supervisor.MONTH_TICK_S", 0.0)
    run = faked_run([6.0], n_ranks=1)
    result = (run.folder / "result.json").read_bytes()

    def succeeds(run: Run) -> int:
        (run.folder / "result.json").write_bytes(result)
        return 0

    outcome = supervise(monkeypatch, run, ScriptedBackEnd([[breaks_settings, trains(1), succeeds]]))
    assert outcome.phase is Phase.SUCCEEDED


def test_steps_lost_with_a_killed_process_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps, a kill, a return to the first step, two more steps: four steps are paid for."""

    def goes_back(run: Run) -> None:
        lines = (run.folder / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (run.folder / "metrics.jsonl").write_bytes(lines[0])

    run = queued(n_ranks=1, restarts=1)
    scripts = [
        [trains(100.0), trains(100.0), lambda _: 1],
        [goes_back, trains(100.0), trains(100.0), lambda _: 1],
    ]
    assert supervise(monkeypatch, run, ScriptedBackEnd(scripts)).phase is Phase.FAILED
    assert RunSpending(run).spent_usd(run.state) == pytest.approx(400.0 * SECOND_USD)

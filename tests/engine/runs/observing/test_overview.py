"""The overview of runs, the filter of lists, repeated readings, and steps as a table."""

import csv
import datetime
import io

import pytest

from engine.results import Failure
from engine.runs.folder import Phase
from engine.runs.job import Job
from engine.runs.launching import control
from engine.runs.launching.spending import month_spending_of
from engine.runs.observing.index import summaries
from engine.runs.observing.metrics_csv import HEADER, metrics_csv
from engine.runs.observing.overview import (
    all_tags,
    matching_runs,
    overview_of,
    spent_by_day,
    state_of,
)
from engine.runs.observing.summary import Summary
from engine.runs.observing.totals import MetricTotals
from engine.runs.observing.watch import Watch
from tests.engine.runs.faked import alive, faked_run, queued, report_step

TODAY = datetime.datetime(2027, 3, 10, tzinfo=datetime.UTC)


def ended(run_id: str, phase: Phase, days_ago: float) -> Summary:
    ended_at = TODAY - datetime.timedelta(days=days_ago)
    return Summary(run_id=run_id, name=run_id, phase=phase, ended_at=ended_at)


def test_what_goes_on_what_waits_and_what_came_of_the_last_days() -> None:
    seen = [
        Summary(run_id="d", name="d", phase=Phase.QUEUED, priority=0),
        Summary(run_id="c", name="c", phase=Phase.QUEUED, priority=0),
        Summary(run_id="e", name="e", phase=Phase.QUEUED, priority=3),
        Summary(run_id="b", name="b", phase=Phase.TRAINING),
        Summary(run_id="a", name="a", phase=Phase.STARTING),
        Summary(run_id="x", name="x", unreadable=Failure(key="unreadable")),
        ended("f", Phase.FAILED, 6.9),
        ended("g", Phase.FAILED, 7.1),
        ended("h", Phase.SUCCEEDED, 1),
        ended("i", Phase.CANCELLED, 1),
    ]
    at = overview_of(seen, TODAY)
    assert [run.run_id for run in at.live] == ["a", "b"]
    assert [run.run_id for run in at.queued] == ["e", "c", "d"]
    assert (at.n_over, at.recently_ended, at.recently_failed, at.recently_succeeded) == (5, 3, 1, 1)


def test_what_was_spent_by_day_and_by_what_came_of_it() -> None:
    seen = [
        ended("f", Phase.FAILED, 0.5).model_copy(update={"cost_usd": 2.0}),
        ended("g", Phase.FAILED, 0.4).model_copy(update={"cost_usd": 3.0}),
        ended("h", Phase.SUCCEEDED, 28.9).model_copy(update={"cost_usd": 4.0}),
        ended("i", Phase.SUCCEEDED, 29.1).model_copy(update={"cost_usd": 5.0}),
        Summary(run_id="b", name="b", phase=Phase.TRAINING, cost_usd=6.0),
        Summary(run_id="d", name="d", phase=Phase.QUEUED),
    ]
    yesterday = TODAY.date() - datetime.timedelta(days=1)
    assert spent_by_day(seen, TODAY) == {
        "failed": {yesterday: 5.0},
        "succeeded": {TODAY.date() - datetime.timedelta(days=29): 4.0},
        "unfinished": {TODAY.date(): 6.0},
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["plain", "noted", "broken"]),
        ({"words": "NOTE wide"}, ["noted"]),
        ({"words": "note narrow"}, []),
        ({"words": "paper"}, ["noted"]),
        ({"states": ["failed", "unreadable"]}, ["plain", "broken"]),
        ({"tags": ["paper"]}, ["noted"]),
        ({"tags": ["paper", "other"]}, []),
        ({"archived": True}, ["plain", "noted", "old", "broken"]),
        ({"words": "old"}, []),
    ],
)
def test_runs_are_looked_for(asked: dict[str, object], found: list[str]) -> None:
    seen = [
        Summary(run_id="plain", name="plain", phase=Phase.FAILED),
        Summary(run_id="noted", name="wider", phase=Phase.TRAINING, note="a Note",
                tags=("paper", "b")),
        Summary(run_id="old", name="old", phase=Phase.SUCCEEDED, archived=True, tags=("a",)),
        Summary(run_id="broken", name="broken", unreadable=Failure(key="unreadable")),
    ]  # fmt: skip
    assert [run.run_id for run in matching_runs(seen, **asked)] == found  # type: ignore[arg-type]
    assert all_tags(seen) == ["a", "b", "paper"]
    assert state_of(seen[3]) == "unreadable"


def test_a_repeated_reading_reads_new_steps_of_live_runs() -> None:
    over = faked_run([5.0, 4.0])
    live = faked_run([5.0, 4.0], step_times_s=[1.0, 1.0], phase=Phase.TRAINING)
    totals_by_run: dict[str, MetricTotals] = {}
    with alive(live):
        first = summaries()
        watch = Watch(first, totals_by_run)
        assert watch.read() == first
        report_step(live, 3, 3.5, 2.0)
        (current,) = [run for run in watch.read() or () if run.run_id == live.id]
        (before,) = [run for run in first if run.run_id == live.id]
        assert current.steps_done == 3
        assert current.cost_usd == pytest.approx(2 * before.cost_usd)
        assert summaries() == watch.read() == Watch(first, totals_by_run).read()
    assert [run.run_id for run in first] == sorted([over.id, live.id], reverse=True)


def test_a_repeated_reading_ends_when_a_run_comes_goes_or_ends() -> None:
    finished = faked_run([5.0])
    watch = Watch(summaries(), {})
    assert watch.read() is not None
    other = queued()
    assert watch.read() is None
    watch = Watch(summaries(), {})
    (waits,) = [run for run in watch.read() or () if run.phase is Phase.QUEUED]
    assert waits.run_id == other.id
    control.cancel(other)
    assert watch.read() is None
    watch = Watch(summaries(), {})
    finished.folder.rename(finished.folder.with_name(".gone"))
    assert watch.read() is None


def test_spending_of_the_month_by_summaries() -> None:
    faked_run([5.0] * 4, step_times_s=[900.0] * 4)
    live = faked_run([5.0] * 2, step_times_s=[1.0] * 2, phase=Phase.TRAINING, job=Job(priority=1))
    with alive(live):
        month = month_spending_of(summaries())
    price = live.plan.cluster.price_usd_per_device_hour
    hours = (4 * 900 + 2) / 3600 * live.recipe.n_ranks
    assert month.spent_usd == pytest.approx(float(price) * hours)
    # The two steps so far took a second each.
    expected = float(price) / 3600 * live.recipe.n_ranks * (live.recipe.steps - 2)
    assert month.remaining_usd == pytest.approx(expected)


def test_steps_as_a_table() -> None:
    run = faked_run([5.0, 4.0], step_times_s=[1800.0, 1800.0], held_out={2: 4.5})
    first, second = csv.DictReader(io.StringIO(metrics_csv(run)))
    assert tuple(first) == HEADER
    assert first["held_out_loss_nats_per_token"] == ""
    assert second["held_out_loss_nats_per_token"] == "4.5"
    assert (second["step"], second["loss_nats_per_token"], second["hours"]) == ("2", "4.0", "1.0")
    price = run.plan.cluster.price_usd_per_device_hour
    assert float(second["cost_usd"]) == pytest.approx(float(price) * run.recipe.n_ranks)

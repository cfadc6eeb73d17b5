"""A run's curves and what it has taken, against sums written out by hand."""

import datetime
import math
import random
from itertools import pairwise

import pytest

from engine.files import cut_json_lines, write_json
from engine.forecast import forecast
from engine.runs.folder import Phase
from engine.runs.observing.progress import AXES, Progress, losses_are_comparable, spread_indices
from engine.runs.observing.totals import MetricTotals, read_totals, spent_hours
from finance.company.scenario import Scenario
from tests.engine.runs.faked import faked_run, report_step


def test_a_loss_stands_where_its_step_ended() -> None:
    """llama, 2 layers, d 64, 2 query and 1 key heads of 32, FFN 192, vocabulary 512, T 64."""
    run = faked_run([6.0, 5.0, 4.0], step_times_s=[2.0, 1.0, 3.0])
    progress = Progress(run).update()
    ranks = progress.recipe.n_ranks
    tokens = [4 * 64 * ranks * step for step in (1, 2, 3)]
    weights = 2 * (64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 192) + 64 * 512
    flops_per_token = 3 * (2 * weights + 2 * 4 * 64 * 64)
    seconds = [2.0, 3.0, 6.0]
    price_usd = float(run.plan.cluster.price_usd_per_device_hour)
    expected = {
        "steps": [1, 2, 3],
        "tokens": tokens,
        "flops": [flops_per_token * value for value in tokens],
        "hours": [value / 3600 for value in seconds],
        "usd": [price_usd * ranks * value / 3600 for value in seconds],
    }
    assert set(AXES) == set(expected)
    for axis in AXES:
        curve = progress.train_curve(axis)
        assert curve.x == pytest.approx(expected[axis])
        assert curve.y == [6.0, 5.0, 4.0]


def test_the_planned_end_is_the_forecasts_own() -> None:
    run = faked_run([6.0], phase=Phase.TRAINING)
    progress = Progress(run).update()
    predicted = run.forecast
    assert progress.planned_end("steps") == 20
    assert progress.planned_end("tokens") == 20 * predicted.tokens_per_step
    assert progress.planned_end("flops") == pytest.approx(predicted.training_flops)
    assert progress.planned_end("hours") == pytest.approx(predicted.wall_clock_hours.value)
    assert progress.planned_end("usd") == predicted.cost_usd.value


def test_held_out_losses_stand_at_their_steps_and_the_last_is_the_results() -> None:
    run = faked_run([6.0, 5.0, 4.0], held_out={2: 5.5})
    curve = Progress(run).update().held_out_curve("steps")
    assert curve.x == [2, 3]
    assert curve.y == pytest.approx([5.5, 4.1])
    assert Progress(run).held_out_loss is None  # nothing read yet
    assert Progress(run).update().held_out_loss == pytest.approx(4.1)


def test_the_smoothed_loss_is_a_mean_with_weights_that_fall_with_age() -> None:
    """Step k has weight 1/w(k), and each later step j keeps 1 - 1/w(j) of it."""
    losses = [8 - 4 * step / 400 + (step % 3) / 10 for step in range(400)]
    run = faked_run(losses, steps=20_000)
    smoothed = Progress(run).update().smoothed_losses
    windows = [max(1.0, min(0.01 * 20_000, 0.05 * step)) for step in range(1, 401)]
    for step in (1, 2, 30, 400):
        weights = [
            1 / windows[k] * math.prod(1 - 1 / window for window in windows[k + 1 : step])
            for k in range(step)
        ]
        mean = sum(weight * loss for weight, loss in zip(weights, losses, strict=False))
        assert sum(weights) == pytest.approx(1)
        assert smoothed[step - 1] == pytest.approx(mean)


def test_the_smoothed_loss_of_a_falling_curve_is_among_its_points() -> None:
    noise = random.Random(1)
    losses = [3 + 5 * math.exp(-step / 60) + noise.gauss(0, 0.15) for step in range(400)]
    smoothed = Progress(faked_run(losses, steps=20_000)).update().smoothed_losses
    above = sum(mean > loss for mean, loss in zip(smoothed[20:200], losses[20:200], strict=True))
    assert 0.35 < above / 180 < 0.75


def test_a_short_run_is_not_smoothed() -> None:
    run = faked_run([6.0, 5.0, 4.0])
    assert Progress(run).update().smoothed_losses == [6.0, 5.0, 4.0]


def test_only_what_is_new_is_read() -> None:
    run = faked_run([6.0, 5.0], phase=Phase.TRAINING)
    progress = Progress(run).update()
    metrics_file = run.folder / "metrics.jsonl"
    first, second = metrics_file.read_bytes().splitlines(keepends=True)
    metrics_file.write_bytes(b"x" * len(first) + second)  # read again, it would not parse
    report_step(run, 3, 4.0, 0.5)
    assert progress.update().train_curve("steps").y == [6.0, 5.0, 4.0]
    assert progress.hours == pytest.approx((0.01 + 0.01 + 0.5) / 3600)


def test_a_run_that_went_back_to_a_checkpoint_is_read_anew() -> None:
    run = faked_run([6.0, 5.0, 4.0], step_times_s=[1.0, 2.0, 4.0], phase=Phase.TRAINING)
    progress = Progress(run).update()
    assert progress.hours == pytest.approx(7 / 3600)
    cut_json_lines(run.folder / "metrics.jsonl", lambda line: line["step"] <= 1)
    assert progress.update().steps_done == 1
    for step, loss in ((2, 5.5), (3, 4.5)):
        report_step(run, step, loss, 8.0)
    progress.update()
    assert progress.train_curve("steps").y == [6.0, 5.5, 4.5]
    assert progress.smoothed_losses == Progress(run).update().smoothed_losses
    assert progress.hours == pytest.approx(17 / 3600)


def test_steps_that_were_taken_twice_have_cost_twice() -> None:
    """Three steps, killed, one of them kept; then two more, which are so far all of the start."""
    run = faked_run([6.0, 5.0, 4.0], step_times_s=[1.0, 2.0, 4.0], phase=Phase.TRAINING)
    progress = Progress(run).update()
    per_second = progress.recipe.n_ranks * float(run.plan.cluster.price_usd_per_device_hour) / 3600
    assert progress.cost_usd == pytest.approx(7 * per_second)
    cut_json_lines(run.folder / "metrics.jsonl", lambda line: line["step"] <= 1)
    began = datetime.datetime.fromtimestamp(1.8e9 + 1.5, datetime.UTC)
    run.set_state(spent_s=7.0, started_at=began)
    assert progress.update().cost_usd == pytest.approx(7 * per_second)
    for step in (2, 3):
        report_step(run, step, 4.5, 8.0)
    assert progress.update().cost_usd == pytest.approx((7 + 16) * per_second)
    sums = read_totals(run, MetricTotals(), began)
    assert spent_hours(run.state, sums) == pytest.approx(progress.spent_hours)
    assert progress.hours == pytest.approx(17 / 3600)


def test_the_meter_goes_on_at_the_pace_of_the_last_steps() -> None:
    run = faked_run([6.0] * 5, step_times_s=[10.0, 1.0, 1.0, 1.0, 1.0], phase=Phase.TRAINING)
    progress = Progress(run).update()
    per_second = progress.recipe.n_ranks * float(run.plan.cluster.price_usd_per_device_hour) / 3600
    meter = progress.meter()
    assert progress.seconds_left == 15.0
    assert progress.tokens_per_s == progress.recipe.tokens_per_step
    assert meter.so_far == pytest.approx(14 * per_second)
    assert meter.at_end == pytest.approx(29 * per_second)
    assert meter.forecast == run.forecast.cost_usd
    assert not meter.inside_interval  # seconds where milliseconds were forecast


def test_a_run_at_the_pace_of_its_forecast_ends_inside_it() -> None:
    pace_s = Progress(faked_run([6.0], phase=Phase.TRAINING)).forecast.step_time_s.value
    run = faked_run([6.0] * 5, step_times_s=[pace_s] * 5, phase=Phase.TRAINING)
    meter = Progress(run).update().meter()
    assert meter.at_end == pytest.approx(run.forecast.cost_usd.value)
    assert meter.inside_interval


def test_where_devices_cost_nothing_the_meter_counts_hours() -> None:
    run = faked_run([6.0] * 5, step_times_s=[2.0] * 5, phase=Phase.TRAINING)
    free = run.plan.with_value("cluster.price_usd_per_device_hour", "0")
    write_json(run.folder / "plan.json", free.model_dump(mode="json"))
    meter = Progress(run).update().meter()
    assert meter.axis == "hours"
    assert meter.so_far == pytest.approx(10 / 3600)
    assert meter.at_end == pytest.approx(40 / 3600)
    assert meter.forecast.value == pytest.approx(run.forecast.wall_clock_hours.value)


def test_before_the_first_step_nothing_is_known_or_spent() -> None:
    run = faked_run([], phase=Phase.TRAINING)
    progress = Progress(run).update()
    assert progress.seconds_left is None
    assert progress.tokens_per_s is None
    assert progress.meter().at_end == 0
    assert progress.train_curve("flops") == ([], [])
    assert progress.held_out_curve("usd") == ([], [])


def test_preparing_says_its_stage() -> None:
    run = faked_run([], phase=Phase.PREPARING)
    progress = Progress(run)
    assert progress.preparing() is None
    write_json(run.folder / "preparing.json", {"share": 0.25, "stage": "tokenise"})
    assert progress.preparing() == ("tokenise", 0.25)


def test_losses_of_another_text_or_tokenizer_are_not_compared() -> None:
    def seen(**changes: object) -> Progress:
        return Progress(faked_run([6.0], phase=Phase.TRAINING, **changes))

    base = seen()
    assert losses_are_comparable([])
    assert losses_are_comparable([base, seen(**{"shape.n_layers": 3, "seed": 2})])
    assert not losses_are_comparable([base, seen(**{"tokenizer_vocab": 300})])
    assert not losses_are_comparable([base, seen(**{"corpus.source": "elsewhere"})])
    bert = {"shape.family": "bert", "shape.n_kv_heads": 2}
    assert not losses_are_comparable([base, seen(**bert)])


def test_a_forecast_of_the_loss_far_from_its_law_means_nothing(startup: Scenario) -> None:
    assert not Progress(faked_run([6.0], phase=Phase.TRAINING)).forecasts_loss
    large = faked_run([6.0], phase=Phase.TRAINING)
    within = forecast(startup.plan.with_value("tokens", 20_000_000_000))
    write_json(large.folder / "forecast.json", within.model_dump(mode="json"))
    assert Progress(large).forecasts_loss


@pytest.mark.parametrize("n", [0, 1, 50, 51, 1_000, 123_457])
def test_a_long_run_is_thinned_on_either_axis(n: int) -> None:
    shown = spread_indices(n, 50)
    assert len(shown) == min(n, len(shown)) <= 50
    assert shown == sorted(set(shown))
    if n > 50:
        assert (shown[0], shown[-1]) == (0, n - 1)
        gaps = [after - before for before, after in pairwise(shown)]
        assert max(gaps) <= math.ceil((n - 1) / 24)
        ratios = [(b + 1) / (a + 1) for a, b in pairwise(shown)]
        assert max(ratios) <= max(2.0, n ** (1 / 24) * 1.5)

"""Expected run times by hand, from Daly's own figures, and against a simulation."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import lambertw

from engine.costs.goodput import (
    Reliability,
    daly_interval_s,
    failure_rates,
    run_time,
    run_time_range,
    young_interval_s,
)
from engine.documents import InputError

MINUTE = 60.0
HOUR = 3600.0


def _reliability(mtbf_s: float, write_s: float, restart_s: float, **more: float) -> Reliability:
    """Return the reliability of one device with these times and a checkpoint without size."""
    return Reliability(
        failures_per_device_year=365.25 * 24 * HOUR / mtbf_s,
        checkpoint_write_s=write_s,
        restart_s=restart_s,
        **more,
    )


def _run(reliability: Reliability, productive_s: float, n_devices: int = 1):
    return run_time(
        reliability, n_devices=n_devices, parameters=0, steps=1, step_time_s=productive_s
    )


def test_default_rate_is_llama_3s() -> None:
    assert Reliability().mtbf_device_hours == pytest.approx(16_384 * 54 * 24 / 419)
    published = {rate.run: rate.failures_per_device_year for rate in failure_rates()}
    assert published["Meta RSC-1 on A100"] == pytest.approx(6.5e-3 / 8 * 365.25)
    assert all(
        ("unverified" in rate.source) == (rate.confidence == "unverified")
        for rate in failure_rates()
    )


def test_a_cluster_fails_as_often_as_its_devices_together() -> None:
    run = _run(Reliability(), HOUR, n_devices=16_384)
    assert run.mtbf_s / HOUR == pytest.approx(54 * 24 / 419)


@pytest.mark.parametrize(("mtbf_hours", "minutes"), [(24, 117), (6, 57), (0.25, 9.1)])
def test_interval_as_daly_prints_it(mtbf_hours: float, minutes: float) -> None:
    """The values are from the captions of figures 3 to 5 of the paper, for 5-minute checkpoints."""
    found = daly_interval_s(5 * MINUTE, mtbf_hours * HOUR) / MINUTE
    assert found == pytest.approx(minutes, rel=0.006)


@pytest.mark.parametrize("write_over_mtbf", [1e-6, 1e-3, 0.03, 0.3])
def test_interval_is_near_the_exact_optimum(write_over_mtbf: float) -> None:
    """The minimum of exp((τ+δ)/M)/τ is at τ = M·(1 + W₀(−exp(−1 − δ/M)))."""
    exact = 1 + lambertw(-math.exp(-1 - write_over_mtbf)).real
    assert daly_interval_s(write_over_mtbf, 1.0) == pytest.approx(exact, rel=0.01)
    first_order = young_interval_s(write_over_mtbf, 1.0)
    assert abs(first_order - exact) > abs(daly_interval_s(write_over_mtbf, 1.0) - exact)


def test_the_best_interval_is_taken_unless_one_is_given() -> None:
    mtbf, write, restart, work = 3 * HOUR, 60.0, 600.0, 1_000 * HOUR

    def wall_clock(interval: float) -> float:
        chosen = _reliability(mtbf, write, restart, checkpoint_interval_s=float(interval))
        return _run(chosen, work).wall_clock_s

    found = minimize_scalar(wall_clock, bounds=(60, 6 * HOUR), method="bounded")
    best = _run(_reliability(mtbf, write, restart), work)
    assert best.checkpoint_interval_s == pytest.approx(found.x, rel=0.01)
    assert best.wall_clock_s == pytest.approx(found.fun, rel=1e-5)
    assert wall_clock(HOUR) > best.wall_clock_s


def test_parts_by_hand() -> None:
    run = _run(_reliability(10_000, 100, 1_000, checkpoint_interval_s=900.0), 9_000)
    assert run.checkpointing_s == pytest.approx(10 * 100)
    failures_while_running = 10 * (math.exp(0.1) - 1)
    assert run.restarting_s == pytest.approx(failures_while_running * 10_000 * (math.e**0.1 - 1))
    by_hand = 10_000 * math.exp(0.1) * (math.exp(0.1) - 1) * 10
    assert run.wall_clock_s == pytest.approx(by_hand)
    assert run.goodput_share == pytest.approx(9_000 / by_hand)
    parts = (run.productive_s, run.checkpointing_s, run.restarting_s, run.lost_work_s)
    assert sum(parts) == pytest.approx(by_hand)
    assert min(parts) > 0


def _simulated_wall_clock_s(
    rng: np.random.Generator,
    work: float,
    interval: float,
    write: float,
    restart: float,
    mtbf: float,
) -> float:
    """Simulate one run with failures at random times that do not depend on its state."""
    failures = iter(np.cumsum(rng.exponential(mtbf, 10_000)))
    clock, done, failure = 0.0, 0.0, next(failures)
    while done < work:
        segment = min(interval, work - done)
        if failure >= clock + segment + write:
            clock += segment + write
            done += segment
            continue
        while True:  # a restart can fail too
            clock = failure
            failure = next(failures)
            if failure >= clock + restart:
                clock += restart
                break
    return clock


@pytest.mark.parametrize(
    ("mtbf", "write", "restart", "interval"),
    [(3 * HOUR, 60.0, 600.0, 1_200.0), (HOUR, 300.0, 900.0, 2_400.0), (HOUR, 0.0, 0.0, 600.0)],
)
def test_expectation_agrees_with_a_simulation(
    mtbf: float, write: float, restart: float, interval: float
) -> None:
    work = 20 * interval
    rng = np.random.default_rng(20261123)
    runs = [
        _simulated_wall_clock_s(rng, work, interval, write, restart, mtbf) for _ in range(1_500)
    ]
    chosen = _reliability(mtbf, write, restart, checkpoint_interval_s=interval)
    standard_error = np.std(runs, ddof=1) / math.sqrt(len(runs))
    assert abs(_run(chosen, work).wall_clock_s - np.mean(runs)) < 3 * standard_error
    assert standard_error < 0.02 * np.mean(runs)


def test_without_failures_nothing_is_written_and_nothing_lost() -> None:
    safe = Reliability(failures_per_device_year=0)
    run = run_time(safe, n_devices=64, parameters=1e9, steps=100, step_time_s=2.0)
    assert run.wall_clock_s == run.productive_s == 200
    assert (run.goodput_share, run.lost_work_s, run.restarting_s) == (1, 0, 0)
    asked_for = safe.model_copy(update={"checkpoint_interval_s": 50.0, "checkpoint_write_s": 5.0})
    run = run_time(asked_for, n_devices=64, parameters=1e9, steps=100, step_time_s=2.0)
    assert run.goodput_share == pytest.approx(50 / 55)


def test_a_cluster_can_be_too_large_to_ever_finish() -> None:
    fragile = Reliability(failures_per_device_year=1_000, restart_s=3_600)
    run = run_time(fragile, n_devices=1_000_000, parameters=1e12, steps=10, step_time_s=10)
    assert math.isinf(run.wall_clock_s)
    assert run.goodput_share == 0
    assert math.isinf(run.lost_work_s)


def test_goodput_falls_with_size() -> None:
    at = [
        run_time(Reliability(), n_devices=n, parameters=7e10, steps=10**6, step_time_s=5)
        for n in (64, 1_024, 16_384, 131_072)
    ]
    shares = [run.goodput_share for run in at]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.99


def test_a_checkpoint_takes_its_bytes_over_the_bandwidth() -> None:
    run = run_time(
        Reliability(storage_gb_per_s_per_device=0.5, restart_s=10),
        n_devices=8,
        parameters=1e9,
        steps=10,
        step_time_s=100,
    )
    assert run.checkpoint_bytes == 14e9
    assert run.checkpoint_write_s == pytest.approx(3.5)
    assert run.restart_s == pytest.approx(13.5)


def test_a_short_run_writes_one_checkpoint() -> None:
    run = run_time(Reliability(), n_devices=2, parameters=1e6, steps=100, step_time_s=0.1)
    assert run.checkpoint_interval_s == run.productive_s == 10
    assert run.checkpointing_s == pytest.approx(run.checkpoint_write_s)


def test_free_checkpoints_leave_restarts_only() -> None:
    run = _run(_reliability(HOUR, 0.0, 360.0), 1_000)
    assert run.lost_work_s == 0
    assert run.wall_clock_s == pytest.approx(1_000 * math.exp(0.1))


def test_llama_3_405b() -> None:
    """The published figures are over 90% effective training time and 30.84M H100-hours."""
    steps = round(15.6e12 / 16.8e6)
    step_time_s = 6 * 405e9 * 16.8e6 / (16_384 * 400e12)
    span = run_time_range(
        Reliability(), n_devices=16_384, parameters=405e9, steps=steps, step_time_s=step_time_s
    )
    assert 0.90 < span.value.goodput_share < 0.95
    assert span.value.device_hours == pytest.approx(30.84e6, rel=0.1)
    assert span.low.wall_clock_s < span.value.wall_clock_s < span.high.wall_clock_s


def test_bounds_are_told() -> None:
    with pytest.raises(InputError, match=r"reliability\.restart_s: -1"):
        Reliability.parse({"restart_s": -1}, "reliability")

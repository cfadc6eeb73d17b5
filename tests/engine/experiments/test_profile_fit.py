"""A profile fitted to a machine whose true parameters are known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.calibration.machine_profile import MachineProfile
from engine.experiments.profile_fit import MeasuredRun, profile_of, short_runs
from engine.experiments.profiler import ProfileRun, profile_runs
from engine.recipes.recipe import Recipe
from tests.engine.profiles import PEAK_FLOPS_PER_S, TWO_CORES, true_profile, true_rates


def measured(asked: ProfileRun, *, noise: float = 0.0, pace: float = 1.0) -> MeasuredRun:
    """Return the measurements of a run on the made-up machine."""
    recipe = asked.recipe_on("fp32", 2)
    blank = MeasuredRun(
        recipe=recipe,
        step_times_s=[1.0],
        pace_s=0.002,
        memory_bytes=1.0,
        idle_memory_bytes=0.43e9,
        other_load_share=0.0,
    )
    (truth,) = short_runs(true_profile(), TWO_CORES.device, [blank])
    step_s = truth.predicted_step_s * (1 + noise)
    return MeasuredRun(
        recipe=recipe,
        step_times_s=[step_s * 0.95, step_s, step_s * 1.05],
        pace_s=0.002 * pace,
        memory_bytes=truth.predicted_memory_bytes,
        idle_memory_bytes=0.43e9,
        other_load_share=0.0,
    )


def training_work(recipe: Recipe) -> float:
    """Return the parameters times the tokens of a step, about proportional to its time."""
    return recipe.shape.count_parameters().non_embedding * recipe.tokens_per_step


def fitted(runs: list[MeasuredRun]) -> MachineProfile:
    return profile_of(TWO_CORES.device, "made-up cores", 2, true_rates(), runs, {"torch": "2"})


def errors(profile: MachineProfile) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative errors of step time and of memory on the larger shapes."""
    checked = [measured(planned) for planned in profile_runs(TWO_CORES).check]
    seen = short_runs(profile, TWO_CORES.device, checked)
    return (
        np.array([abs(run.step_error) for run in seen]),
        np.array([abs(run.memory_error) for run in seen]),
    )


def test_small_runs_predict_large_runs_of_an_idle_machine() -> None:
    step, memory = errors(fitted([measured(planned) for planned in profile_runs(TWO_CORES).short]))
    assert np.median(step) < 0.03
    assert step.max() < 0.08
    assert memory.max() < 0.08


def test_noise_of_a_tenth_is_averaged_away() -> None:
    asked = profile_runs(TWO_CORES).short
    noises = np.resize([0.1, -0.1], len(asked))
    profile = fitted(
        [measured(planned, noise=noise) for planned, noise in zip(asked, noises, strict=True)]
    )
    step, _ = errors(profile)
    assert np.median(step) < 0.07
    # The bounds are as wide as the runs differ from the profile.
    assert profile.step_spread > 0.08


def test_a_slow_moment_is_known_by_its_pace() -> None:
    asked = profile_runs(TWO_CORES).short
    runs = [measured(planned) for planned in asked]
    slow = measured(asked[3], noise=0.3, pace=1.69)
    profile = fitted([*runs[:3], slow, *runs[4:]])
    assert profile.is_noisy
    assert profile.pace_spread == pytest.approx(1.69)
    step, _ = errors(profile)
    assert step.max() < 0.08


def test_a_calm_machine_is_not_called_noisy() -> None:
    profile = fitted([measured(planned) for planned in profile_runs(TWO_CORES).short])
    assert not profile.is_noisy
    assert profile.step_spread == 0.06  # never narrower than what runs differ by


def test_measured_rates_take_the_place_of_the_table() -> None:
    device = true_profile().of(TWO_CORES.device)
    assert device.peak_fp32_tflops == PEAK_FLOPS_PER_S / 1e12
    assert device.memory_gb_per_s == 10
    # An all-reduce between two moves each byte once over each link: 2·(2 − 1)/2.
    assert device.fast_gb_per_s == pytest.approx(2**24 / 0.016 / 1e9)


def test_the_shipped_runs_are_small_to_measure_and_larger_to_check() -> None:
    asked = profile_runs(TWO_CORES)
    recipes = [planned.recipe_on("fp32", 2) for planned in asked.short]
    checks = [planned.recipe_on("fp32", 2) for planned in asked.check]
    work = [training_work(recipe) for recipe in recipes]
    more = [training_work(recipe) for recipe in checks]
    assert max(work) < min(more)
    assert {recipe.layout.zero_stage for recipe in recipes} == {0, 1, 2, 3}
    assert {recipe.layout.zero_stage for recipe in checks} == {0, 1, 2, 3}
    assert len(checks) == 6


def test_rates_of_a_slow_moment_do_not_count() -> None:
    calm = true_rates()
    slow = calm.model_copy(
        update={
            "linear": tuple(
                rate.model_copy(update={"flops_per_s": rate.flops_per_s / 2})
                for rate in calm.linear
            ),
            "collectives": tuple(
                rate.model_copy(update={"seconds": rate.seconds * 3}) for rate in calm.collectives
            ),
        }
    )
    assert slow.best_of(calm) == calm.best_of(slow) == calm


def test_runs_that_are_faster_than_the_rates_outweigh_them() -> None:
    slowed = true_rates()
    slowed = slowed.model_copy(
        update={
            "linear": tuple(
                rate.model_copy(update={"flops_per_s": rate.flops_per_s * 0.85})
                for rate in slowed.linear
            )
        }
    )
    runs = [measured(planned) for planned in profile_runs(TWO_CORES).short]
    step, _ = errors(profile_of(TWO_CORES.device, "made-up cores", 2, slowed, runs, {}))
    assert np.median(step) < 0.06

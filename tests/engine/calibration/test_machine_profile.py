"""Forecasts with a machine's profile, and the file that stores it."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace

import pytest

from engine.calibration import machine_profile as profiles
from engine.calibration.machine_profile import own_profile
from engine.experiments.profile_fit import MeasuredRun, short_runs
from engine.forecast import forecast
from engine.machine import device_name
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan, sample_recipe
from engine.reports.comparison import calibrate
from finance.company.scenario import Scenario
from finance.metrics.projection import with_profile
from tests.engine.profiles import TWO_CORES, true_profile
from tests.engine.reports.test_comparison import measured


def test_a_forecast_stands_on_the_profile(laptop: Scenario) -> None:
    profile = true_profile()
    plan = laptop.plan.model_copy(update={"profile": profile})
    recipe = Recipe(name="as planned", shape=plan.shape, layout=plan.layout, n_ranks=2, steps=1)
    run = MeasuredRun(
        recipe=recipe,
        step_times_s=[1.0],
        pace_s=1.0,
        memory_bytes=1.0,
        idle_memory_bytes=1.0,
        other_load_share=0.0,
    )
    (expected,) = short_runs(profile, TWO_CORES.device, [run])
    seen = forecast(plan)
    assert seen.step_time_s.value == pytest.approx(expected.predicted_step_s)
    assert seen.memory_bytes_per_device.value == pytest.approx(expected.predicted_memory_bytes)
    assert seen.step_time_s.high / seen.step_time_s.value == pytest.approx(math.exp(0.06))
    assert seen.profile_measured_on == profile.measured_on
    assert "made-up cores" in seen.sources["efficiency"]


def test_a_profile_says_nothing_of_other_devices(startup: Scenario) -> None:
    changed = with_profile(startup, true_profile())
    before, after = forecast(startup.plan), forecast(changed.plan)
    assert after.step_time_s == before.step_time_s
    assert after.profile_measured_on is None


def test_a_calibration_goes_before_a_profile(laptop: Scenario) -> None:
    measurement = measured(laptop.plan, step_ratio=1.2)
    calibration = calibrate([measurement])
    without = laptop.plan.model_copy(update={"calibration": calibration})
    both = without.model_copy(update={"profile": true_profile()})
    assert forecast(both).step_time_s == forecast(without).step_time_s
    # A calibration compares with the tables, also if the run's forecast used a profile.
    on_profile = laptop.plan.model_copy(update={"profile": true_profile()})
    assert calibrate([replace(measurement, plan=on_profile)]).step_time == calibration.step_time


def test_runs_here_are_forecast_from_this_machines_profile(laptop: Scenario) -> None:
    recipe = sample_recipe(laptop.plan, TWO_CORES, "laptop", budget_s=60)
    assert run_plan(recipe, laptop.plan, TWO_CORES).profile is None
    here = profiles.MachineProfile.model_validate(
        true_profile().model_dump() | {"device": device_name(TWO_CORES)}
    )
    profiles.keep(here)
    assert run_plan(recipe, laptop.plan, TWO_CORES).profile == here
    profiles.forget()
    assert run_plan(recipe, laptop.plan, TWO_CORES).profile is None


def test_another_machines_profile_is_none_of_ours() -> None:
    profiles.keep(true_profile())
    assert own_profile("made-up cores", "CPU-core") == true_profile()
    assert own_profile("other cores", "CPU-core") is None
    assert own_profile("made-up cores", "H100-80GB") is None


def test_a_scenario_with_a_profile_goes_through_toml(laptop: Scenario) -> None:
    changed = with_profile(laptop, true_profile())
    assert Scenario.parse(tomllib.loads(changed.to_toml())) == changed

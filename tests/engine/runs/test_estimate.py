"""Estimates of a run before it starts."""

import dataclasses
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.facts import accelerator
from engine.forecast import forecast
from engine.machine import Machine, this_machine
from engine.recipes.sample_run import run_plan
from engine.runs.back_ends.local import training_command
from engine.runs.estimate import estimate, with_options
from engine.runs.launching.supervisor import preview_commands
from engine.units import BYTES_PER_GB
from finance.company.scenario import Scenario
from tests.engine.runs.faked import smoke

CPU = Machine(accelerator("CPU-core"), 2, 8 * BYTES_PER_GB)
GPUS = Machine(accelerator("H100-80GB"), 8, 8 * 80 * BYTES_PER_GB)


def test_a_quote_is_the_forecast_of_the_run() -> None:
    recipe = smoke(n_ranks=2)
    said = estimate(recipe, None, CPU)
    expected = forecast(run_plan(recipe, None, CPU))
    assert said.forecast == expected
    assert said.duration_s.value == pytest.approx(3600 * expected.wall_clock_hours.value)
    assert said.duration_s.low < said.duration_s.value < said.duration_s.high
    assert said.memory_bytes.high == 2 * expected.memory_bytes_per_device.high
    assert said.memory_available_bytes == 8 * BYTES_PER_GB
    assert not said.may_not_fit


def test_price_and_law_are_the_scenarios(laptop: Scenario) -> None:
    dear = laptop.plan.with_value("cluster.price_usd_per_device_hour", "5")
    said, usual = (estimate(smoke(n_ranks=2), plan, CPU) for plan in (dear, laptop.plan))
    assert said.forecast.cost_usd.value == pytest.approx(100 * usual.forecast.cost_usd.value)


def test_a_gpu_lends_its_memory_to_its_own_rank_alone() -> None:
    said = estimate(smoke(n_ranks=2, **{"layout.precision": "bf16"}), None, GPUS)
    assert said.memory_available_bytes == 2 * 80 * BYTES_PER_GB


def test_a_tight_machine_is_warned_of_and_a_small_one_refused() -> None:
    recipe = smoke(n_ranks=2)
    need = estimate(recipe, None, CPU).memory_bytes
    tight = dataclasses.replace(CPU, memory_bytes=(need.value + need.high) / 2)
    assert estimate(recipe, None, tight).may_not_fit
    small = dataclasses.replace(CPU, memory_bytes=need.low * 0.99)
    with pytest.raises(InputError, match="memory"):
        estimate(recipe, None, small)


def test_options_change_the_recipe_and_keep_it_evaluated() -> None:
    recipe = smoke(steps=200, eval_every_steps=150)
    changed = with_options(recipe, {"steps": 100, "layout.zero_stage": 3})
    assert (changed.steps, changed.layout.zero_stage) == (100, 3)
    assert changed.eval_every_steps == 10  # at 150 it would never be
    assert with_options(recipe, {"layout.zero_stage": 3}).eval_every_steps == 150
    assert with_options(recipe, {}) == recipe
    with pytest.raises(InputError, match=r"layout\.micro_batch_sequences"):
        with_options(recipe, {"layout.micro_batch_sequences": 0})


def test_the_command_that_is_shown_is_the_one_that_runs() -> None:
    recipe = smoke()
    preparing, training = preview_commands(recipe, this_machine())
    assert preparing.endswith("-m engine.training.corpus.prepare RUN")
    real = training_command(Path("/runs/a-run"), range(recipe.n_ranks), 29500, this_machine())
    words = training.split()
    assert [word for word in words if "=" not in word] == [
        {"/runs/a-run": "RUN", "29500": "PORT"}.get(word, word) for word in real
    ]
    on_cpu = preview_commands(recipe, CPU)[1]
    assert on_cpu.startswith("DS_ACCELERATOR=cpu OMP_NUM_THREADS=1 ")
    assert "DS_ACCELERATOR" not in preview_commands(recipe, GPUS)[1]


def test_a_gpu_is_taken_by_its_number() -> None:
    command = training_command(Path("/runs/a-run"), (0, 3), 29500, GPUS)
    assert command[command.index("--include") + 1] == "localhost:0,3"
    assert "--num_gpus" not in command

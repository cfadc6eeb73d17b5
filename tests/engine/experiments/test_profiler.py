"""Measuring a machine for real, with as little as will do."""

import pytest

from engine.documents import InputError
from engine.experiments import profiler
from engine.experiments.profiler import (
    ProfileProgress,
    ProfileRun,
    ProfileRuns,
    check_profile,
    measure_profile,
    measuring_now,
)
from engine.facts import accelerator
from engine.forecast import forecast
from engine.machine import Machine, profile_of_machine, this_machine
from engine.recipes.sample_run import run_plan
from engine.runs.locks import hold_lock

TINY = ProfileRun(
    n_layers=2,
    d_model=64,
    n_heads=2,
    n_kv_heads=2,
    d_ff=128,
    vocab=512,
    seq_len_tokens=64,
    micro_batch_sequences=2,
    zero_stage=1,
)
LESS_TINY = TINY.model_copy(update={"d_model": 128, "zero_stage": 3})
ASKED = ProfileRuns(seconds=0.2, short=(TINY, LESS_TINY), check=(TINY,))


@pytest.mark.runs
def test_a_measured_machine_has_a_profile_that_forecasts_its_runs() -> None:
    machine = this_machine()
    reported: list[ProfileProgress] = []
    seen: list[ProfileProgress | None] = []

    def on_progress(progress: ProfileProgress) -> None:
        reported.append(progress)
        seen.append(measuring_now())

    profile = measure_profile(machine, ASKED, on_progress)
    assert [(progress.stage, progress.n_done) for progress in reported] == [
        ("rates", 0),
        ("runs", 0),
        ("runs", 1),
        ("runs", 2),
    ]
    assert seen == reported  # the file holds the same progress
    assert measuring_now() is None
    assert profile_of_machine(machine) == profile
    rates = profile.rates
    # Every core does more than 100 MFLOP/s and less than 10 TFLOP/s.
    assert 1e8 < rates.linear_flops_per_s("fp32") < 1e13
    assert {rate.precision for rate in rates.linear} == {"fp32", "bf16"}
    kinds = {rate.kind for rate in rates.collectives}
    assert kinds == (
        {"all_reduce", "all_gather", "reduce_scatter"} if machine.n_devices > 1 else set()
    )
    for run in profile.runs:
        assert run.steps >= 6
        assert run.step_s_p10 <= run.measured_step_s * 1.5
        assert run.measured_memory_bytes > 1e8
    plan = run_plan(TINY.recipe_on("fp32", machine.n_devices), None, machine)
    assert forecast(plan).step_time_s.value == pytest.approx(profile.runs[0].predicted_step_s)
    (checked,) = check_profile(profile, machine, ASKED)
    assert checked.predicted_step_s == profile.runs[0].predicted_step_s
    assert checked.measured_step_s != profile.runs[0].measured_step_s


def test_kinds_of_machines_without_runs_to_measure_them_with() -> None:
    node = Machine(accelerator("H100-80GB"), 8, 640e9)
    assert profiler.can_be_profiled(this_machine())
    assert not profiler.can_be_profiled(node)
    with pytest.raises(InputError, match=r"gpu\.toml"):
        profiler.profile_runs(node)


def test_two_at_once_would_measure_each_other() -> None:
    profiler.log_path().write_text("a line of the first\n")
    with hold_lock(profiler.lock_path()), pytest.raises(InputError, match="already running"):
        measure_profile(this_machine(), ASKED)
    assert profiler.log_path().read_text() == "a line of the first\n"


def test_a_process_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiler.sys, "executable", "/bin/false")
    with pytest.raises(InputError, match="the log gives the reason"):
        measure_profile(this_machine(), ASKED)
    assert profile_of_machine(this_machine()) is None

"""The fitted parameters: whole, sane, and found for what is not in the table too."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from engine.documents import InputError
from engine.facts import Accelerator, accelerator, accelerators, read_facts
from engine.layout import PRECISIONS, Layout
from engine.paths import DATA_DIR
from engine.predictor.efficiency import (
    MEASURED_ONLY,
    EfficiencyColumns,
    EfficiencyParameter,
    efficiency_parameters,
    fitted_values,
    is_known,
    spreads,
)
from engine.predictor.estimate import estimate
from engine.predictor.stacks import stack_of, stacks
from tests.engine.predictor.inputs import inputs
from tests.engine.shapes import LLAMA3_8B

H100 = accelerator("H100-80GB")
PARAMETERS = efficiency_parameters()
FITTED = [parameter for parameter in PARAMETERS if parameter.prior_log_sd > 0.005]
STACKS = stacks()


def resolved(device: Accelerator = H100, precision: str = "bf16", **changes) -> EfficiencyColumns:
    layout = Layout(micro_batch_sequences=1, precision=precision)
    return inputs(LLAMA3_8B, layout, device, **changes).efficiency


def test_every_parameter_stands_once_with_its_prior_and_its_bounds() -> None:
    assert len({parameter.key for parameter in PARAMETERS}) == len(PARAMETERS)
    for parameter in PARAMETERS:
        assert 0 < parameter.low <= parameter.value <= parameter.high, parameter.key
        assert parameter.prior > 0, parameter.key
        assert parameter.prior_log_sd >= 0, parameter.key
        assert parameter.prior_source.strip(), parameter.key
        assert parameter.unit.strip(), parameter.key


@pytest.mark.parametrize("parameter", FITTED, ids=lambda parameter: parameter.key)
def test_runs_made_each_parameter_surer(parameter: EfficiencyParameter) -> None:
    """The fit only adds to what was known: 80% lie within 1.28 standard deviations."""
    half_width = math.log(parameter.high / parameter.low) / 2
    assert half_width <= 1.2816 * parameter.prior_log_sd * 1.001
    # And it does not contradict what was measured of single kernels and links.
    assert abs(math.log(parameter.value / parameter.prior)) <= 3 * parameter.prior_log_sd


def test_each_parameter_holds_for_what_is_not_listed() -> None:
    """``all`` is what other generations and kinds get; kernels of attention, stacks and widths
    of intervals are listed one by one."""
    listed = {"time_factor", "spread", "device_spread", "whole_run"}
    scopes: dict[str, set[str]] = {}
    for parameter in PARAMETERS:
        scopes.setdefault(parameter.parameter, set()).add(parameter.scope)
    for name, found in scopes.items():
        if name == "attention_share":
            assert {parameter.attention for parameter in STACKS.values()} <= found
        elif name not in listed:
            assert "all" in found, name


def test_an_unknown_generation_gets_what_holds_for_all() -> None:
    new = H100.model_copy(
        update={"accelerator": "Z1", "arch": "Zeta", "best_matmul_bf16_tflops": None}
    )
    values = fitted_values()
    efficiency = resolved(new)
    assert "matmul_of_best:Zeta" not in values
    assert efficiency.matmul_share[0] == pytest.approx(0.75 * values["matmul_of_best:all"])
    assert efficiency.layer_host_s[0] == values["layer_host_s:all"]
    assert efficiency.runtime_gb[0] == values["runtime_gb:all"]
    assert efficiency.attention_share[0] == values["attention_share:sdpa"]
    assert resolved(H100).attention_share[0] == values["attention_share:sdpa Hopper"]


def test_the_best_matmul_is_the_devices_own_or_its_generations() -> None:
    sustained = fitted_values()["matmul_of_best:Hopper"]
    assert resolved(H100).matmul_share[0] == pytest.approx(794.5 / 989 * sustained)
    # The NVL part has no published value: the median of H100, H200 and GH200, all at 989.
    nvl = resolved(accelerator("H100-NVL-94GB")).matmul_share[0]
    assert nvl == pytest.approx(np.median([794.5, 794.5, 828.6]) / 989 * sustained)


@pytest.mark.parametrize(("limit_share", "speed"), [(0.7, 0.7**0.4), (0.5, 0.5**0.4), (1.0, 1.0)])
def test_a_power_limit_slows(limit_share: float, speed: float) -> None:
    """The speed is between the cube root and the square root of the share."""
    free, limited = resolved(), resolved(power_share=limit_share)
    assert limited.matmul_share / free.matmul_share == pytest.approx(speed)
    assert limit_share ** (1 / 2) <= speed <= limit_share ** (1 / 3)
    assert limited.base_matmul_share / free.base_matmul_share == pytest.approx(speed)
    assert limited.bandwidth_share == free.bandwidth_share  # memory has a clock of its own


def test_software_for_experts_improves_year_by_year() -> None:
    yearly = fitted_values()["moe_host_yearly:all"]
    now, before = resolved(year=2026.0), resolved(year=2025.0)
    assert now.moe_host_s / before.moe_host_s == pytest.approx(yearly)
    assert yearly < 1
    # Beyond what was seen nothing is made up.
    assert resolved(year=2040.0).moe_host_s == resolved(year=2027.0).moe_host_s
    assert resolved(year=1999.0).moe_host_s == resolved(year=2023.0).moe_host_s


def test_a_stack_that_runs_were_seen_of_gets_the_narrower_interval() -> None:
    width = spreads()
    for moe in (False, True):
        assert width.of(known=True, moe=moe) <= width.of(known=False, moe=moe)
    assert width.of(known=True, moe=True) >= width.of(known=True, moe=False)
    assert is_known(STACKS["Megatron-LM"])
    assert not is_known(STACKS["llm.c"])
    assert not is_known(STACKS["default"])
    assert 0.05 < width.known < 0.5
    assert 0.03 < width.memory < 0.5


@pytest.mark.parametrize("name", STACKS)
def test_every_stack_on_every_device_at_every_precision(name: str) -> None:
    rows = [
        (device, precision)
        for device, precision in itertools.product(accelerators().values(), PRECISIONS)
        if device.peak_flops_per_s(precision)
    ]
    assert len(rows) > 100
    efficiency = EfficiencyColumns.of(
        [device for device, _ in rows],
        [precision for _, precision in rows],
        [STACKS[name]] * len(rows),
        [2026.0] * len(rows),
        [1.0] * len(rows),
    )
    switches = {"unfused_attention", "cast", "sequence_parallel", "selective_half"}
    switches |= set(MEASURED_ONLY)
    for field in dataclasses.fields(efficiency):
        values = getattr(efficiency, field.name)
        assert values.shape == (len(rows),), field.name
        assert np.isfinite(values).all(), field.name
        assert (values > 0).all() or field.name in switches, field.name
        if "share" in field.name or field.name.endswith("exposed"):
            assert (values <= 1).all(), field.name


def test_short_precisions_cast_and_long_ones_do_not() -> None:
    assert resolved(precision="bf16").cast == 0
    values = fitted_values()
    assert resolved(precision="fp8").cast == values["cast:all"]
    b200 = accelerator("B200")
    assert resolved(b200, "mxfp8").cast == values["cast:mxfp8"]
    assert resolved(b200, "nvfp4").cast == values["cast:nvfp4"]


def test_what_is_given_stands_in_the_place_of_what_was_fitted() -> None:
    values = dict(fitted_values()) | {"bandwidth_share:all": 0.123}
    efficiency = EfficiencyColumns.of(
        [H100], ["bf16"], [STACKS["default"]], [2026.0], [1.0], values
    )
    assert efficiency.bandwidth_share == 0.123


def test_stacks_are_found_by_the_name_in_a_table() -> None:
    for name, framework, generation in (
        ("Megatron-LM 2021", "Megatron-LM", "Ampere"),
        ("Megatron-LM", "Megatron-LM (mcore 0.13)", "Hopper"),
        ("Megatron-DeepSpeed", "Megatron-DeepSpeed", "Ampere"),
        ("DeepSpeed", "DeepSpeed 0.16", "Hopper"),
        ("Megatron-Bridge", "Megatron-Bridge", "Blackwell"),
        ("torchtitan", "torchtitan", "Hopper"),
        ("Flopledger", "engine.training (DeepSpeed 0.19.8, PyTorch 2.13.0)", "CPU"),
        ("default", "", "Hopper"),
        ("default", "something of our own", "TPU"),
    ):
        assert stack_of(framework, generation).stack == name, framework


def test_a_faster_stack_takes_less_time() -> None:
    """Scores in memory, no overlap, a factor of its own: the stack of 2021 is slower."""
    layout = Layout(micro_batch_sequences=1, tensor_parallel=8)
    now, then = (
        estimate(LLAMA3_8B, layout, accelerator("A100-80GB"), 8, STACKS[name]).step_s
        for name in ("Megatron-LM", "Megatron-LM 2021")
    )
    assert now < then


def test_a_wrong_table_names_row_and_column(tmp_path) -> None:
    lines = (DATA_DIR / "efficiency.csv").read_text("utf-8").splitlines()
    parameter, scope, value, rest = lines[2].split(",", 3)
    lines[2] = f"{parameter},{scope},many,{rest}"
    path = tmp_path / "efficiency.csv"
    path.write_text("\n".join(lines), "utf-8")
    assert float(value) > 0
    with pytest.raises(InputError, match=r"efficiency\.csv:3\.value: many"):
        read_facts(path, EfficiencyParameter)

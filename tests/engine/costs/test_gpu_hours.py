"""GPU-hours of whole runs against published ones."""

from __future__ import annotations

import csv
import math
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from engine.costs.gpu_hours import gpu_hours_of, run_kind, whole_run_ratio
from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.predictor.defaults import usual_batch_tokens, usual_shape

ROW = {
    "model": "Llama-2-7B",
    "params_total": "6738000000",
    "tokens": "2e12",
    "gpu": "A100-80GB",
}


def whole_runs() -> list[dict[str, str]]:
    with (DATA_DIR / "whole_runs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_published_runs_within_a_fifth_and_a_factor_of_two() -> None:
    errors = [
        math.log(gpu_hours_of(run).gpu_hours / float(run["gpu_hours"])) for run in whole_runs()
    ]
    assert statistics.median(abs(math.expm1(error)) for error in errors) <= 0.2
    assert max(abs(error) for error in errors) <= math.log(2)


def test_each_run_left_out_keeps_within_a_factor_of_two_of_what_the_others_say() -> None:
    runs = whole_runs()
    ratios = [math.log(whole_run_ratio(run)) for run in runs]
    errors = []
    for number, run in enumerate(runs):
        others = [
            ratio
            for at, ratio in enumerate(ratios)
            if at != number and run_kind(runs[at]) == run_kind(run)
        ]
        errors.append(ratios[number] - statistics.median(others))
    assert statistics.median(abs(math.expm1(-error)) for error in errors) <= 0.25
    assert max(abs(error) for error in errors) <= math.log(2)


def test_twice_the_tokens_take_twice_the_hours() -> None:
    once = gpu_hours_of(ROW)
    twice = gpu_hours_of(ROW | {"tokens": "4T"})
    assert twice.gpu_hours == pytest.approx(2 * once.gpu_hours, rel=0.05)
    assert once.gpu_hours_low < once.gpu_hours < once.gpu_hours_high
    assert once.usd is not None
    assert once.usd > once.gpu_hours  # an A100 costs more than a dollar an hour


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"gpu": "A100-8GB"}, "gpu: A100-8GB .* A100-80GB"),
        ({"params_total": ""}, "params_total: no value "),
        ({"params_total": "-1"}, "params_total: -1"),
        ({"tokens": "many"}, "tokens: many"),
        ({"params_active": "7e12"}, "params_active"),
        ({"n_gpus": "2.5"}, "n_gpus: 2.5"),
        ({"n_gpus": "-8"}, "n_gpus: -8"),
    ],
)
def test_bad_cells_are_one_line(changes: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        gpu_hours_of(ROW | changes)


@pytest.mark.parametrize(("total", "active"), [(3e8, 3e8), (5e9, 5e9), (9e10, 9e10), (2e11, 2e10)])
def test_a_usual_shape_has_about_the_parameters(total: float, active: float) -> None:
    count = usual_shape(total, active).count_parameters()
    assert count.total == pytest.approx(total, rel=0.12)
    assert count.active == pytest.approx(active, rel=0.2)


def test_a_published_model_lends_its_shape() -> None:
    shape = usual_shape(8.03e9)
    assert (shape.n_layers, shape.d_model, shape.n_kv_heads) == (32, 4096, 8)
    assert usual_shape(671e9, 37e9).mla is not None


def test_the_usual_batch_grows_with_the_model() -> None:
    sizes = [usual_batch_tokens(10**power) for power in range(7, 13)]
    assert sizes == sorted(sizes)


def test_the_command_predicts_the_rest_of_a_file_with_bad_rows(tmp_path: Path) -> None:
    source, out = tmp_path / "runs.csv", tmp_path / "out.csv"
    source.write_text(
        "model,params_total,params_active,tokens,gpu,n_gpus\n"
        "a,1e9,,20B,H100-80GB,8\nb,1e9,,20B,H100-8GB,8\nc,7e9,,2T,A100-80GB,\n"
    )
    command = [sys.executable, "-m", "engine", "gpu-hours", str(source), "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "runs.csv:3: gpu: H100-8GB" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    with out.open(newline="") as file:
        assert [row["model"] for row in csv.DictReader(file)] == ["a", "c"]

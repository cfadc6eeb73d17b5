"""A plan's schedule against its forecast, and the commands that search and trace."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.forecast import forecast
from engine.planning.step_schedule import pipeline_step
from engine.predictor.timeline import simulate
from finance.company.scenario import Scenario


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_a_pipeline_the_schedule_takes_as_long_as_the_forecast(startup: Scenario) -> None:
    plan = startup.plan
    timeline = simulate(pipeline_step(plan))
    assert timeline.total_s == pytest.approx(sum(forecast(plan).step_parts_s.values()))
    assert timeline.bubble_share == pytest.approx(0, abs=1e-9)


def test_a_pipeline_waits_as_its_bubble_says(startup: Scenario) -> None:
    plan = startup.plan.with_values(
        {"layout.pipeline_parallel": 4, "layout.grad_accumulation_steps": 16}
    )
    step = pipeline_step(plan)
    timeline = simulate(step)
    work_s = 16 * (step.forward_s + step.backward_s)
    assert timeline.total_s > work_s * 19 / 16 * (1 - 1e-9)  # (m + p − 1) ÷ m, and transfers
    assert timeline.bubble_share == pytest.approx(3 / 19, rel=0.2)


def test_a_trace_is_written(tmp_path: Path) -> None:
    out = tmp_path / "step.json"
    ended = run("trace", "data/scenarios/startup-1b.toml", "--out", str(out))
    assert ended.returncode == 0, ended.stderr
    events = json.loads(out.read_text())["traceEvents"]
    assert {"forward", "backward", "optimizer"} <= {
        event["name"].split()[0].split(",")[0] for event in events if event["ph"] == "X"
    }
    assert run("trace", "data/scenarios/startup-1b.toml", "--out", "/nowhere/x").returncode == 2


def test_search_prints_layouts_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    ended = run(
        *("search", "--model", "Llama-3-8B", "--accelerator", "H100-80GB"),
        *("--devices", "8", "--limit", "3", "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert len(found["layouts"]) == 3
    for changed, told in (
        (("--model", "Llama-3-9B"), "model: Llama-3-9B"),
        (("--accelerator", "H100"), "accelerator: H100 "),
        (("--precision", "fp7"), "precision: fp7"),
        (("--software", "Megatron"), "software: Megatron"),
    ):
        options = {
            "--model": "Llama-3-8B",
            "--accelerator": "H100-80GB",
            "--devices": "8",
        } | {changed[0]: changed[1]}
        bad = run("search", *(part for pair in options.items() for part in pair))
        assert bad.returncode == 2
        assert told in bad.stderr
        assert len(bad.stderr.splitlines()) == 1
    config = tmp_path / "config.json"
    config.write_text("{}")
    bad = run("search", "--model", str(config), "--accelerator", "H100-80GB", "--devices", "8")
    assert bad.returncode == 2
    assert len(bad.stderr.splitlines()) == 1

"""Small real runs: their measurements and their files."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.machine import this_machine
from engine.paths import PROJECT_DIR
from engine.recipes.sample_run import run_plan
from engine.reports.comparison import compare
from engine.runs.folder import Phase, Run, all_runs
from engine.runs.model_process import ModelProcess
from engine.runs.observing.measurements import calibration_of
from engine.runs.observing.progress import Progress
from engine.sampling import Sampling
from tests.engine.runs.faked import smoke
from tests.engine.runs.real import PATIENCE_S, leaves_nothing, start, wait_for_end

pytestmark = [
    pytest.mark.runs,
    pytest.mark.timeout(1_800),
    pytest.mark.usefixtures("prepared_corpora"),
]


def test_a_run_from_text_to_model() -> None:
    run = start(smoke())
    assert wait_for_end(run) is Phase.SUCCEEDED, run.log_tail()

    result, metrics = run.result, Progress(run).update().metrics
    assert result is not None
    assert [line.step for line in metrics] == list(range(1, 21))
    assert metrics[-1].loss < metrics[0].loss - 0.5
    assert [line.step for line in metrics if line.held_out_loss is not None] == [10]
    assert (
        abs(metrics[0].loss - math.log(512)) < 0.3
    )  # an untrained model predicts all tokens alike
    assert result.n_parameters == run.recipe.shape.count_parameters().total
    assert 0 < result.mfu < 1
    assert result.memory_bytes_per_device > result.idle_memory_bytes_per_device
    times = [line.step_time_s for line in metrics]
    assert min(times) <= result.step_time_s_p10 <= result.step_time_s_p90 <= max(times)

    rows = compare(run.forecast, run.plan, result)
    assert {row.quantity for row in rows} >= {"step_time_s", "mfu", "loss_nats_per_token"}
    calibration = calibration_of(run)
    assert calibration.run_ids == (run.id,)
    assert leaves_nothing(run)

    with ModelProcess() as process:
        sampling = Sampling(tokens=20)
        written = list(process.generate(run.model_dir, "The people", sampling))
        assert "".join(written)
        assert list(process.generate(run.model_dir, "The people", sampling)) == written

    check_export(run)


def check_export(run: Run) -> None:
    """The exported files alone give the held-out loss that the run reported."""
    code = f"""
import numpy as np, torch
from engine.training.evaluation.generation import load_model
from engine.training.corpus.build import prepare_corpus
from engine.runs.folder import Run
run = Run.find({run.id!r})
model, _ = load_model(run.model_dir)
n = run.recipe.shape.seq_len_tokens
tokens = prepare_corpus(run.recipe).held_out_tokens()
windows = np.asarray(tokens[: len(tokens) // n * n]).astype(np.int64).reshape(-1, n)
with torch.no_grad():
    losses = [model(input_ids=w, labels=w).loss.item() * len(w)
              for w in torch.from_numpy(windows).split(64)]
print(sum(losses) / len(windows))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    assert run.result is not None
    assert float(answer.stdout) == pytest.approx(run.result.held_out_loss, rel=1e-5)


def test_the_command_line_trains_lists_and_cancels(home: Path) -> None:
    def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", *arguments], cwd=PROJECT_DIR,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    short = home / "short.toml"
    short.write_text(smoke(steps=3).to_toml(), "utf-8")
    trained = engine("train", str(short), "--json")
    assert trained.returncode == 0, trained.stderr
    report = json.loads(trained.stdout)
    assert report["result"]["steps"] == 3

    long = home / "long.toml"
    long.write_text(smoke(steps=100_000).to_toml(), "utf-8")
    run_id = engine("train", str(long), "--detach").stdout.strip()
    assert engine("runs", "cancel", run_id).stdout.strip() == "cancelled"
    listed = json.loads(engine("runs", "list", "--json").stdout)
    assert [(row["run"], row["phase"]) for row in listed] == [
        (run_id, "cancelled"),
        (report["run"], "succeeded"),
    ]
    assert engine("export", report["run"], str(home / "model")).returncode == 0
    assert (home / "model" / "config.json").is_file()
    assert engine("export", report["run"], str(home / "model")).returncode == 2
    assert engine("generate", run_id).returncode == 2


def test_names_cannot_leave_the_folder() -> None:
    run = Run.create(smoke(name="../../x y"), run_plan(smoke(), None, this_machine()))
    assert run.folder.parent.name == "runs"
    assert all_runs() == []  # hidden until it is in the queue
    run.publish()
    assert [found.id for found in all_runs()] == [run.id]
    for name in ("../../x", "", "a/b", "nothing"):
        with pytest.raises(InputError):
            Run.find(name)

"""``python -m engine fit`` and ``backtest`` on the command line."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.paths import PROJECT_DIR
from engine.scaling.laws import FittedLaw, loss

LAW = FittedLaw(parameters_counted="total", A=482.0, B=2085.0, E=1.82, alpha=0.348, beta=0.366)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=False,
    )


@pytest.fixture
def runs_csv(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["params", "tokens", "loss"])
        for n in np.geomspace(1e8, 1e10, 6):
            for ratio in (5, 20, 80):
                noise = np.exp(rng.normal(0, 0.001))
                writer.writerow([n, n * ratio, float(loss(LAW, n, n * ratio)) * noise])
    return path


def test_fit_finds_the_law_and_predicts_beyond(runs_csv: Path, tmp_path: Path) -> None:
    points, out = tmp_path / "points.csv", tmp_path / "out.csv"
    points.write_text("model_id,params,tokens\nbig,7e10,1.4e12\n")
    answer = run("fit", runs_csv, "--bootstrap", 50, "--predict", points, "--out", out, "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["coefficients"]["E"] == pytest.approx(LAW.E, abs=0.05)
    assert set(found["standard_errors"]) == {"A", "B", "E", "alpha", "beta"}
    [row] = csv.DictReader(out.open())
    truth = float(loss(LAW, 7e10, 1.4e12))
    assert row["model_id"] == "big"
    assert float(row["loss_low"]) < truth < float(row["loss_high"])
    assert float(row["loss"]) == pytest.approx(truth, rel=0.02)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("params,tokens\n1e8,2e9\n", "loss"),
        ("params,tokens,loss\n1e8,2e9,3\n1e9,many,2\n", ":3.tokens"),
        ("params,tokens,loss\n1e8,2e9,0\n", ":2.loss"),
        ("params,tokens,loss\n1e8,2e9,nan\n", ":2.loss"),
        ("params,tokens,loss\n" + "1e8,2e9,3\n" * 9, "params"),
        ("", "params"),
    ],
)
def test_bad_tables_end_with_one_line(tmp_path: Path, content: str, place: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    answer = run("fit", path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    [line] = answer.stderr.splitlines()
    assert place in line


def test_unknown_law_and_half_a_prediction_are_refused(runs_csv: Path) -> None:
    for wrong in (("--law", "newton"), ("--predict", runs_csv)):
        answer = run("fit", runs_csv, *wrong)
        assert answer.returncode == 2
        assert len(answer.stderr.splitlines()) == 1


def test_data_constrained_law_needs_unique_tokens(runs_csv: Path) -> None:
    answer = run("fit", runs_csv, "--law", "data_constrained")
    assert answer.returncode == 2
    assert "unique_tokens" in answer.stderr


def test_counting_is_not_mixed(runs_csv: Path, tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    points.write_text("params,tokens,params_counted\n7e10,1.4e12,non_embedding\n")
    answer = run("fit", runs_csv, "--predict", points, "--out", tmp_path / "out.csv")
    assert answer.returncode == 2
    assert "non_embedding" in answer.stderr
    assert not (tmp_path / "out.csv").exists()


def test_tied_exponents_are_equal(runs_csv: Path) -> None:
    found = json.loads(run("fit", runs_csv, "--law", "gadre", "--json").stdout)
    assert found["coefficients"]["alpha"] == found["coefficients"]["beta"]

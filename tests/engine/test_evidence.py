"""Predictions for tables of measured runs."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.evidence import predict_row, read_rows, score
from engine.paths import DATA_DIR, PROJECT_DIR

MEASURED = DATA_DIR / "measured_throughput.csv"
COLUMNS = (
    "id,feasible,infeasible_reason,tokens_per_sec_per_gpu,tokens_per_sec_per_gpu_low,"
    "tokens_per_sec_per_gpu_high,mfu,step_time_s,mem_gb"
)


def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=PROJECT_DIR, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_every_measured_row_that_ships_is_predicted() -> None:
    rows = read_rows(MEASURED)
    predictions = [predict_row(row) for row in rows]
    assert all(one.feasible for one in predictions)
    everything, *_ = score(rows, predictions)
    assert everything.n_predicted == len(rows) == 192
    # In sample: these rows set the efficiencies. What they must not do is drift.
    assert everything.median_error is not None
    assert everything.median_error < 0.08
    assert everything.interval_coverage is not None
    assert everything.interval_coverage > 0.8


def test_score_by_hand() -> None:
    row = read_rows(MEASURED)[0]
    one = predict_row(row)
    assert one.tokens_per_sec_per_gpu is not None
    twice = row | {"tokens_per_sec_per_gpu": str(one.tokens_per_sec_per_gpu / 2)}
    everything, *_ = score([twice], [one])
    assert everything.median_error == everything.bias == 1.0
    assert everything.interval_coverage == 0.0


def test_predict_writes_the_agreed_columns(tmp_path: Path) -> None:
    out = tmp_path / "pred.csv"
    answer = engine("predict", str(MEASURED), "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    assert out.read_text("utf-8").splitlines()[0] == COLUMNS


def test_a_bad_row_is_named_and_the_rest_is_predicted(tmp_path: Path) -> None:
    rows = read_rows(MEASURED)[:4]
    rows[1] = rows[1] | {"gpu": "H100-80GIB"}
    rows[2] = rows[2] | {"d_model": "wide"}
    table, out = tmp_path / "rows.csv", tmp_path / "pred.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    answer = engine("predict", str(table), "--out", str(out))
    assert answer.returncode == 2
    first, second = answer.stderr.strip().splitlines()
    assert f"{table}:3: gpu: H100-80GIB" in first
    assert "H100-80GB" in first
    assert f"{table}:4: d_model: wide" in second
    assert len(read_rows(out)) == 2


@pytest.mark.parametrize(
    ("column", "cell"), [("n_gpus", "-8"), ("n_heads", "0"), ("micro_batch", "0"), ("seq_len", "")]
)
def test_impossible_cells_are_refused(column: str, cell: str) -> None:
    with pytest.raises(InputError, match=column):
        predict_row(read_rows(MEASURED)[0] | {column: cell})


@pytest.mark.parametrize("cell", ["", "0", "nan", "fast"])
def test_a_measurement_that_is_none_is_refused(cell: str) -> None:
    row = read_rows(MEASURED)[0]
    with pytest.raises(InputError, match=row["id"]):
        score([row | {"tokens_per_sec_per_gpu": cell}], [predict_row(row)])


def test_a_layout_without_terms_says_which(tmp_path: Path) -> None:
    row = read_rows(MEASURED)[0] | {"tp": "8"}
    one = predict_row(row)
    assert not one.feasible
    assert one.infeasible_reason == "tp=8"


def test_validate_prints_json() -> None:
    answer = engine("validate", str(MEASURED), "--json")
    assert answer.returncode == 0, answer.stderr
    groups = {one["group"]: one for one in json.loads(answer.stdout)}
    assert groups[""]["n_rows"] == 192


def test_bad_input_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    for arguments in (
        ("forecast", "/nowhere.toml"),
        ("validate", "/nowhere.csv"),
        ("runs", "show", "../../etc"),
        ("train", str(PROJECT_DIR / "README.md")),
    ):
        answer = engine(*arguments)
        assert answer.returncode == 2, arguments
        assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr

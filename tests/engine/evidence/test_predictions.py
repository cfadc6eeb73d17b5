"""Predictions for tables of measured runs, and their scores."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from engine.documents import InputError
from engine.evidence.predictions import Prediction, Score, predict_rows, read_rows, score
from engine.paths import DATA_DIR, PROJECT_DIR
from engine.predictor.efficiency import spreads
from tests.engine.evidence.rows import LLAMA3_8B_ROW, MIXTRAL_ROW, write_rows

pytestmark = pytest.mark.slow

MEASURED = DATA_DIR / "measured_throughput.csv"
COLUMNS = (
    "id,feasible,infeasible_reason,tokens_per_sec_per_gpu,tokens_per_sec_per_gpu_low,"
    "tokens_per_sec_per_gpu_high,mfu,step_time_s,mem_gb"
)
OWN_SOURCE = "flopledger-cpu"


def engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=PROJECT_DIR, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def predict(*rows: dict[str, str]) -> list[Prediction]:
    found = predict_rows(rows)
    assert all(isinstance(prediction, Prediction) for prediction in found)
    return [prediction for prediction in found if isinstance(prediction, Prediction)]


@pytest.fixture(scope="module")
def shipped() -> list[dict[str, str]]:
    return read_rows(MEASURED)


@pytest.fixture(scope="module")
def scores(shipped: list[dict[str, str]]) -> dict[str, Score]:
    return {group_score.group: group_score for group_score in score(shipped, predict_rows(shipped))}


# The table that ships ------------------------------------------------------------------------


def test_every_measured_row_that_ships_is_predicted(shipped: list[dict[str, str]]) -> None:
    published = [row for row in shipped if row["source_id"] != OWN_SOURCE]
    assert len(published) == 488
    predictions = predict(*shipped)
    assert [prediction.id for prediction in predictions] == [row["id"] for row in shipped]
    infeasible = [prediction for prediction in predictions if not prediction.feasible]
    assert len(infeasible) <= 0.02 * len(published)
    assert all(prediction.infeasible_reason for prediction in infeasible)
    for prediction in predictions:
        low, high = prediction.tokens_per_sec_per_gpu_low, prediction.tokens_per_sec_per_gpu_high
        assert 0 < low < prediction.tokens_per_sec_per_gpu < high < math.inf, prediction.id
        assert 0 < prediction.mfu < 0.9, prediction.id
        assert 0 < prediction.mem_gb < 1_000, prediction.id


def test_what_the_fit_has_seen_is_predicted_well(scores: dict[str, Score]) -> None:
    """The efficiencies were fitted to these rows; their errors must not drift."""
    everything = scores[""]
    assert everything.median_error is not None
    assert everything.median_error <= 0.08
    assert everything.p90_error is not None
    assert everything.p90_error <= 0.25
    assert everything.bias is not None
    assert abs(everything.bias) <= 0.02
    assert everything.interval_coverage is not None
    assert everything.interval_coverage >= 0.8
    for precision in ("bf16", "fp8", "mxfp8", "nvfp4"):
        error = scores[f"precision={precision}"].median_error
        assert error is not None
        assert error <= 0.15, precision


def test_memory_of_counted_tensors_is_nearly_exact(scores: dict[str, Score]) -> None:
    """SimuMax publishes what PyTorch allocated: weights, gradients, optimizer and activations
    of small stacks of Llama-3 70B and DeepSeek-V3 layers, which are counted, not fitted."""
    error = scores["source_id=simumax-b200"].median_memory_error
    assert error is not None
    assert error <= 0.04
    overall = scores[""].median_memory_error
    assert overall is not None
    assert overall <= 0.1


# A row by hand -------------------------------------------------------------------------------


def test_figures_of_a_row_agree_with_each_other() -> None:
    (prediction,) = predict(LLAMA3_8B_ROW)
    tokens_per_step = 64 * 8192
    assert prediction.step_time_s == pytest.approx(
        tokens_per_step / (64 * prediction.tokens_per_sec_per_gpu)
    )
    weights = 8_030_261_248 - 128_256 * 4096 - 65 * 4096  # without look-up table and norms
    flops = 6 * weights + 12 * 32 * 4096 * 8192
    assert prediction.mfu == pytest.approx(prediction.tokens_per_sec_per_gpu * flops / 989e12)


def test_intervals_are_as_wide_as_crossvalidation_found() -> None:
    known = {"framework": "Megatron-LM"}
    unknown = {"framework": "something else", "act_ckpt": "none"}
    widths = spreads()
    for row, factor in ((LLAMA3_8B_ROW, 1.0), (MIXTRAL_ROW, widths.moe)):
        for changes, width in ((known, widths.known), (unknown, widths.unknown)):
            (prediction,) = predict(row | changes)
            half = width * factor
            ratio = prediction.tokens_per_sec_per_gpu_high / prediction.tokens_per_sec_per_gpu
            assert math.log(ratio) == pytest.approx(half)
            ratio = prediction.tokens_per_sec_per_gpu / prediction.tokens_per_sec_per_gpu_low
            assert math.log(ratio) == pytest.approx(half)


def test_an_impossible_layout_is_predicted_and_says_so() -> None:
    (prediction,) = predict(MIXTRAL_ROW | {"ep": "32"})
    assert not prediction.feasible
    assert prediction.infeasible_reason.startswith("expert_parallel: 32 ")
    assert prediction.tokens_per_sec_per_gpu > 0


def test_memory_as_allocated_leaves_the_libraries_out() -> None:
    whole, tensors = predict(LLAMA3_8B_ROW, LLAMA3_8B_ROW | {"notes": "peak allocated GiB"})
    assert whole.mem_gb - tensors.mem_gb > 1
    assert whole.tokens_per_sec_per_gpu == tensors.tokens_per_sec_per_gpu


def test_bad_rows_leave_the_others_as_they_are() -> None:
    rows = [
        LLAMA3_8B_ROW,
        LLAMA3_8B_ROW | {"id": "bad", "gpu": "H100-80GIB"},
        MIXTRAL_ROW,
        LLAMA3_8B_ROW | {"id": "worse", "d_model": "wide"},
    ]
    first, bad, second, worse = predict_rows(rows)
    assert [first, second] == predict(LLAMA3_8B_ROW, MIXTRAL_ROW)
    assert isinstance(bad, InputError)
    assert bad.field == "gpu"
    assert isinstance(worse, InputError)
    assert (worse.field, worse.value) == ("d_model", "wide")
    assert all(isinstance(prediction, InputError) for prediction in predict_rows(rows[1::2]))


# Scores --------------------------------------------------------------------------------------


def prediction(name: str, speed: float, memory: float = 10.0) -> Prediction:
    return Prediction(
        id=name,
        feasible=name != "infeasible",
        tokens_per_sec_per_gpu=speed,
        tokens_per_sec_per_gpu_low=speed / 1.25,
        tokens_per_sec_per_gpu_high=speed * 1.25,
        mfu=0.4,
        step_time_s=1.0,
        mem_gb=memory,
    )


def measured_row(name: str, speed: str, **changes: str) -> dict[str, str]:
    return {"id": name, "tokens_per_sec_per_gpu": speed, "gpu": "B200"} | changes


def test_score_by_hand() -> None:
    rows = [
        measured_row("a", "100", mem_gb="8"),
        measured_row("b", "100", mem_gb="10"),
        measured_row("c", "100", gpu="H100-80GB"),
        measured_row("infeasible", "100", gpu="H100-80GB"),
        measured_row("unmeasured", ""),
        measured_row("bad", "100"),
    ]
    predictions = [
        prediction("a", 110),
        prediction("b", 150),
        prediction("c", 80),
        prediction("infeasible", 99),
        prediction("unmeasured", 5),
        InputError("gpu", "x", "missing"),
    ]
    found = {group_score.group: group_score for group_score in score(rows, predictions)}
    everything = found[""]
    assert (everything.n_rows, everything.n_predicted) == (6, 5)
    assert (everything.n_infeasible, everything.n_measured) == (1, 4)
    # Errors 0.10, 0.50, 0.20, 0.01; ratios 1.1, 1.5, 0.8, 0.99; only 150 misses its interval.
    assert everything.median_error == pytest.approx(0.15)
    assert everything.p90_error == pytest.approx(0.5)
    assert everything.bias == pytest.approx((1.1 + 0.99) / 2 - 1)
    assert everything.interval_coverage == pytest.approx(3 / 4)
    assert everything.median_memory_error == pytest.approx((0.25 + 0.0) / 2)
    hopper = found["gpu=H100-80GB"]
    assert (hopper.n_rows, hopper.median_error) == (2, pytest.approx((0.2 + 0.01) / 2))
    assert hopper.median_memory_error is None


def test_p90_is_an_error_that_was_made() -> None:
    rows = [measured_row(str(number), "100") for number in range(1, 11)]
    predictions = [prediction(str(number), 100 + number) for number in range(1, 11)]
    everything, *_ = score(rows, predictions)
    assert everything.p90_error == pytest.approx(0.09)


def test_groups_are_those_of_the_columns_in_their_order() -> None:
    row = measured_row("a", "100", precision="fp8", sharding="", arch_family="moe", source_id="s")
    groups = [group_score.group for group_score in score([row], [prediction("a", 100)])]
    assert groups == [
        "",
        "gpu=B200",
        "precision=fp8",
        "sharding=–",
        "arch_family=moe",
        "source_id=s",
    ]


def test_each_group_counts_every_row_once(
    shipped: list[dict[str, str]], scores: dict[str, Score]
) -> None:
    for column in ("gpu", "precision", "sharding", "arch_family", "source_id"):
        groups = [
            group_score for name, group_score in scores.items() if name.startswith(f"{column}=")
        ]
        assert sum(group_score.n_rows for group_score in groups) == len(shipped)


def test_a_table_without_measurements_has_no_errors() -> None:
    everything, *_ = score([measured_row("a", "")], [prediction("a", 100)])
    assert everything.n_measured == 0
    assert everything.median_error is everything.p90_error is everything.bias is None


@pytest.mark.parametrize("cell", ["0", "-1", "nan", "inf", "fast"])
def test_a_measurement_that_is_none_is_refused(cell: str) -> None:
    with pytest.raises(InputError, match=r"a\.tokens_per_sec_per_gpu: .* above 0"):
        score([measured_row("a", cell)], [prediction("a", 100)])


# Files ---------------------------------------------------------------------------------------


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with pytest.raises(InputError, match=r"^file: .* no such file"):
        read_rows(path)
    path.write_bytes(b"id,gpu\n1,\xff\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_rows(path)
    too_long = f"id,gpu\n1,{'x' * 200_000}\n"  # more than a cell of a CSV file may hold
    for text in ("", "gpu,model\nx,y\n", "id,gpu\n", too_long):
        path.write_text(text)
        with pytest.raises(InputError, match="column id"):
            read_rows(path)


def test_ragged_rows_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbfid,gpu,tp\n1,B200\n2,B200,8,more\n")
    assert read_rows(path) == [
        {"id": "1", "gpu": "B200", "tp": ""},
        {"id": "2", "gpu": "B200", "tp": "8"},
    ]


# The command line ----------------------------------------------------------------------------


def test_predict_writes_the_agreed_columns(tmp_path: Path) -> None:
    out = tmp_path / "pred.csv"
    answer = engine("predict", str(MEASURED), "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    assert out.read_text("utf-8").splitlines()[0] == COLUMNS
    with out.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(read_rows(MEASURED))


def test_a_bad_row_is_named_and_the_rest_is_predicted(tmp_path: Path) -> None:
    rows = [LLAMA3_8B_ROW | {"id": name} for name in "abcd"]
    rows[1]["gpu"] = "H100-80GIB"
    rows[2]["d_model"] = "wide"
    table, out = tmp_path / "rows.csv", tmp_path / "pred.csv"
    write_rows(table, rows)
    answer = engine("predict", str(table), "--out", str(out))
    assert answer.returncode == 2
    first, second = answer.stderr.strip().splitlines()
    assert f"{table}:3: gpu: H100-80GIB" in first
    assert "H100-80GB" in first
    assert f"{table}:4: d_model: wide" in second
    assert [row["id"] for row in read_rows(out)] == ["a", "d"]
    assert {row["feasible"] for row in read_rows(out)} == {"1"}


def test_validate_prints_json(tmp_path: Path) -> None:
    rows = [row | {"tokens_per_sec_per_gpu": "9000"} for row in (LLAMA3_8B_ROW, MIXTRAL_ROW)]
    table = tmp_path / "rows.csv"
    write_rows(table, rows)
    answer = engine("validate", str(table), "--json")
    assert answer.returncode == 0, answer.stderr
    groups = {group["group"]: group for group in json.loads(answer.stdout)}
    assert groups[""]["n_rows"] == groups[""]["n_measured"] == 2
    assert groups["arch_family=moe"]["n_rows"] == 1
    assert groups["arch_family=moe"]["median_error"] is not None


def test_validate_prints_the_worst_rows(tmp_path: Path) -> None:
    rows = [
        LLAMA3_8B_ROW | {"id": name, "tokens_per_sec_per_gpu": speed}
        for name, speed in (("near", "9000"), ("far", "10"))
    ]
    table = tmp_path / "rows.csv"
    write_rows(table, rows)
    answer = engine("validate", str(table), "--worst", "1")
    assert answer.returncode == 0, answer.stderr
    assert "far" in answer.stdout
    assert "near" not in answer.stdout


def test_bad_input_ends_with_status_2_and_one_line(tmp_path: Path) -> None:
    no_folder = str(tmp_path / "nowhere" / "pred.csv")
    for arguments in (
        ("forecast", "/nowhere.toml"),
        ("validate", "/nowhere.csv"),
        ("predict", str(MEASURED), "--out", no_folder),
        ("runs", "show", "../../etc"),
        ("train", str(PROJECT_DIR / "README.md")),
    ):
        answer = engine(*arguments)
        assert answer.returncode == 2, arguments
        assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr

"""``python -m finance demand``: fits from CSV files, and the value of a customer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.paths import PROJECT_DIR
from finance.demand.logistic import Logistic
from tests.finance.cli.commands import answer, refused, run

VIDEO_RECORDERS = (840, 1470, 2110, 4000, 7590, 10950, 10530, 9470, 7790, 5890)
"""Sales of video recorders in thousands, from R's example of a Bass fit."""
HIGH_END = (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1)
"""Survival of the high-end cohort of Fader and Hardie 2007, in percent."""


def table(folder: Path, column: str, values: object) -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([column, *(str(value) for value in values)]) + "\n")
    return path


def test_bass_by_least_squares(tmp_path: Path) -> None:
    path = table(tmp_path, "adopters", VIDEO_RECORDERS)
    found = answer("demand", "fit", path, "--method", "density", "--ahead", "2")
    assert found["p"] == pytest.approx(0.00659, rel=1e-3)
    assert found["q"] == pytest.approx(0.638, rel=1e-3)
    assert found["m"] == pytest.approx(68_000, rel=1e-3)
    assert found["residual_se"] == pytest.approx(727, rel=1e-3)
    assert len(found["fitted"]) == 12
    assert found["fitted"][-1] < found["fitted"][-2] < VIDEO_RECORDERS[-1]


def test_increments_sum_to_what_was_adopted(tmp_path: Path) -> None:
    found = answer("demand", "fit", table(tmp_path, "adopters", VIDEO_RECORDERS))
    assert sum(found["fitted"]) == pytest.approx(sum(VIDEO_RECORDERS), rel=0.02)


def test_bass_by_his_regression(tmp_path: Path) -> None:
    path = table(tmp_path, "adopters", (0.517, 1.169, 1.604, 2.044, 2.286))
    found = answer("demand", "fit", path, "--method", "regression")
    assert (found["p"], found["q"], found["m"]) == pytest.approx(
        (0.0626032, 0.73766359, 10.5036768), rel=1e-6
    )
    assert found["peak_period"] == 5


def test_totals_are_as_good_as_adopters(tmp_path: Path) -> None:
    by_period = answer("demand", "fit", table(tmp_path, "adopters", VIDEO_RECORDERS))
    totals = np.cumsum(VIDEO_RECORDERS).tolist()
    assert answer("demand", "fit", table(tmp_path, "adopted", totals)) == by_period


def test_logistic(tmp_path: Path) -> None:
    curve = Logistic(rate=0.7, middle=6.0, m=500.0)
    path = table(tmp_path, "adopted", curve.adopted(range(1, 13)).tolist())
    found = answer("demand", "fit", path, "--model", "logistic")
    assert (found["rate"], found["middle"], found["m"]) == pytest.approx((0.7, 6, 500), rel=1e-4)
    assert found["takeover_periods"] == pytest.approx(np.log(81) / 0.7, rel=1e-4)
    assert "period at half the market" in run("demand", "fit", path, "--model", "logistic")


def test_retention_of_a_cohort(tmp_path: Path) -> None:
    path = table(tmp_path, "customers", HIGH_END)
    (found,) = answer("demand", "retention", path)["cohorts"]
    assert (found["alpha"], found["beta"]) == pytest.approx((0.668, 3.806), rel=1e-3)
    assert found["expected_periods"] is None  # α below 1: the mean is infinite
    assert found["survival"][0] == 1
    assert found["renewal_rate"] == sorted(found["renewal_rate"])


def test_several_cohorts_and_a_changing_chance(tmp_path: Path) -> None:
    rows = [f"{name},{left}" for name in ("early", "late") for left in HIGH_END[:5]]
    path = table(tmp_path, "cohort,customers", rows)
    found = answer("demand", "retention", path, "--changing", "--due-renewal", "2")["cohorts"]
    assert [cohort["cohort"] for cohort in found] == ["early", "late"]
    parameters = (found[0]["alpha"], found[0]["beta"], found[0]["c"])
    assert parameters == pytest.approx((0.2593, 1.7226, 1.5843), rel=1e-3)
    assert "late" in run("demand", "retention", path)


def test_value_of_a_customer() -> None:
    words = ("demand", "value", "--revenue", "500", "--margin", "80%", "--churn", "5%")
    found = answer(*words, "--acquisition", "2K", "--discount-rate", "0")
    assert found["lifetime_value_usd"] == pytest.approx(8_000)
    assert found["discounted_lifetime_value_usd"] == pytest.approx(8_000)
    assert found["payback_periods"] == pytest.approx(5)
    assert found["lifetime_value_to_cost"] == pytest.approx(4)
    grows = answer(*words, "--expansion", "10")
    assert grows["lifetime_value_usd"] == pytest.approx(8_000 + 10 * 0.8 / 0.05**2)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("sold\n1\n", "table.csv: sold is not allowed: the header must also have adopters or"),
        ("adopters\n1\nmany\n", "table.csv:3.adopters: many is not allowed: must be a number"),
        ("adopters\n1\nnan\n", "table.csv:3.adopters: nan is not allowed: must be a finite"),
        ("adopted\n5\n4\n", "table.csv:3.adopted: 4 is not allowed: must be at least 5"),
        ("adopters\n1,2\n", "table.csv:2: 2 is not allowed: the row must have as many cells"),
        ("adopters\n", "table.csv: 0 cannot be enough: must have at least one row"),
        ("adopters\n1\n2\n", "sales: 2 periods cannot be enough: must have at least 4 entries"),
        ("adopters\n-1\n2\n3\n4\n", "sales: -1 is not allowed: must lie between 0"),
    ],
)
def test_bad_tables_end_with_one_line(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    assert refused("demand", "fit", path).startswith(line)


@pytest.mark.parametrize("words", [(), ("--method", "regression"), ("--model", "logistic")])
def test_no_curve_goes_through_zeros(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = table(tmp_path, "adopters", [0] * 5)
    assert "no curve of this kind" in refused("demand", "fit", path, *words)


def test_retention_without_a_fit_ends_with_one_line(tmp_path: Path) -> None:
    path = table(tmp_path, "customers", (1e12, 1, 1, 1))
    line = refused("demand", "retention", path, "--changing")
    assert line.startswith("customers: 4 points cannot be fitted")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("--model", "gompertz"),
            "--model: gompertz is not allowed: must be one of bass, logistic",
        ),
        (("--method", "guess"), "--method: guess is not allowed: must be one of increments"),
        (("--ahead", "1.5"), "--ahead: 1.5 is not allowed: must be a whole number"),
        (("--ahead", "-1"), "--ahead: -1 is not allowed: must lie between 0 and 1200"),
    ],
)
def test_bad_options_end_with_one_line(tmp_path: Path, words: tuple[str, str], line: str) -> None:
    path = table(tmp_path, "adopters", VIDEO_RECORDERS)
    assert refused("demand", "fit", path, *words).startswith(line)


def test_the_process_ends_with_status_2_and_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "finance", "demand", "fit", "absent.csv"],
        capture_output=True, text=True, cwd=PROJECT_DIR, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "file: absent.csv cannot be read: there is no such file\n"


def test_other_commands_do_not_load_scipy() -> None:
    code = "import sys, finance.cli.demand, finance.cli.closed_forms; print('scipy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_DIR, check=True
    )
    assert done.stdout == "False\n"

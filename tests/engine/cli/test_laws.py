"""``python -m engine scaling …``: each command against hand calculations, and bad input."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.facts import law_coefficients
from engine.scaling.laws import FittedLaw, compute_optimal, loss
from tests.engine.command_line import engine

LAW = FittedLaw(parameters_counted="total", A=400.0, B=900.0, E=1.8, alpha=0.3, beta=0.3)
CHINCHILLA = law_coefficients("hoffmann_2022_unrounded")


def answer(*words: object) -> Any:
    found = engine("scaling", *map(str, words), "--json")
    assert found.status == 0, found.err
    return json.loads(found.out)


@pytest.fixture
def runs_csv(tmp_path: Path) -> Path:
    """Exact runs of LAW: five sizes around the best of each of four budgets."""
    lines = ["params,tokens,loss"]
    for flops in (1e18, 1e19, 1e20, 1e21):
        for factor in (0.25, 0.5, 1, 2, 4):
            n = compute_optimal(LAW, flops).parameters * factor
            d = flops / (6 * n)
            lines.append(f"{n},{d},{float(loss(LAW, n, d))}")
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_isoflop_finds_the_optima_of_an_exact_law(runs_csv: Path) -> None:
    found = answer("isoflop", runs_csv)
    assert len(found["budgets"]) == 4
    for budget in found["budgets"]:
        best = compute_optimal(LAW, budget["training_flops"])
        assert budget["minimum"]["parameters"] == pytest.approx(best.parameters, rel=1e-3)
        assert budget["inside_grid"] is True
    assert found["parameters_law"]["exponent"] == pytest.approx(0.5, abs=1e-3)
    assert found["published_exponents"]["parameters"]["value"] == 0.49


def test_isoflop_takes_a_published_set_and_prints_its_exponents() -> None:
    found = engine("scaling", "isoflop", "porian_rw.refinedweb.cosine_val")
    assert found.status == 0
    assert "N grows as C^0.492" in found.out
    assert found.out.count("yes") == 12


def test_optimum_compares_laws() -> None:
    found = {row["law"]: row for row in answer("optimum", "1e21")["optima"]}
    best = compute_optimal(CHINCHILLA, 1e21)
    assert found["hoffmann_2022_unrounded"]["parameters"] == best.parameters
    # Hoffmann 2022, appendix D.4: 4.68e9 parameters by Kaplan's rule, 2.80e9 by approach 1.
    assert found["kaplan_2020"]["parameters"] == pytest.approx(4.68e9, rel=0.002)
    assert found["hoffmann_2022_approach_1"]["parameters"] == pytest.approx(2.8e9, rel=0.03)
    assert all(
        6 * row["parameters"] * row["tokens"] == pytest.approx(1e21) for row in found.values()
    )
    beyond = {row["law"] for row in answer("optimum", "1e30")["optima"]}
    assert not any("approach" in law for law in beyond)


def test_kaplan_evaluates_what_is_given() -> None:
    found = answer("kaplan", "--parameters", "1e9", "--tokens", "20B")
    assert found == {
        "loss_of_parameters": pytest.approx((8.8e13 / 1e9) ** 0.076),
        "loss_of_tokens": pytest.approx((5.4e13 / 2e10) ** 0.095),
        "loss_of_both": pytest.approx(((6.4e13 / 1e9) ** (0.076 / 0.103) + 1.8e13 / 2e10) ** 0.103),
    }
    of_compute = answer("kaplan", "--flops", "8.64e19")  # one PF-day
    assert of_compute["optimal_parameters"] == pytest.approx(1.3e9)
    assert of_compute["optimal_tokens"] == pytest.approx(2e10)


def test_overtrained_by_a_published_law_and_by_own_runs(runs_csv: Path) -> None:
    found = answer("overtrained", "5.88e22", "--ratio", 200)
    assert found["parameters"] == pytest.approx(7e9)
    assert found["tokens"] == pytest.approx(1.4e12)
    assert found["penalty"] == pytest.approx(found["loss"] - found["optimal_loss"])
    assert found["extra_compute"] > 1
    own = answer("overtrained", "1e21", "--ratio", 200, "--runs", runs_csv)
    assert own["tied_eta"] == pytest.approx(0.15, rel=1e-3)
    assert own["tied_a"] == pytest.approx(400 * 6**0.15, rel=0.02)


def test_lifetime_trades_training_for_serving() -> None:
    found = answer("lifetime", "1e23", "--served", "2T")
    first, second = found["least_training"], found["least_total"]
    assert first["parameters"] == pytest.approx(compute_optimal(CHINCHILLA, 1e23).parameters)
    assert second["parameters"] < first["parameters"]
    assert second["total_flops"] < first["total_flops"]
    assert second["training_flops"] > first["training_flops"]
    assert float(loss(CHINCHILLA, second["parameters"], second["tokens"])) == pytest.approx(
        found["loss"]
    )
    assert second["serving_flops"] == pytest.approx(2 * second["parameters"] * 2e12)


def test_mixtures_equal_a_dense_model_with_a_single_expert() -> None:
    dense = answer("mixtures", "--active", "1B", "--total", "1B", "--tokens", "20B")
    assert dense["experts"] == 1
    assert dense["dense_equivalent"] == pytest.approx(1e9)
    sparse = answer("mixtures", "--active", "1B", "--total", "8B", "--tokens", "20B")
    assert sparse["loss"] < dense["loss"]
    assert 1e9 < sparse["dense_equivalent"] < 8e9
    assert sparse["extrapolates"] is False
    assert answer("mixtures", "--active", "1T", "--total", "1T", "--tokens", "1T")["extrapolates"]


@pytest.fixture
def points_csv(tmp_path: Path) -> Path:
    losses = np.linspace(0.5, 3, 12)
    accuracies = -0.7 / (1 + np.exp(-4 * (losses - 1.5))) + 0.95
    lines = ["loss,accuracy", *(f"{x},{y}" for x, y in zip(losses, accuracies, strict=True))]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_downstream_finds_the_curve_and_predicts(points_csv: Path) -> None:
    found = answer("downstream", points_csv, "--at", 1.5, "--at", 2.0)
    for name, value in {"a": -0.7, "k": 4, "L0": 1.5, "b": 0.95}.items():
        assert found["coefficients"][name] == pytest.approx(value, rel=1e-4)
    at_middle, beyond = found["predictions"]
    assert at_middle["value"] == pytest.approx(0.6)
    assert beyond["value"] == pytest.approx(-0.7 / (1 + math.exp(-2)) + 0.95)
    assert at_middle["low"] <= at_middle["value"] <= at_middle["high"]
    assert "60.0%" in engine("scaling", "downstream", str(points_csv), "--at", "1.5").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("optimum", "much"), "flops: much .* count"),
        (("optimum", "0"), "flops: 0 .* above 0"),
        (("kaplan",), "parameters, tokens, flops: no value .* required"),
        (("kaplan", "--tokens", "few"), "tokens: few .* count"),
        (("overtrained", "1e21", "--ratio", "0"), "ratio: 0.* above 0"),
        (("overtrained", "1e21", "--ratio", "nan"), "ratio: nan .* finite"),
        (("overtrained", "1e21", "--ratio", "20", "--law", "newton"), "law: newton .* nearest"),
        (("overtrained", "1e21", "--ratio", "20", "--runs", "no.csv"), r"file: no\.csv .* no such"),
        (("lifetime", "1e23", "--served", "-1"), "served: -1 .* count"),
        (
            ("mixtures", "--active", "8B", "--total", "1B", "--tokens", "1T"),
            "total: 1B .* at least 8B",
        ),
        (("isoflop", "gadre"), "runs: gadre .* nearest"),
        (("downstream", "no.csv"), r"file: no\.csv .* no such"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], told: str) -> None:
    found = engine("scaling", *words)
    assert found.status == 2
    assert found.out == ""
    [line] = found.err.splitlines()
    assert re.search(told, line), line


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("loss,share\n1,0.5\n", "accuracy"),
        ("loss,accuracy\n1,half\n", "points.csv:2.accuracy: half"),
        ("loss,accuracy\n" + "1,2\n" * 6, "accuracies"),
        ("loss,accuracy\n1,0.5\n", "losses"),
    ],
)
def test_bad_points_are_one_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(content, "utf-8")
    found = engine("scaling", "downstream", str(path))
    assert (found.status, found.out) == (2, "")
    [line] = found.err.splitlines()
    assert told in line

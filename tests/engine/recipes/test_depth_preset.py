"""All values of a recipe follow from the depth unless they are given."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from engine.documents import InputError, read_toml_table
from engine.facts import accelerator
from engine.files import read_json, write_json
from engine.forecast import forecast
from engine.machine import Machine
from engine.paths import DATA_DIR, PROJECT_DIR, home_dir
from engine.recipes import precision
from engine.recipes.depth_preset import read_recipe
from engine.recipes.recipe import ModelClass, Recipe
from engine.recipes.sample_run import run_plan

TWO_CORES = Machine(accelerator("CPU-core"), 2, 24e9)
ONE_NODE = Machine(accelerator("H100-80GB"), 8, 640e9)


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the measurement by the rates of a CPU without bf16 instructions."""
    monkeypatch.setattr(precision, "_probe_rates", lambda: {"fp32": 1e11, "bf16": 1e9})


def test_depth_alone_is_a_recipe() -> None:
    recipe = read_recipe({"depth": 4}, TWO_CORES)
    shape = recipe.shape
    assert (shape.n_layers, shape.d_model, shape.n_heads, shape.head_dim) == (4, 256, 4, 64)
    assert (shape.n_kv_heads, shape.d_ff, shape.vocab, shape.seq_len_tokens) == (1, 672, 2048, 256)
    assert recipe.n_ranks == 2
    assert recipe.layout.precision == "fp32"
    assert recipe.peak_learning_rate == pytest.approx(0.5 / 256)
    assert recipe.tokens == pytest.approx(20 * shape.count_parameters().total, rel=0.01)
    assert 250 <= recipe.steps <= 1_000
    assert Recipe.parse(recipe.model_dump(mode="json")) == recipe


def test_deeper_is_larger_in_every_way() -> None:
    recipes = [read_recipe({"depth": depth}, TWO_CORES) for depth in range(1, 13)]
    for shallow, deep in itertools.pairwise(recipes):
        assert shallow.shape.count_parameters().total < deep.shape.count_parameters().total
        assert shallow.tokens < deep.tokens
        assert shallow.peak_learning_rate >= deep.peak_learning_rate
        assert shallow.shape.vocab <= deep.shape.vocab


@pytest.mark.parametrize("model", get_args(ModelClass))
@pytest.mark.parametrize("depth", [1, 3, 5, 12])
def test_every_family_at_every_depth(model: str, depth: int) -> None:
    recipe = read_recipe({"depth": depth, "model": model}, TWO_CORES)
    assert recipe.model_class == model
    if model == "mixtral":
        dense = read_recipe({"depth": depth}, TWO_CORES).shape.count_parameters()
        active = recipe.shape.count_parameters().active
        assert active == pytest.approx(dense.total, rel=0.1)


def test_what_is_given_stays_and_the_rest_follows_from_it() -> None:
    recipe = read_recipe(
        {
            "depth": 4,
            "steps": 7,
            "peak_learning_rate": 3e-3,
            "shape": {"d_model": 384, "vocab": 700},
            "layout": {"zero_stage": 3, "micro_batch_sequences": 3},
        },
        TWO_CORES,
    )
    assert (recipe.shape.d_model, recipe.shape.n_heads, recipe.shape.vocab) == (384, 6, 700)
    assert (recipe.steps, recipe.peak_learning_rate) == (7, 3e-3)
    assert (recipe.layout.zero_stage, recipe.layout.micro_batch_sequences) == (3, 3)


def test_tokens_and_minutes_are_bounds() -> None:
    most = read_recipe({"depth": 4}, TWO_CORES).tokens
    fewer = read_recipe({"depth": 4, "tokens": 500_000}, TWO_CORES)
    assert fewer.tokens == pytest.approx(500_000, rel=0.02)
    short = read_recipe({"depth": 4, "minutes": 2}, TWO_CORES)
    step_time_s = forecast(run_plan(short, None, TWO_CORES)).step_time_s.value
    assert short.steps * step_time_s == pytest.approx(120, rel=0.1)
    assert short.tokens < most
    assert read_recipe({"depth": 4, "minutes": 1e6, "tokens": 10**12}, TWO_CORES).tokens == most
    assert read_recipe({"depth": 4, "tokens_per_parameter": 5}, TWO_CORES).tokens < most / 3.5


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"depth": 0}, "depth"),
        ({"depth": 2.5}, "depth"),
        ({"depth": 2, "model": "t5"}, "model"),
        ({"depth": 2, "minutes": float("nan")}, "minutes"),
        ({"depth": 2, "shape": {"d_model": "wide"}}, "shape.d_model"),
        ({"depth": 2, "shape": {"d_model": 0}}, "shape.d_model"),
        ({"depth": 2, "shape": 3}, "shape"),
        ({"depth": 2, "n_ranks": True}, "n_ranks"),
        ({"depth": 2, "shape": {"n_heads": 3, "n_kv_heads": 2}}, "shape.n_kv_heads"),
        ({"depth": 2, "peak_learning_rate": float("nan")}, "peak_learning_rate"),
        ({"depth": 2, "width": 3}, "width"),
        ({"name": "x", "minutes": 1}, "shape"),  # without a depth no value is derived
    ],
)
def test_a_preset_that_is_none_is_one_line(table: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as refused:
        read_recipe(table, TWO_CORES)
    assert refused.value.field == field
    assert "\n" not in str(refused.value)


def test_sixteen_bits_only_where_they_are_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_toml_table(DATA_DIR / "recipes" / "smoke.toml")
    table["layout"]["precision"] = "auto"
    for rates, expected in (
        ({"fp32": 6e13, "bf16": 6e14, "fp16": 6e14}, "bf16"),
        ({"fp32": 6e13, "bf16": 1e13, "fp16": 1e14}, "fp16"),
        ({"fp32": 6e13, "bf16": 6e13, "fp16": 6e13}, "fp32"),
    ):
        (home_dir() / "precision.json").unlink(missing_ok=True)
        monkeypatch.setattr(precision, "_probe_rates", lambda rates=rates: rates)
        assert read_recipe(table, ONE_NODE).layout.precision == expected


def test_a_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = precision.measured_rates(TWO_CORES)
    monkeypatch.setattr(precision, "_probe_rates", lambda: pytest.fail("measured again"))
    assert precision.measured_rates(TWO_CORES) == first
    known = read_json(home_dir() / "precision.json")
    write_json(home_dir() / "precision.json", {"another machine": {}, **known})
    assert precision.measured_rates(TWO_CORES) == first


@pytest.mark.runs
def test_this_machine_tells_its_rates() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "engine.training.bench.precision_probe"],
        cwd=PROJECT_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rates = json.loads(answer.stdout)
    assert rates["fp32"] > 1e8
    assert rates["bf16"] > 1e6


@pytest.mark.parametrize("path", sorted((DATA_DIR / "recipes").glob("*.toml")), ids=str)
def test_the_recipes_that_come_along_are_short(path: Path) -> None:
    recipe = read_recipe(path, TWO_CORES)
    trial = forecast(run_plan(recipe, None, TWO_CORES))
    assert recipe.steps * trial.step_time_s.value < 60

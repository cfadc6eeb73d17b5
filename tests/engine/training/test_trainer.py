"""Every family learns the same at each ZeRO stage, also with offloading and accumulation."""

import json
import math
import os
import subprocess
import sys

import pytest

from engine.documents import read_toml
from engine.machine import this_machine
from engine.paths import DATA_DIR, PROJECT_DIR
from engine.recipes.recipe import Recipe
from tests.engine.shapes import FAMILIES, family_in_recipe

pytestmark = pytest.mark.runs

WAYS: dict[str, dict[str, object]] = {
    **{f"ZeRO {stage}": {"layout.zero_stage": stage} for stage in range(4)},
    "recomputed": {"layout.activation_checkpointing": "full"},
    "accumulated": {"layout.micro_batch_sequences": 2, "layout.grad_accumulation_steps": 2},
}
OFFLOADED = {
    f"offloaded {stage}": {"layout.zero_stage": stage, "layout.offload": "optimizer"}
    for stage in (1, 2, 3)
}


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    if this_machine().n_devices < 2:
        pytest.skip("needs two devices")
    folder = tmp_path_factory.mktemp("learning")
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    recipes = {
        f"{family}, {way}": smoke.with_values(family_in_recipe(family) | layout).model_dump(
            mode="json"
        )
        for family in FAMILIES
        for way, layout in (WAYS | (OFFLOADED if family == "llama" else {})).items()
    }
    (folder / "recipes.json").write_text(json.dumps(recipes))
    environment = dict(os.environ)
    if not this_machine().has_gpu:
        environment |= {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.engine.training.short_trainings"]
    finished = subprocess.run(
        [*command, str(folder / "recipes.json"), str(folder / "losses.json")],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads((folder / "losses.json").read_text())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_learns(losses: dict[str, list[float]], family: str) -> None:
    learnt = losses[f"{family}, ZeRO 0"]
    assert learnt[0] == pytest.approx(math.log(512), abs=0.2)
    assert learnt[-1] < learnt[0] - 0.3


@pytest.mark.parametrize("way", list(WAYS)[1:])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_learns_the_same(losses: dict[str, list[float]], family: str, way: str) -> None:
    # Rounding can change the router's choice of experts, and the loss then jumps.
    tolerance = 1e-3 if (family, way) == ("mixtral", "accumulated") else 2e-5
    assert losses[f"{family}, {way}"] == pytest.approx(losses[f"{family}, ZeRO 0"], rel=tolerance)


@pytest.mark.parametrize("way", OFFLOADED)
def test_offloading_changes_nothing(losses: dict[str, list[float]], way: str) -> None:
    assert losses[f"llama, {way}"] == pytest.approx(losses["llama, ZeRO 0"], rel=2e-5)

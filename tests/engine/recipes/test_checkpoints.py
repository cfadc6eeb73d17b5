"""Checkpoints resume to the bit; damaged ones are found and old ones removed."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from deepspeed.runtime.fp16.loss_scaler import DynamicLossScaler

from engine.files import write_json
from engine.recipes import checkpoints
from engine.recipes.checkpoints import Manifest, UnusableError
from engine.recipes.recipe import Recipe
from engine.training import training_state
from engine.training.corpus.build import prepare_corpus
from tests.engine.ranks import Ranks
from tests.engine.runs.faked import tiny
from tests.engine.training.save_and_resume import save_and_resume

pytestmark = pytest.mark.runs

MOE = {"n_experts": 4, "top_k": 2, "d_ff": 96}
WAYS: dict[str, tuple[dict[str, object], float]] = {
    **{f"zero_{stage}": ({"layout.zero_stage": stage}, 0.0) for stage in range(4)},
    "bf16": ({"layout.precision": "bf16"}, 0.0),
    "offloaded": ({"layout.zero_stage": 2, "layout.offload": "optimizer"}, 0.0),
    "pruned": ({"layout.zero_stage": 2, "pruning": {"share": 0.6}}, 0.0),
    "experts": ({"layout.zero_stage": 3, "shape.moe": MOE}, 0.0),
    "masked": ({"shape.family": "bert", "shape.n_kv_heads": 2}, 0.0),
    "dropout": ({"shape.family": "gpt2", "shape.n_kv_heads": 2, "layout.zero_stage": 3}, 0.1),
}
"""Changes to the smallest recipe and the share of dropout, by name."""


@pytest.fixture(scope="module")
def recipe(texts: Path) -> Recipe:
    return tiny(texts)


@pytest.fixture(scope="module")
def found(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the results of all ways."""
    folder = tmp_path_factory.mktemp("save_and_resume")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOPLEDGER_HOME", str(folder))
        corpus = prepare_corpus(recipe)
    write_json(folder / "corpus.json", {"folder": str(corpus.folder)})
    cases = {name: (recipe.with_values(way), dropout) for name, (way, dropout) in WAYS.items()}
    ranks = Ranks(folder / "log", save_and_resume, cases, folder, n_ranks=recipe.n_ranks)
    assert set(ranks.exit_codes()) == {0}, (folder / "log").read_text()
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_what_is_resumed_learns_the_same_to_the_bit(found: Path, way: str) -> None:
    learnt = json.loads((found / f"{way}.json").read_text())
    assert learnt["resumed"] == learnt["continued"]


def test_a_difference_would_be_seen(found: Path) -> None:
    learnt = json.loads((found / "dropout.json").read_text())
    first = learnt["continued"][0]
    assert learnt["with_other_text"][0] != first
    assert learnt["with_other_random_numbers"][0] != first


def test_nothing_is_ever_unpickled(found: Path) -> None:
    """Every load at every ZeRO stage is restricted to tensors and plain values."""
    loads = json.loads((found / "loads.json").read_text())
    assert len(loads) >= 3 * len(WAYS)
    assert set(loads) == {True}


def test_the_scale_of_losses_in_fp16_is_plain(tmp_path: Path) -> None:
    """DeepSpeed keeps the scale in an object of its own; CPUs do not train in fp16."""
    scaler = DynamicLossScaler(2**16, 2.0, 1000, 1, 2, False, False)
    torch.save({"loss_scaler": scaler}, tmp_path / "state.pt")
    found = training_state.load_plain(tmp_path / "state.pt")["loss_scaler"]
    assert vars(found) == vars(scaler)


@pytest.fixture
def folder(recipe: Recipe, tmp_path: Path) -> Path:
    """Return the folder of a checkpoint of three files."""
    return commit(recipe, tmp_path, 100)


def commit(recipe: Recipe, run_dir: Path, step: int) -> Path:
    folder = checkpoints.checkpoint_dir(run_dir, step)
    training = checkpoints.partial_dir(folder) / checkpoints.TRAINING
    training.mkdir(parents=True)
    names = ("model.safetensors", "training/rank_0.pt", "training/rank_1.pt")
    for name in names:
        (training.parent / name).write_text(f"{name} of {step}")
    manifest = Manifest(
        step=step,
        recipe_hash=recipe.content_hash,
        n_ranks=recipe.n_ranks,
        starts=(0,),
        wall_time_s=1.5,
        files=checkpoints.record_files(training.parent, names),
    )
    checkpoints.commit(folder, manifest)
    return folder


def check(folder: Path, recipe: Recipe) -> None:
    checkpoints.check_files(folder, checkpoints.read_manifest(folder, recipe).files)


def test_every_byte_of_a_checkpoint_counts(folder: Path, recipe: Recipe) -> None:
    check(folder, recipe)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(UnusableError, match=f"{path.name}|{checkpoints._MANIFEST}"):
                check(folder, recipe)
        for length in (0, 1, len(whole) - 1):
            path.write_bytes(whole[:length])
            with pytest.raises(UnusableError):
                check(folder, recipe)
        path.unlink()
        with pytest.raises(UnusableError, match="is missing"):
            check(folder, recipe)
        path.write_bytes(whole)
    check(folder, recipe)


def test_a_checkpoint_belongs_to_one_recipe_and_holds_what_it_lists(
    folder: Path, recipe: Recipe
) -> None:
    with pytest.raises(UnusableError, match="another recipe"):
        check(folder, recipe.with_value("seed", 2))
    (folder / "training" / "rank_2.pt").touch()
    with pytest.raises(UnusableError, match=r"training/rank_2\.pt is not in its manifest"):
        check(folder, recipe)


def test_a_checkpoint_is_made_of_as_many_ranks_as_it_says(folder: Path, recipe: Recipe) -> None:
    manifest = checkpoints.read_manifest(folder, recipe).model_copy(update={"n_ranks": 7})
    shutil.copytree(folder, checkpoints.partial_dir(folder))
    checkpoints.commit(folder, manifest)  # replaces the other checkpoint
    with pytest.raises(UnusableError, match="of 7 ranks"):
        check(folder, recipe)


def test_half_a_checkpoint_is_none(recipe: Recipe, folder: Path, tmp_path: Path) -> None:
    part = checkpoints.partial_dir(checkpoints.checkpoint_dir(tmp_path, 200))
    shutil.copytree(folder, part)
    (folder / ".training.gone").mkdir()
    assert checkpoints.committed(tmp_path) == [folder]
    checkpoints.remove_partial(tmp_path)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    check(folder, recipe)


def test_old_checkpoints_go_by_rule(recipe: Recipe, tmp_path: Path) -> None:
    recipe = recipe.with_values({"checkpoint_every_steps": 100, "keep_checkpoints": 2})

    def kept() -> dict[int, bool]:
        """Return whether the training state is kept, by step."""
        return {
            checkpoints.step_of(path): (path / checkpoints.TRAINING).is_dir()
            for path in checkpoints.committed(tmp_path)
        }

    for step in (50, 100, 150):
        commit(recipe, tmp_path, step)
        checkpoints.remove_old(tmp_path, recipe, step, 2)
    assert kept() == {100: True, 150: True}
    for step in (200, 230):
        commit(recipe, tmp_path, step)
        checkpoints.remove_old(tmp_path, recipe, step, 2)
    assert kept() == {100: False, 200: True, 230: True}
    check(checkpoints.checkpoint_dir(tmp_path, 200), recipe)
    assert (checkpoints.checkpoint_dir(tmp_path, 100) / "model.safetensors").is_file()

    # Unusable checkpoints do not count among the newest.
    commit(recipe, tmp_path, 210)
    checkpoints.remove_old(tmp_path, recipe, 210, 2)
    assert kept() == {100: False, 200: True, 210: True, 230: True}
    checkpoints.remove_old(tmp_path, recipe, 300, 0)
    assert kept() == {100: False, 200: False}

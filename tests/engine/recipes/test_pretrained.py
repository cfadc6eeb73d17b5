"""Initial weights and teachers are found and compared before a process is launched."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from engine.documents import InputError, read_toml
from engine.machine import this_machine
from engine.paths import DATA_DIR, runs_dir
from engine.recipes.pretrained import check_pretrained, check_tokenizers
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Run, all_runs
from engine.training.corpus.tokenizer import train_tokenizer
from engine.training.export import export_model
from engine.training.model import build_model
from engine.training.weights import load_initial_weights
from tests.engine.shapes import FAMILIES, family_in_recipe

STARTS: dict[str, dict[str, object]] = {
    "untied": {"shape.tied_embeddings": False},
    **{name: family_in_recipe(name) for name in FAMILIES},
}


def recipe(**changes: object) -> Recipe:
    smoke = read_toml(DATA_DIR / "recipes" / "smoke.toml", Recipe)
    return smoke.with_values({"shape.vocab": 300, "n_ranks": 1} | changes)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer(["the cat sat on the mat and the dog " * 50], 299).save(str(path))
    return path


def export(chosen: Recipe, tokenizer_file: Path, folder: Path) -> Path:
    torch.manual_seed(3)
    export_model(build_model(chosen.shape), tokenizer_file, folder, max_shard_size="100KB")
    return folder


@pytest.mark.parametrize("family", STARTS)
def test_an_export_is_a_start(family: str, tokenizer_file: Path, tmp_path: Path) -> None:
    chosen = recipe(**STARTS[family])
    folder = export(chosen, tokenizer_file, tmp_path / "model")
    assert len(list(folder.glob("*.safetensors"))) > 1  # sharded, and read from the shards
    start = chosen.with_value("init_from", str(folder))
    check_pretrained(start)
    check_tokenizers(start, tokenizer_file)
    torch.manual_seed(3)
    expected = build_model(chosen.shape).state_dict()
    loaded = load_initial_weights(chosen.shape, folder)
    assert not loaded.config.use_cache
    for name, weight in loaded.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    loaded.train()
    tokens = torch.arange(48)[None]
    assert torch.equal(loaded(tokens).logits, loaded(tokens).logits)  # no dropout


@pytest.mark.parametrize(
    ("family", "changes", "part"),
    [
        ("llama", {"shape.n_layers": 3}, "n_layers 2"),
        ("llama", {"shape.n_heads": 4, "shape.head_dim": 16}, "n_heads 2"),
        ("llama", {"shape.n_kv_heads": 2}, "n_kv_heads 1"),
        ("llama", {"shape.d_ff": 128}, "d_ff 192"),
        ("llama", {"shape.vocab": 299}, "vocab 300"),
        ("llama", {"shape.tied_embeddings": False}, "tied_embeddings True"),
        ("llama", {"shape.family": "gpt2", "shape.n_kv_heads": 2}, "family llama"),
        ("gpt2", {"shape.seq_len_tokens": 32}, "seq_len_tokens 64"),
        ("mixtral", {"shape.moe": None}, "family mixtral"),
    ],
)
def test_another_shape_is_refused_before_anything_is_launched(
    family: str, changes: dict[str, object], part: str, tokenizer_file: Path, tmp_path: Path
) -> None:
    chosen = recipe(**STARTS[family])
    folder = export(chosen, tokenizer_file, tmp_path / "model")
    other = chosen.with_values(changes | {"init_from": str(folder)})
    with pytest.raises(InputError, match=f"init_from: {part} .* the recipe's") as refused:
        Run.create(other, run_plan(other, None, this_machine()))
    assert "\n" not in str(refused.value)
    assert all_runs() == []
    assert not runs_dir().exists()


def test_weights_that_are_missing_are_counted(tokenizer_file: Path, tmp_path: Path) -> None:
    folder = export(recipe(), tokenizer_file, tmp_path / "model")
    next(folder.glob("*.safetensors")).unlink()
    with pytest.raises(InputError, match="init_from: parameters"):
        check_pretrained(recipe(init_from=str(folder)))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: shutil.rmtree(f), "init_from: .* is not allowed: must be the id of a run"),
        (lambda f: (f / "config.json").unlink(), "init_from: .* must be the id of a run"),
        (lambda f: [p.rename(p.with_suffix(".bin")) for p in f.glob("*.safetensors")],
         "init_from: .* holds no safetensors"),
        (lambda f: [p.write_bytes(b"\xff" * 100) for p in f.glob("*.safetensors")],
         "header cannot be read"),
        (lambda f: [p.write_bytes(b"\x04" + bytes(7) + b"\x80\xff{}") for p in
                    f.glob("*.safetensors")], "header cannot be read"),
        (lambda f: (f / "config.json").write_text("[1"), "must be JSON"),
    ],
    ids=["no folder", "no config", "pickle", "length", "header", "config"],
)  # fmt: skip
def test_what_is_no_model_is_one_line(
    spoil, message: str, tokenizer_file: Path, tmp_path: Path
) -> None:
    folder = export(recipe(), tokenizer_file, tmp_path / "model")
    spoil(folder)
    with pytest.raises(InputError, match=message):
        check_pretrained(recipe(init_from=str(folder)))


def test_a_run_is_found_by_its_id(tokenizer_file: Path) -> None:
    export(recipe(), tokenizer_file, runs_dir() / "20260101-000000-x-ab12" / "model")
    check_pretrained(recipe(init_from="20260101-000000-x-ab12"))
    with pytest.raises(InputError, match="init_from: nothing"):
        check_pretrained(recipe(init_from="nothing"))


def test_a_teacher_may_be_of_another_shape_but_not_of_other_words(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    teacher = recipe(**{"shape.n_layers": 3, "shape.d_ff": 128})
    folder = export(teacher, tokenizer_file, tmp_path / "model")
    student = recipe(distillation={"teacher": str(folder)})
    check_pretrained(student)
    check_tokenizers(student, tokenizer_file)

    for changes, message in (
        ({"shape.vocab": 301}, "vocab 300"),
        ({"shape.seq_len_tokens": 128}, "seq_len_tokens 64"),
    ):
        with pytest.raises(InputError, match=f"distillation.teacher: {message}"):
            check_pretrained(student.with_values(changes))

    other = tmp_path / "other.json"
    train_tokenizer(["a rose is a rose is a rose " * 50], 299).save(str(other))
    with pytest.raises(InputError, match=r"distillation\.teacher: .* tokenizer"):
        check_tokenizers(student, other)
    with pytest.raises(InputError, match=r"init_from: .* tokenizer"):
        check_tokenizers(recipe(init_from=str(folder)), other)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"distillation\.teacher: .* tokenizer"):
        check_tokenizers(student, tokenizer_file)


def test_an_encoder_teaches_nobody(tokenizer_file: Path, tmp_path: Path) -> None:
    folder = export(recipe(**STARTS["bert"]), tokenizer_file, tmp_path / "model")
    with pytest.raises(InputError, match=r"distillation\.teacher: bert"):
        check_pretrained(recipe(distillation={"teacher": str(folder)}))


def test_what_old_exports_hold_besides_weights_does_not_count(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    chosen = recipe(**STARTS["gpt2"])
    folder = export(chosen, tokenizer_file, tmp_path / "model")
    save_file({"h.0.attn.bias": torch.ones(1, 1, 64, 64)}, folder / "zz.safetensors")
    check_pretrained(chosen.with_value("init_from", str(folder)))


def test_names_of_the_configuration_are_those_of_transformers(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    """The names in ``config.json`` are those that are compared."""
    folder = export(recipe(), tokenizer_file, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    assert {"num_hidden_layers", "hidden_size", "num_key_value_heads", "head_dim"} <= set(config)

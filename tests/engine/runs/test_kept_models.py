"""Runs with all options of a recipe, and the models that they keep."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from engine.documents import InputError
from engine.files import read_json
from engine.machine import this_machine
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.observing.progress import Progress
from engine.training.corpus import prepare
from engine.training.corpus.build import prepare_corpus
from engine.training.export import export_model
from engine.training.model import build_model
from engine.training.objectives import build_objective
from tests.engine.ranks import Ranks
from tests.engine.runs.faked import tiny
from tests.engine.runs.working import train_until_the_loss_breaks

pytestmark = [
    pytest.mark.runs,
    pytest.mark.timeout(1_800),
    pytest.mark.usefixtures("prepared_corpora"),
]


@pytest.fixture
def recipe(texts: Path) -> Recipe:
    return tiny(texts, steps=6)


def create(recipe: Recipe) -> Run:
    return Run.create(recipe, run_plan(recipe, None, this_machine()))


def trained(recipe: Recipe) -> Run:
    run = create(recipe)
    control.start(run)
    assert control.wait(run) is Phase.SUCCEEDED, run.log_tail()
    return run


def untrained(recipe: Recipe, folder: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    export_model(build_model(recipe.shape), prepare_corpus(recipe).tokenizer_file, folder)
    return folder


def zero_shares(folder: Path) -> dict[str, float]:
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {
            name: float((file.get_tensor(name) == 0).float().mean())
            for name in file.keys()  # noqa: SIM118 - it is no dict
        }


def test_a_start_a_teacher_pruning_checkpoints_and_trackers(recipe: Recipe, tmp_path: Path) -> None:
    start = untrained(recipe, tmp_path / "start", 1)
    teacher = untrained(recipe.with_value("shape.n_layers", 3), tmp_path / "teacher", 2)
    run = trained(
        recipe.with_values(
            {
                "init_from": str(start),
                "distillation": {"teacher": str(teacher), "weight": 0.5},
                "pruning": {"share": 0.6},
                "checkpoint_every_steps": 2,
                "eval_every_steps": 3,
                "schedule": "wsd",
                "trackers": ["tensorboard", "wandb"],
                "layout.zero_stage": 2,
            }
        )
    )

    # Each checkpoint's model is complete and describes its origin.
    assert [folder.name for folder in run.checkpoints()] == ["step-00000002", "step-00000004"]
    losses = {
        line.step: line.held_out_loss
        for line in Progress(run).update().metrics
        if line.held_out_loss is not None
    }
    assert sorted(losses) == [2, 3, 4]
    for folder, step in zip(run.checkpoints(), (2, 4), strict=True):
        kept = read_json(folder / "flopledger.json")
        assert kept is not None
        assert (kept["step"], kept["tokens"]) == (step, step * run.recipe.tokens_per_step)
        assert kept["held_out_loss"] == losses[step]
        assert held_out_by_hand(run, folder) == pytest.approx(losses[step], rel=1e-5)
        assert f"after step {step} of 6" in (folder / "README.md").read_text()
    assert run.result is not None
    assert held_out_by_hand(run, run.model_dir) == pytest.approx(run.result.held_out_loss, rel=1e-5)
    card = (run.model_dir / "README.md").read_text()
    assert f"{run.result.held_out_loss:.4f}" in card
    assert "60% of the weights" in card
    assert str(teacher) in card

    # Linear weights are pruned in every file; norms and embeddings are not.
    for folder in (*run.checkpoints(), run.model_dir):
        for name, share in zero_shares(folder).items():
            linear = "proj" in name
            assert share == pytest.approx(0.6 if linear else 0.0, abs=0.01), name

    assert list((run.folder / "tensorboard").glob("events*"))
    lines = [line for line in run.log_tail().splitlines() if line.startswith("tracker ")]
    assert len(lines) == 1
    assert "wandb" in lines[0]


def held_out_by_hand(run: Run, folder: Path) -> float:
    model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    n = run.recipe.shape.seq_len_tokens
    tokens = prepare_corpus(run.recipe).held_out_tokens()
    most = None if folder == run.model_dir else run.recipe.eval_sequences
    windows = np.asarray(tokens[: len(tokens) // n * n]).astype(np.int64).reshape(-1, n)[:most]
    ids = torch.from_numpy(windows)
    with torch.no_grad():
        return float(model(input_ids=ids, labels=ids).loss)


def test_a_masked_model(recipe: Recipe) -> None:
    run = trained(
        recipe.with_values({"shape.family": "bert", "shape.n_kv_heads": 2, "layout.zero_stage": 3})
    )
    result, metrics = run.result, Progress(run).update().metrics
    assert result is not None
    assert metrics[0].loss == pytest.approx(math.log(300), abs=0.2)
    assert metrics[-1].loss < metrics[0].loss - 0.5
    assert result.bits_per_byte is None
    model = AutoModelForMaskedLM.from_pretrained(run.model_dir, use_safetensors=True)
    tokenizer = AutoTokenizer.from_pretrained(run.model_dir)
    assert tokenizer.mask_token_id == 280  # the row after the tokenizer's own
    assert tokenizer("the [MASK] of").input_ids.count(280) == 1
    tokens = prepare_corpus(run.recipe).held_out_tokens()
    windows = np.asarray(tokens[: len(tokens) // 64 * 64]).astype(np.int64).reshape(-1, 64)
    examples = build_objective(run.recipe).held_out_examples(windows, range(len(windows)))
    with torch.no_grad():
        loss = model(**examples.to(torch.device("cpu"))).loss
    assert float(loss) == pytest.approx(result.held_out_loss, rel=1e-5)
    assert "fill-mask" in (run.model_dir / "README.md").read_text()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_model(recipe: Recipe) -> None:
    breaks_at, kept = 5, "step-00000004"
    run = create(recipe.with_values({"n_ranks": 1, "steps": 8, "checkpoint_every_steps": 2}))
    assert prepare.main(run.folder) == 0
    ranks = Ranks(run.folder / "log", train_until_the_loss_breaks, run.folder, breaks_at)
    assert ranks.exit_codes() == [1]
    failure = run.reported_failure()
    assert failure is not None, run.log_tail()
    assert failure.params["step"] == breaks_at
    said = failure.in_language("en")
    assert f"step {breaks_at}" in said
    assert "\n" not in said
    assert run.result is None
    assert not run.model_dir.exists()
    assert run.checkpoints()[-1].name == kept
    assert kept in said
    assert kept in failure.in_language("zh_Hans")
    AutoModelForCausalLM.from_pretrained(run.checkpoints()[-1])
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, breaks_at))


def test_other_words_than_the_teachers_end_a_run_before_it_trains(
    recipe: Recipe, tmp_path: Path
) -> None:
    folder = untrained(recipe, tmp_path / "teacher", 2)
    other = recipe.with_value("tokenizer_vocab", 270)
    with pytest.raises(InputError, match="init_from: nowhere"):
        create(other.with_value("init_from", "nowhere"))
    run = create(other.with_value("distillation", {"teacher": str(folder)}))
    assert prepare.main(run.folder) == 2
    failure = run.reported_failure()
    assert failure is not None
    assert "distillation.teacher" in failure.in_language("en")

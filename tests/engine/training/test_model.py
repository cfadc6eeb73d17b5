"""Models have as many parameters as their shape counts, and exports have equal logits."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
)

from engine.shapes import Experts, ModelShape
from engine.training.corpus.tokenizer import train_tokenizer
from engine.training.evaluation.generation import load_model
from engine.training.export import export_model
from engine.training.model import build_model
from tests.engine.shapes import FAMILIES, GPT2_124M, LLAMA2_7B, LLAMA3_8B, TINY

MIXTRAL_8X7B = LLAMA2_7B.model_copy(
    update={"n_kv_heads": 8, "d_ff": 14336, "moe": Experts(n_experts=8, top_k=2, d_ff=14336)}
)
BERT_BASE = GPT2_124M.model_copy(update={"family": "bert", "vocab": 30522, "seq_len_tokens": 512})


@pytest.mark.parametrize(
    ("shape", "published"),
    [
        (TINY, None),
        (LLAMA2_7B, 6_738_415_616),
        (LLAMA3_8B, 8_030_261_248),
        (GPT2_124M, 124_439_808),
        (GPT2_124M.model_copy(update={"tied_embeddings": False, "d_ff": 512}), None),
        (MIXTRAL_8X7B, 46_702_792_704),
        (BERT_BASE, 109_514_298),
        *((TINY.with_values(values), None) for values in FAMILIES.values()),
    ],
    ids=["tiny", "Llama 7B", "Llama 8B", "GPT-2", "untied", "Mixtral", "BERT", *FAMILIES],
)
def test_a_model_has_as_many_parameters_as_we_count(
    shape: ModelShape, published: int | None
) -> None:
    with torch.device("meta"):
        model = build_model(shape)
    n_parameters = sum(p.numel() for p in model.parameters())
    assert n_parameters == shape.count_parameters().total
    assert published in (None, n_parameters)


def test_gpt2_is_the_published_one_but_for_dropout() -> None:
    with torch.device("meta"):
        built, published = build_model(GPT2_124M), GPT2LMHeadModel(GPT2Config())
    assert {name: p.shape for name, p in built.named_parameters()} == {
        name: p.shape for name, p in published.named_parameters()
    }


@pytest.fixture
def exported(tmp_path: Path) -> tuple[PreTrainedModel, Path]:
    tokenizer: Tokenizer = train_tokenizer(["the cat sat on the mat " * 50], TINY.vocab)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(0)
    model = build_model(TINY)
    export_model(model, tmp_path / "tokenizer.json", tmp_path / "model")
    return model, tmp_path / "model"


@pytest.mark.parametrize(
    "shape", [TINY.with_values(values) for values in FAMILIES.values()], ids=FAMILIES
)
def test_from_pretrained_gives_the_same_logits(shape: ModelShape, tmp_path: Path) -> None:
    tokenizer = train_tokenizer(["the cat sat on the mat " * 50], 300)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(0)
    model = build_model(shape)
    folder = tmp_path / "model"
    export_model(model, tmp_path / "tokenizer.json", folder, max_shard_size="200KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 1
    assert not list(folder.glob("*.bin"))
    auto = AutoModelForMaskedLM if shape.family == "bert" else AutoModelForCausalLM
    loaded = auto.from_pretrained(folder, use_safetensors=True)
    tokens = torch.arange(2 * 48).reshape(2, 48) % shape.vocab
    with torch.no_grad():
        assert torch.equal(model.eval()(tokens).logits, loaded.eval()(tokens).logits)
    assert loaded.config.use_cache == (shape.family != "bert")
    assert not model.config.use_cache  # the model continues to train
    if shape.family != "bert":
        written = loaded.generate(tokens, max_new_tokens=3, do_sample=False)
        assert written.shape == (2, 51)
        assert GenerationConfig.from_pretrained(folder).eos_token_id == 0


def test_the_tokenizer_travels_along(exported) -> None:
    tokenizer = AutoTokenizer.from_pretrained(exported[1])
    assert tokenizer.decode(tokenizer("the cat, 猫").input_ids) == "the cat, 猫"


def test_only_safetensors_are_loaded(exported) -> None:
    weights = exported[1] / "model.safetensors"
    torch.save(torch.load, weights.with_name("pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(OSError, match="safetensors"):
        load_model(exported[1])

"""Models of ``transformers``' own classes: our count is theirs, and an export is the model."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, LlamaForCausalLM

from engine.shapes import ModelShape
from engine.training.generation import generate, load
from engine.training.model import build_model, export_model, llama_config
from engine.training.tokenizer import train_tokenizer
from tests.engine.shapes import GPT2_124M, LLAMA2_7B, LLAMA3_8B, TINY


@pytest.mark.parametrize("shape", [TINY, LLAMA2_7B, LLAMA3_8B], ids=["tiny", "7B", "8B"])
def test_llama_has_as_many_parameters_as_we_count(shape: ModelShape) -> None:
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config(shape))
    assert sum(p.numel() for p in model.parameters()) == shape.count_parameters().total


def test_gpt2_has_as_many_parameters_as_we_count() -> None:
    with torch.device("meta"):
        model = GPT2LMHeadModel(GPT2Config())
    assert sum(p.numel() for p in model.parameters()) == GPT2_124M.count_parameters().total


@pytest.fixture
def exported(tmp_path: Path) -> tuple[LlamaForCausalLM, Path]:
    tokenizer: Tokenizer = train_tokenizer(["the cat sat on the mat " * 50], TINY.vocab)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(0)
    model = build_model(TINY)
    export_model(model, tmp_path / "tokenizer.json", tmp_path / "model")
    return model, tmp_path / "model"


def test_from_pretrained_gives_the_same_logits(exported) -> None:
    model, folder = exported
    loaded, _ = load(folder)
    tokens = torch.arange(2 * 48).reshape(2, 48) % TINY.vocab
    with torch.no_grad():
        assert torch.equal(model.eval()(tokens).logits, loaded(tokens).logits)


def test_the_tokenizer_travels_along(exported) -> None:
    tokenizer = AutoTokenizer.from_pretrained(exported[1])
    assert tokenizer.decode(tokenizer("the cat, 猫").input_ids) == "the cat, 猫"


def test_only_safetensors_are_loaded(exported) -> None:
    weights = exported[1] / "model.safetensors"
    torch.save(torch.load, weights.with_name("pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(OSError, match="safetensors"):
        load(exported[1])


def test_generation_is_decided_by_its_seed(exported) -> None:
    model, tokenizer = load(exported[1])

    def write(seed: int, temperature: float = 1.0) -> str:
        return "".join(
            generate(model, tokenizer, "the", max_tokens=12, temperature=temperature, seed=seed)
        )

    assert write(1) == write(1)
    assert write(1) != write(2)
    assert write(1, temperature=0) == write(2, temperature=0)


def test_a_prompt_longer_than_the_context_keeps_its_end(exported) -> None:
    model, tokenizer = load(exported[1])

    def write(prompt: str) -> str:
        return "".join(generate(model, tokenizer, prompt, max_tokens=1, temperature=1.0, seed=1))

    ids = tokenizer("the cat sat on the mat " * 100).input_ids
    end = tokenizer.decode(ids[-TINY.seq_len_tokens :])
    assert write("mat mat mat " + tokenizer.decode(ids)) == write(end)

"""Generation: the distribution of the next token, and equal text with a cache."""

from pathlib import Path

import pytest
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from engine.documents import InputError
from engine.sampling import MAX_PROMPT_CHARS, Sampling, checked_prompt
from engine.training.evaluation.generation import generate, load_model, next_tokens, probabilities
from tests.engine.training.tiny_models import CONTEXT, VOCAB, export, exported

GREEDY = Sampling(tokens=20, temperature=0)


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request, tmp_path_factory):
    return exported(request.param, tmp_path_factory.mktemp(request.param))


def test_greedy_text_is_that_of_transformers(model) -> None:
    language_model, tokenizer = model
    ids = tokenizer("The old cat").input_ids
    reference = language_model.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=20, eos_token_id=None
    )
    assert list(next_tokens(language_model, ids, GREEDY)) == reference[0, len(ids) :].tolist()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_cache_changes_nothing_even_beyond_the_context(model, temperature: float) -> None:
    """The reference reads the whole window at each step, up to twice the context."""
    language_model, tokenizer = model
    sampling = Sampling(tokens=2 * CONTEXT, temperature=temperature, top_p=0.9, seed=3)
    ids = tokenizer("The old cat").input_ids
    window, expected = list(ids), []
    generator = torch.Generator().manual_seed(3)
    for _ in range(2 * CONTEXT):
        if len(window) > CONTEXT:
            window = window[-CONTEXT // 2 :]
        with torch.no_grad():
            logits = language_model(torch.tensor([window]), use_cache=False).logits[0, -1]
        token = int(torch.multinomial(probabilities(logits, sampling), 1, generator=generator))
        window.append(token)
        expected.append(token)
    assert list(next_tokens(language_model, ids, sampling)) == expected


def test_each_step_reads_only_what_is_new(model, monkeypatch: pytest.MonkeyPatch) -> None:
    language_model, tokenizer = model
    ids, read = tokenizer("The old cat").input_ids, []
    forward = type(language_model).forward

    def counting(self, input_ids, **rest):
        read.append(input_ids.shape[1])
        return forward(self, input_ids=input_ids, **rest)

    monkeypatch.setattr(type(language_model), "forward", counting)
    list(next_tokens(language_model, ids, Sampling(tokens=10)))
    assert read == [len(ids)] + [1] * 9


LOGITS = torch.log(torch.tensor([0.05, 0.4, 0.25, 0.2, 0.1]))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 1}, [0.05, 0.4, 0.25, 0.2, 0.1]),
        ({"temperature": 1, "top_k": 2}, [0, 0.4 / 0.65, 0.25 / 0.65, 0, 0]),
        ({"temperature": 1, "top_k": 99}, [0.05, 0.4, 0.25, 0.2, 0.1]),
        ({"temperature": 1, "top_p": 0.3}, [0, 1, 0, 0, 0]),  # the likeliest token always stays
        ({"temperature": 1, "top_p": 0.6}, [0, 0.4 / 0.65, 0.25 / 0.65, 0, 0]),
        ({"temperature": 1, "top_p": 0.66}, [0, 0.4 / 0.85, 0.25 / 0.85, 0.2 / 0.85, 0]),
        # After top_k the shares are 0.4 : 0.25 = 62% : 38%, so 60% is a single token.
        ({"temperature": 1, "top_k": 2, "top_p": 0.6}, [0, 1, 0, 0, 0]),
        # Squared: 0.0025, 0.16, 0.0625, 0.04, 0.01 of 0.275.
        ({"temperature": 0.5}, [0.009091, 0.581818, 0.227273, 0.145455, 0.036364]),
        ({"temperature": 0}, [0, 1, 0, 0, 0]),
        ({"temperature": 1e-300}, [0, 1, 0, 0, 0]),
    ],
)  # fmt: skip
def test_what_is_drawn_from(settings: dict[str, float], expected: list[float]) -> None:
    found = probabilities(LOGITS, Sampling.parse(settings))
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


def test_filters_are_those_of_transformers() -> None:
    torch.manual_seed(0)
    logits = 3 * torch.randn(1, VOCAB)
    reference = logits
    for warper in (TemperatureLogitsWarper(0.7), TopKLogitsWarper(40), TopPLogitsWarper(0.8)):
        reference = warper(None, reference)
    found = probabilities(logits[0], Sampling(temperature=0.7, top_k=40, top_p=0.8))
    assert found.tolist() == pytest.approx(torch.softmax(reference[0], -1).tolist(), abs=1e-6)


def test_text_is_decided_by_its_seed(model) -> None:
    def write(**settings: float) -> str:
        return "".join(generate(*model, "The", Sampling.parse({"tokens": 12} | settings)))

    assert write(seed=1) == write(seed=1)
    assert write(seed=1) != write(seed=2)
    assert write(seed=1, temperature=0) == write(seed=2, temperature=0)


def test_a_prompt_longer_than_the_context_keeps_its_end(model) -> None:
    def write(prompt: str) -> str:
        return "".join(generate(*model, prompt, Sampling(tokens=1, temperature=0)))

    tokenizer = model[1]
    ids = tokenizer("the cat sat on the mat " * 100).input_ids
    end = tokenizer.decode(ids[-CONTEXT:])
    assert write("mat mat mat " + tokenizer.decode(ids)) == write(end)


def test_pieces_are_whole_characters(model, monkeypatch: pytest.MonkeyPatch) -> None:
    language_model, tokenizer = model
    ids = tokenizer("鱼").input_ids  # not in the tokenizer's text, so each byte is a token
    assert len(ids) == 3
    monkeypatch.setattr(
        "engine.training.evaluation.generation.next_tokens", lambda *_: iter([*ids, *ids[:2], 0])
    )
    assert list(generate(language_model, tokenizer, "", Sampling())) == ["鱼"]


def test_a_model_that_fills_in_does_not_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"bert .* predicts the next token"):
        next(generate(*exported("bert", tmp_path), "The", Sampling()))


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("temperature", float("nan"), "finite"),
        ("temperature", -0.1, "at least 0"),
        ("temperature", float("inf"), "finite"),
        ("top_p", 0, "above 0"),
        ("top_p", 1.01, "at most 1"),
        ("top_p", float("nan"), "finite"),
        ("top_k", -1, "at least 0"),
        ("top_k", 1.5, "whole number"),
        ("tokens", 0, "at least 1"),
        ("tokens", 10_000, "at most 4096"),
        ("seed", -1, "at least 0"),
    ],
)
def test_settings_that_are_not_allowed(field: str, value: float, allowed: str) -> None:
    with pytest.raises(InputError, match=allowed) as refused:
        Sampling.parse({field: value})
    assert refused.value.field == field
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("prompt", ["x" * (MAX_PROMPT_CHARS + 1), "x" * 1_000_000, "a\udcffb"])
def test_a_prompt_that_is_none(prompt: str) -> None:
    with pytest.raises(InputError, match="prompt") as refused:
        checked_prompt(prompt)
    assert len(str(refused.value)) < 200


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    config = export("llama", tmp_path) / "config.json"
    config.write_text(config.read_text().replace('"hidden_size": 32', '"hidden_size": 64'))
    with pytest.raises(InputError, match=r"config\.json describes; .*weight is missing or has"):
        load_model(tmp_path)


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    config = export("llama", tmp_path) / "config.json"
    config.write_text(
        config.read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3')
    )
    with pytest.raises(InputError, match=r"model\.layers\.2\."):
        load_model(tmp_path)

"""Inspection agrees with losses and attention that are computed independently."""

import math
from pathlib import Path

import pytest
import torch

from engine.documents import InputError
from engine.training.evaluation.inspection import MAX_TOKENS, attention, inspect
from engine.training.evaluation.scoring import log_likelihoods, rows_for
from tests.engine.training.tiny_models import CONTEXT, exported

PROMPT = "The old cat sat on the mat"


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def model(request, tmp_path_factory):
    return exported(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return exported("bert", tmp_path_factory.mktemp("bert"))


def test_losses_are_the_models_own(model) -> None:
    language_model, tokenizer = model
    ids = torch.tensor([tokenizer(PROMPT).input_ids])
    inspected = inspect(*model, PROMPT)
    assert "".join(inspected["tokens"]) == PROMPT
    assert inspected["losses"][0] is None
    mean = sum(inspected["losses"][1:]) / (ids.shape[1] - 1)
    with torch.no_grad():
        assert mean == pytest.approx(language_model(ids, labels=ids).loss.item(), rel=1e-5)


def test_guesses_are_the_likeliest_tokens(model) -> None:
    language_model, tokenizer = model
    ids = torch.tensor([tokenizer(PROMPT).input_ids])
    with torch.no_grad():
        shares = torch.softmax(language_model(ids).logits[0], -1)
    guesses = inspect(*model, PROMPT)["guesses"]
    assert guesses[0] is None
    for position, position_guesses in enumerate(guesses[1:]):
        best = shares[position].sort(descending=True)
        assert [share for _, share in position_guesses] == pytest.approx(best.values[:5].tolist())
        assert len(position_guesses) == 5


def test_a_long_prompt_is_cut_and_says_so(model) -> None:
    tokens = len(model[1](PROMPT * 20).input_ids)
    inspected = inspect(*model, PROMPT * 20)
    assert len(inspected["tokens"]) == min(CONTEXT, MAX_TOKENS)
    assert inspected["n_left_out"] == tokens - CONTEXT


@pytest.mark.parametrize("prompt", ["", "\n"])
def test_one_token_has_nothing_to_show(model, prompt: str) -> None:
    with pytest.raises(InputError, match="at least two tokens"):
        inspect(*model, prompt)


def test_attention_of_gpt2_by_hand(tmp_path: Path) -> None:
    """softmax(Q·Kᵀ/√d) below the diagonal, from the first layer's own matrix."""
    model, tokenizer = exported("gpt2", tmp_path)
    ids = torch.tensor(tokenizer(PROMPT).input_ids)
    n, heads, width = len(ids), 2, 16
    block, embed = model.transformer.h[0], model.transformer
    with torch.no_grad():
        normed = block.ln_1(embed.wte(ids) + embed.wpe(torch.arange(n)))
        query, key, _ = block.attn.c_attn(normed).split(heads * width, dim=-1)
        scores = torch.einsum(
            "thd,shd->hts", query.view(n, heads, width), key.view(n, heads, width)
        ) / math.sqrt(width)
        expected = torch.softmax(scores.masked_fill(~torch.ones(n, n).tril().bool(), -1e9), -1)
    found = torch.tensor(attention(model, tokenizer, PROMPT, 0)["shares"])
    assert found.shape == (heads, n, n)
    assert torch.allclose(found, expected, atol=1e-4)


def test_attention_looks_back_only_and_leaves_the_model_as_it_was(model) -> None:
    language_model, tokenizer = model
    ids = torch.tensor([tokenizer(PROMPT).input_ids])
    with torch.no_grad():
        before = language_model(ids).logits
    first, second = (torch.tensor(attention(*model, PROMPT, n)["shares"]) for n in range(2))
    assert not torch.allclose(first, second, atol=1e-2)
    for shares in (first, second):
        assert torch.allclose(shares.sum(-1), torch.ones(shares.shape[:2]), atol=1e-2)
        assert (shares.triu(1) == 0).all()
    assert language_model.config._attn_implementation == "sdpa"
    with torch.no_grad():
        assert torch.equal(language_model(ids).logits, before)


@pytest.mark.parametrize("layer", [-1, 2])
def test_a_layer_that_is_not_there(model, layer: int) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        attention(*model, PROMPT, layer)


def test_bert_reads_both_ways(bert) -> None:
    language_model, tokenizer = bert
    ids = tokenizer(PROMPT).input_ids
    inspected = inspect(*bert, PROMPT)
    hidden = list(ids)
    hidden[3] = tokenizer.mask_token_id
    with torch.no_grad():
        logits = language_model(torch.tensor([hidden])).logits[0, 3]
    assert inspected["losses"][3] == pytest.approx(-torch.log_softmax(logits, -1)[ids[3]].item())
    assert len(inspected["losses"]) == len(ids)
    assert torch.tensor(attention(*bert, PROMPT, 0)["shares"]).triu(1).sum() > 0


def test_a_batch_changes_no_score(model) -> None:
    """Answers of different lengths are padded, and each scores as in a batch of its own."""
    _, tokenizer = model
    context = tokenizer("The old cat").input_ids
    answers = [tokenizer(text).input_ids for text in (" sat", " sat on the mat.", "猫")]
    items = [rows_for(*model, context, answer) for answer in answers]
    together = log_likelihoods(model[0], items)
    assert together == pytest.approx([log_likelihoods(model[0], [item])[0] for item in items])
    ids = torch.tensor([context + answers[1]])
    with torch.no_grad():
        steps = torch.log_softmax(model[0](ids).logits[0], -1)
    by_hand = sum(steps[i - 1, ids[0, i]].item() for i in range(len(context), ids.shape[1]))
    assert together[1] == pytest.approx(by_hand, rel=1e-5)


def test_berts_answers_are_masked_one_token_at_a_time(bert) -> None:
    language_model, tokenizer = bert
    context, answer = tokenizer("The old cat").input_ids, tokenizer(" sat.").input_ids
    by_hand = 0.0
    for place in range(len(answer)):
        ids = [*context, *answer]
        ids[len(context) + place] = tokenizer.mask_token_id
        with torch.no_grad():
            logits = language_model(torch.tensor([ids])).logits[0, len(context) + place]
        by_hand += torch.log_softmax(logits, -1)[answer[place]].item()
    assert log_likelihoods(language_model, [rows_for(*bert, context, answer)]) == [
        pytest.approx(by_hand, rel=1e-5)
    ]
